"""A request under a key of the client's: graded once, however often and wherever it is sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, NamedTuple

from redis.exceptions import RedisError

from service.broker import Broker, QueueUnavailable
from service.intake import Intake
from service.items import Answer, Errand, Keeping
from service.jobs.following import JobGone, follow, rest_of
from service.jobs.keeping import Kept, mark_sent
from service.jobs.keys import new_job_id, new_run
from service.jobs.records import Head, JobState, abandon_job, open_job, state_of
from service.jobs.routes import JobRun

__all__ = ["Ask", "KeyTaken", "begin", "grade_once"]

_LOOK_AGAIN_S: Final = 0.2


class KeyTaken(Exception):
    """The client has sent another request under this key."""


class Ask(NamedTuple):
    """What is asked, on whose errand, under which key, and the digest of the request's body."""

    intake: Intake
    errand: Errand
    digest: str
    key: str | None

    @property
    def job(self) -> str:
        """The id that the job has under the key; without one, a new id each time."""
        return new_job_id(self.errand.tenant, self.key)


async def begin(broker: Broker, ask: Ask, *, kept: Kept) -> str:
    """The id of the job that does what is asked, begun unless it was before.

    Raises KeyTaken, QueueFull, QueueUnavailable and RedisError.
    """
    begun = JobRun(ask.job, new_run())
    if await _running(broker, ask, begun) is None:
        async with _sending(broker, begun):
            await _hand_over(broker, ask, begun, kept=kept)
    return begun.job


async def grade_once(broker: Broker, ask: Ask, *, kept: Kept) -> list[Answer]:
    """The answers in the order of the items, here or wherever they are being graded already.

    Raises KeyTaken, QueueFull, QueueUnavailable and RedisError.
    """
    job, intake, ends_at = ask.job, ask.intake, time.monotonic() + ask.errand.deadline_s
    left_s = ask.errand.deadline_s
    while True:
        ask = ask._replace(errand=ask.errand._replace(deadline_s=left_s))
        begun = JobRun(job, new_run())
        running = await _running(broker, ask, begun)
        if running is None:
            async with _sending(broker, begun):
                return intake.filled(await _graded(broker, ask, begun, kept=kept))
        # Redis came back without it, or its time was over just now: nobody grades it any more.
        with suppress(JobGone):
            return await _attached(broker, job, running, deadline_s=left_s)
        left_s = ends_at - time.monotonic()
        if left_s <= 0:
            raise QueueUnavailable("the job was lost, and there is no time to begin it anew")


async def _graded(broker: Broker, ask: Ask, begun: JobRun, *, kept: Kept) -> list[Answer]:
    if not ask.intake.works:
        await _hand_over(broker, ask, begun, kept=kept)
        return []
    keeping = Keeping(begun, ask.intake.places, awaited=True)
    return await broker.submit(ask.intake.works, ask.errand._replace(keeping=keeping))


async def _running(broker: Broker, ask: Ask, begun: JobRun) -> JobState | None:
    """The job as it was begun before, if it was; else it is opened, and ours to send."""
    job = begun.job
    if ask.key is None or await state_of(broker.redis, job) is None:
        await broker.admit(ask.intake.works, ask.errand)
    ends_at = time.monotonic() + ask.errand.deadline_s
    while True:
        opened = await open_job(
            broker.redis,
            begun,
            Head.of(ask.intake),
            tenant=ask.errand.tenant,
            digest=ask.digest,
            deadline_s=ask.errand.deadline_s,
        )
        if opened == "other":
            raise KeyTaken("another body was sent under this Idempotency-Key: choose a new key")
        if opened == "new":
            return None
        state = await state_of(broker.redis, job)
        if state is not None and state.sent:
            broker.figures.repeated += 1
            return state
        # Opened by a replica that has not sent it yet; if it never does, the record goes away.
        if time.monotonic() > ends_at:
            raise QueueUnavailable("the replica that began the job has not sent it")
        await asyncio.sleep(_LOOK_AGAIN_S)


@asynccontextmanager
async def _sending(broker: Broker, begun: JobRun) -> AsyncIterator[None]:
    """What cannot be sent does not keep others under its key waiting."""
    try:
        yield
    except (QueueUnavailable, RedisError):
        with suppress(RedisError):
            await abandon_job(broker.redis, begun)
        raise


async def _hand_over(broker: Broker, ask: Ask, begun: JobRun, *, kept: Kept) -> None:
    keeping = Keeping(begun, ask.intake.places, awaited=False)
    if ask.intake.works:
        await broker.hand_over(ask.intake.works, ask.errand._replace(keeping=keeping))
        return
    async with broker.redis.pipeline(transaction=False) as pipe:
        mark_sent(pipe, begun, kept=kept)
        if not all(await pipe.execute()):
            raise QueueUnavailable("the job's record is gone")


async def _attached(
    broker: Broker, job: str, state: JobState, *, deadline_s: float
) -> list[Answer]:
    answers: dict[int, Answer] = {}
    with suppress(TimeoutError):
        async with asyncio.timeout(deadline_s):
            async for news in follow(broker.redis, broker.landings, job):
                if isinstance(news, JobState):
                    state = news
                else:
                    answers.update(news.answers)
    return rest_of(answers, state)
