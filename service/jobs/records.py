"""What is known of a job, and how one begins and is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import orjson
from redis.asyncio import Redis

from service.intake import Intake
from service.items import Answer
from service.jobs.keys import CANCELLED_KEY, RUNNING_KEY, record_key
from service.jobs.routes import JobRun
from service.jobs.scripts import ABANDON, DISOWN, OPEN

__all__ = [
    "Head",
    "JobState",
    "Opened",
    "Status",
    "abandon_job",
    "cancelled_runs",
    "disown_job",
    "looked_again",
    "open_job",
    "running_jobs",
    "state_of",
    "status_of",
]

Opened: TypeAlias = Literal["new", "same", "other"]
"""Whether the job is new, there with the same request, or there with another."""

Status: TypeAlias = Literal["running", "done", "cancelled"]

# Longer than a call to Redis may take: a job that is sent at last is still there to be noted so.
_OPENING_MS: Final = 60_000
_RECORD_BYTES: Final = 1_024


class Head(NamedTuple):
    """What a request says of its items, and the answers that were known at once, by place."""

    ids: Sequence[str | None]
    groups: Sequence[str | None]
    known: dict[int, Answer]

    @classmethod
    def of(cls, intake: Intake) -> Head:
        """The head of what was taken in."""
        ids: list[str | None] = [None] * len(intake.answers)
        for place, work in zip(intake.places, intake.works, strict=True):
            ids[place] = work.item_id
        known = {place: answer for place, answer in enumerate(intake.answers) if answer}
        return cls(ids, intake.groups, known)

    def encoded(self) -> bytes:
        """The head as JSON."""
        known = [[place, a.verdict.decode(), a.mark] for place, a in self.known.items()]
        return orjson.dumps([_or_none(self.ids), _or_none(self.groups), known])

    @classmethod
    def decoded(cls, content: bytes, items: int) -> Head:
        """The head of so many items from its JSON."""
        ids, groups, known = orjson.loads(content)
        answers = {place: Answer(v.encode(), None, mark) for place, v, mark in known}
        return cls(ids or [None] * items, groups or [None] * items, answers)


class JobState(NamedTuple):
    """How it stands with a job, by the clock of Redis."""

    tenant: str
    items: int
    done: int
    created_ms: int
    deadline_ms: int
    ended_ms: int | None
    cancelled: bool
    sent: bool
    head: Head
    run: str
    now_ms: int

    @property
    def is_over(self) -> bool:
        """Whether no verdict is to come any more."""
        return self.ended_ms is not None or self.cancelled or self.now_ms > self.deadline_ms


def status_of(state: JobState) -> Status:
    """The state in a word; what missed the deadline is as done as it gets."""
    if state.cancelled:
        return "cancelled"
    return "done" if state.is_over else "running"


async def open_job(
    redis: Redis, begun: JobRun, head: Head, *, tenant: str, digest: str, deadline_s: float
) -> Opened:
    """Begin the job under this id, unless there is one of any run.

    Of a job that is opened, and whose chunks are not sent, nothing is left after a moment.
    """
    encoded = head.encoded()
    fields = {
        "run": begun.run,
        "tenant": tenant,
        "digest": digest,
        "items": len(head.ids),
        "done": len(head.known),
        "bytes": len(encoded) + _RECORD_BYTES,
        "head": encoded,
    }
    # Any: redis-py types neither what scripts are told nor what they answer.
    flat: list[Any] = [part for pair in fields.items() for part in pair]
    opened: Any = await redis.eval(
        OPEN, 1, record_key(begun.job), digest, _OPENING_MS, int(deadline_s * 1000), *flat
    )
    answers: dict[bytes, Opened] = {b"new": "new", b"same": "same"}
    return answers.get(opened, "other")


async def abandon_job(redis: Redis, begun: JobRun) -> None:
    """Leave nothing of a job that was opened, and whose chunks could not be sent."""
    await redis.eval(ABANDON, 1, record_key(begun.job), begun.run)


async def disown_job(redis: Redis, begun: JobRun) -> None:
    """Let go of a job whose verdicts are lost, so that it may begin anew under its id."""
    await redis.eval(DISOWN, 1, record_key(begun.job), begun.run)


async def state_of(redis: Redis, job: str) -> JobState | None:
    """How it stands with the job; None is one that there is not, or not any more."""
    async with redis.pipeline(transaction=False) as pipe:
        # First the time: nothing lands after the deadline, so what is read later is final.
        pipe.time()
        pipe.hgetall(record_key(job))
        time, found = await pipe.execute()
    if not found:
        return None
    items = int(found[b"items"])
    return JobState(
        tenant=found[b"tenant"].decode(),
        items=items,
        done=int(found[b"done"]),
        created_ms=int(found[b"created_ms"]),
        deadline_ms=int(found[b"deadline_ms"]),
        ended_ms=int(found[b"ended_ms"]) if b"ended_ms" in found else None,
        cancelled=b"cancelled" in found,
        sent=b"sent" in found,
        head=Head.decoded(found[b"head"], items),
        run=found.get(b"run", b"").decode(),
        now_ms=_ms(time),
    )


async def looked_again(redis: Redis, job: str, state: JobState) -> JobState | None:
    """How it stands by now, for less than `state_of` costs; None where that run is not kept."""
    async with redis.pipeline(transaction=False) as pipe:
        pipe.time()
        pipe.hmget(record_key(job), "run", "done", "ended_ms", "cancelled", "sent")
        time, (run, done, ended_ms, cancelled, sent) = await pipe.execute()
    if done is None or (run or b"").decode() != state.run:
        return None
    return state._replace(
        done=int(done),
        ended_ms=None if ended_ms is None else int(ended_ms),
        cancelled=cancelled is not None,
        sent=sent is not None,
        now_ms=_ms(time),
    )


async def cancelled_runs(redis: Redis) -> frozenset[JobRun]:
    """The jobs that were taken back and may have chunks in a queue."""
    # Any: redis-py types the answer as the union over all protocols; we speak RESP2.
    found: Any = await redis.zrangebyscore(CANCELLED_KEY, _ms(await redis.time()), "+inf")
    return frozenset(JobRun(*member.decode().split(":", 1)) for member in found)


async def running_jobs(redis: Redis) -> int:
    """How many jobs are not over."""
    return int(await redis.zcount(RUNNING_KEY, _ms(await redis.time()), "+inf"))


def _ms(time: tuple[int, int]) -> int:
    seconds, microseconds = time
    return seconds * 1000 + microseconds // 1000


def _or_none(labels: Sequence[str | None]) -> Sequence[str | None] | None:
    return None if all(label is None for label in labels) else labels
