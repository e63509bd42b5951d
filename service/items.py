"""One item on its way through the API, and the answer to it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from graders.contract import Lane, SharedReason
from service.grading import refused
from service.jobs.routes import JobRun
from service.queues import ANYBODY, Priority
from service.streams import Mark, Origin, Task

__all__ = [
    "Answer",
    "Batch",
    "Errand",
    "Keeping",
    "KeptAt",
    "SharedReference",
    "Ticket",
    "Work",
    "end_kept_by",
    "unanswered",
]

# A worker may find that a time is over a little before this process does.
_ABOUT_S: Final = 1.0


class SharedReference(NamedTuple):
    """A reference's JSON, and the SHA-256 of it under which a chunk carries it once."""

    name: str
    content: bytes


class Work(NamedTuple):
    """One item as it travels: its JSON, that of its request's graders, and what it shares.

    With a `reference`, the item's own JSON only names it.
    Items of equal `essence` earn equal grades; None is an item that must be graded by itself.
    """

    item_id: str | None
    lane: Lane
    graders: bytes
    item: bytes
    reference: SharedReference | None = None
    essence: bytes | None = None
    task: Task = "grade"


class Keeping(NamedTuple):
    """A job that keeps the answers to a submission: in which of its places, in the works' order.

    Unless somebody awaits them, too, they go nowhere else.
    """

    job: JobRun
    places: Sequence[int]
    awaited: bool


class KeptAt(NamedTuple):
    """A place in a job."""

    job: JobRun
    place: int


class Errand(NamedTuple):
    """On whose behalf items are graded, how urgently, within which time, and who keeps them."""

    deadline_s: float
    tenant: str = ANYBODY
    priority: Priority = "interactive"
    origin: Origin | None = None
    keeping: Keeping | None = None

    @property
    def awaited(self) -> bool:
        """Whether the answers come back here."""
        return self.keeping is None or self.keeping.awaited


class Answer(NamedTuple):
    """The verdict on one item, as JSON, with what the API itself needs of it."""

    verdict: bytes
    reward: float | None
    mark: Mark


@dataclass(slots=True)
class Batch:
    """The items of one submission, filled in as replies arrive."""

    answers: list[Answer | None]
    missing: int
    done: asyncio.Future[None]

    async def over(self, within_s: float) -> None:
        """Return once nothing is missing, or at the latest after so long; or raise its error."""
        timer = asyncio.get_running_loop().call_later(within_s, self.end, None)
        try:
            await self.done
        finally:
            timer.cancel()

    def fill(self, place: int, answer: Answer) -> None:
        """Put the first answer in its place; a second changes nothing."""
        if self.answers[place] is None:
            self.answers[place] = answer
            self.missing -= 1
            if not self.missing and not self.done.done():
                self.done.set_result(None)

    def end(self, error: Exception | None) -> None:
        """Let the submission end as it is, or with this error, if it has not ended yet."""
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)


class Ticket(NamedTuple):
    """One item waiting to be sent, and where its answer goes.

    Its twins are of equal essence: they are not sent, and get its answer under their own ids. More
    may join it while it is under way. Those whose time is not over when its own is are sent then.
    """

    work: Work
    batch: Batch
    place: int
    expires_at: float
    errand: Errand
    twins: list[Ticket]

    def may_join(self, other: Ticket) -> bool:
        """Whether the answer to the other comes to all the places where this one's is wanted.

        It does for what one submission holds; a job cannot be added to what is sent already, and
        takes what it has sent along when it is cancelled.
        """
        if self.batch is other.batch:
            return True
        return self.errand.keeping is None and other.errand.keeping is None

    def survivors(self, now_s: float) -> list[Ticket]:
        """The twins that may still be graded once the time of this one is over."""
        if now_s < self.expires_at - _ABOUT_S:
            return []
        return [twin for twin in self.twins if twin.expires_at > now_s]

    @property
    def kept_at(self) -> KeptAt | None:
        """Where the answer is kept, if it is."""
        keeping = self.errand.keeping
        return None if keeping is None else KeptAt(keeping.job, keeping.places[self.place])


def end_kept_by(
    jobs: Collection[JobRun], tickets: Iterable[Sequence[Ticket]], error: Exception
) -> None:
    """Let every submission that one of these jobs keeps end with the error.

    Nobody would hear of a job whose record is gone, and so nobody is told that it was begun.
    """
    for ticket in itertools.chain(*tickets) if jobs else ():
        if ticket.errand.keeping is not None and ticket.errand.keeping.job in jobs:
            ticket.batch.end(error)


def unanswered(item_id: str | None, reason: SharedReason) -> Answer:
    """The answer to an item that was not graded, through no fault of its own."""
    return Answer(refused(item_id, "failed", reason).model_dump_json().encode(), None, "f")
