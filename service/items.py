"""One item on its way through the API, and the answer to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import NamedTuple

from graders.contract import Lane
from service.streams import Mark, Task

__all__ = ["Answer", "Batch", "SharedReference", "Ticket", "Work"]


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

    def fill(self, place: int, answer: Answer) -> None:
        """Put the first answer in its place; a second changes nothing."""
        if self.answers[place] is None:
            self.answers[place] = answer
            self.missing -= 1
            if not self.missing and not self.done.done():
                self.done.set_result(None)

    def fail(self, error: Exception) -> None:
        """Let the submission end with this error, if it has not ended yet."""
        if not self.done.done():
            self.done.set_exception(error)


class Ticket(NamedTuple):
    """One item waiting to be sent, and where its answer goes.

    Its twins are of equal essence: they are not sent, and get its answer under their own ids.
    """

    work: Work
    batch: Batch
    place: int
    expires_at: float
    twins: tuple[Ticket, ...] = ()
