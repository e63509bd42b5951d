"""Reading the verdicts of a job, as they land or all at once; any replica can."""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Container,
    Iterator,
    Mapping,
    Sequence,
    Sized,
)
from contextlib import suppress
from typing import Final, NamedTuple

import orjson
from redis.asyncio import Redis

from graders.contract import SharedReason
from service.items import Answer, unanswered
from service.jobs.keys import results_key
from service.jobs.landings import Landings
from service.jobs.records import JobState, disown_job, looked_again, state_of
from service.jobs.routes import JobRun
from service.redis_link import entries_of
from service.sharing import twin_answer

__all__ = ["JobGone", "Landed", "all_answers", "follow", "never_came", "rest_of"]

_START: Final = b"0-0"
_ENTRIES_PER_READ: Final = 64
_LOOK_AGAIN_S: Final = 1.0


class JobGone(Exception):
    """The job is not kept any more."""


class Landed(NamedTuple):
    """Verdicts that landed together, each with its place; the cursor is what to go on from."""

    cursor: bytes
    answers: Sequence[tuple[int, Answer]]


async def follow(
    redis: Redis, landings: Landings, job: str
) -> AsyncGenerator[Landed | JobState, None]:
    """Every verdict once, in the order in which they landed, and after each look how it stands.

    Ends with the job; what is missing then never comes. Raises JobGone, and RedisError.
    """
    with landings.watched(job) as changed:
        state = _known(await state_of(redis, job), job)
        yield Landed(_START, sorted(state.head.known.items()))
        cursor, seen = _START, set(state.head.known)
        while True:
            changed.clear()
            # First how it stands: a job that is over by then has all its verdicts in the stream.
            state = _known(await looked_again(redis, job, state), job)
            async for landed in _new(redis, job, cursor, state, seen):
                cursor = landed.cursor
                yield landed
            await _check_whole(redis, job, state, seen)
            yield state
            if state.is_over:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_AGAIN_S):
                    await changed.wait()


async def all_answers(redis: Redis, job: str, state: JobState) -> list[Answer]:
    """What has landed, in the order of the items, and for the rest why there is nothing.

    Raises JobGone where the verdicts were let go since the state was read.
    """
    answers = dict(state.head.known)
    async for landed in _new(redis, job, _START, state, set(answers)):
        answers.update(landed.answers)
    await _check_whole(redis, job, state, answers)
    return rest_of(answers, state)


def rest_of(answers: dict[int, Answer], state: JobState) -> list[Answer]:
    """The answers in the order of the items; those that never came say why."""
    missing = dict(never_came(answers, state))
    return [answers.get(place) or missing[place] for place in range(state.items)]


def never_came(told: Container[int], state: JobState) -> Iterator[tuple[int, Answer]]:
    """Of a job that is over, the places that were not told, each with what says why."""
    why: SharedReason = "cancelled" if state.cancelled else "deadline"
    for place, item_id in enumerate(state.head.ids):
        if place not in told:
            yield place, unanswered(item_id, why)


def _known(state: JobState | None, job: str) -> JobState:
    if state is None:
        raise JobGone(job)
    return state


async def _check_whole(redis: Redis, job: str, state: JobState, found: Sized) -> None:
    """What was done by the state must have been read after it; else it, and the job, is lost."""
    if len(found) < state.done:
        await disown_job(redis, JobRun(job, state.run))
        raise JobGone(job)


async def _new(
    redis: Redis, job: str, cursor: bytes, state: JobState, seen: set[int]
) -> AsyncIterator[Landed]:
    key = results_key(JobRun(job, state.run))
    while True:
        found = await redis.xrange(key, b"(" + cursor, "+", _ENTRIES_PER_READ)
        entries = entries_of(found)
        for cursor, fields in entries:
            if fields is not None:
                yield Landed(cursor, _answers(fields, state.head.ids, seen))
        if len(entries) < _ENTRIES_PER_READ:
            return


def _answers(
    fields: Mapping[bytes, bytes], ids: Sequence[str | None], seen: set[int]
) -> list[tuple[int, Answer]]:
    """The entry's verdicts at all their places, but those where one has landed before."""
    rewards, marks = orjson.loads(fields[b"s"])
    verdicts = fields[b"v"].split(b"\n")
    places = orjson.loads(fields[b"w"])
    answers = []
    for (first, *others), *parts in zip(places, verdicts, rewards, marks, strict=True):
        answer = Answer(*parts)
        answers.append((first, answer))
        answers += [(place, twin_answer(answer, ids[place]).answer) for place in others]
    fresh = [(place, answer) for place, answer in answers if place not in seen]
    seen.update(place for place, _ in fresh)
    return fresh
