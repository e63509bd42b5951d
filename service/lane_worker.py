"""One lane's consumer: takes a chunk when a slot is free, grades it, answers, and gives it back."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import socket
import time
import uuid
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import Final, NamedTuple

from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from graders.contract import Lane
from service.audit.trail import AuditTrail
from service.chunk_grading import ChunkGrader
from service.clock import SharedClock
from service.finishing import Finisher
from service.jobs.keeping import Kept
from service.jobs.records import cancelled_runs
from service.leases import Lease, Leases
from service.logs import Fact, note
from service.measured import Measured
from service.outage import Outage
from service.presence import SHOW, Presence
from service.queues import Queue
from service.settings import Settings
from service.streams import (
    Chunk,
    Reply,
    presence_key,
    workers_key,
)
from service.tracing import Tracing
from service.turns import Turns

__all__ = ["LaneWorker"]

_LOG: Final = logging.getLogger(__name__)
_PRESENCE_S: Final = 1.0
_BURIAL_S: Final = 60.0
_BURIAL_IDLE_MS: Final = 600_000
_PRESENCE_TTL_MS: Final = 5_000
_RETRY_S: Final = 0.2
# Longer without an answer, Redis itself was away, and no worker could renew what it holds.
_SILENCE_S: Final = 2.5


class _Held(NamedTuple):
    """A chunk that is being graded, and the task that does it."""

    lease: Lease
    task: asyncio.Task[None]


class LaneWorker:
    """Serves one lane: takes no chunk before a slot is free, and in the order of the turns."""

    def __init__(
        self,
        redis: Redis,
        lane: Lane,
        *,
        settings: Settings,
        audit: AuditTrail | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self._redis = redis
        self._settings = settings
        self._lane = lane
        self._name = f"{socket.gethostname()}-{os.getpid()}-{lane}-{uuid.uuid4().hex[:8]}"
        self._leases = Leases(redis, lane, self._name)
        self._turns = Turns()
        self._clock = SharedClock()
        self._chunks = ChunkGrader(redis, lane, settings=settings, audit=audit, clock=self._clock)
        self._outage = Outage(redis)
        self._finisher = Finisher(
            redis, kept=Kept.by(settings), clock=self._clock, outage=self._outage
        )
        self._tracing = tracing
        self._lease_ms = int(settings.lease_s * 1000)
        self._slots = settings.slots_in(lane)
        self._threads = ThreadPoolExecutor(self._slots, thread_name_prefix=f"grade-{lane}")
        self._held: dict[tuple[Queue, bytes], _Held] = {}
        self._since = time.time()
        self._over = asyncio.Event()
        self._heard_at = time.monotonic()
        self._may_take_over_at = 0.0

    async def serve(self, stop: asyncio.Event, hurry: asyncio.Event | None = None) -> None:
        """Work until `stop` is set; a Redis that goes away is waited for.

        Then what is under way is finished, unless there is `hurry`.
        """
        note({"worker": self._name})
        # Before it judges by the clock, it sets it.
        await self._guarded(self._show_presence)
        chores = [
            asyncio.create_task(self._again_and_again(chore, every_s))
            for chore, every_s in (
                (self._show_presence, _PRESENCE_S),
                (self._renew_leases, self._settings.lease_s / 3),
                (partial(self._take_over, stop), self._settings.lease_s / 3),
                (self._bury, _BURIAL_S),
            )
        ]
        try:
            while not stop.is_set():
                _check_all_go_on(chores)
                await self._guarded(self._take_new)
            await self._drain(hurry or asyncio.Event())
        finally:
            # Told, not cancelled: the client may swallow a cancellation in the middle of a call.
            self._over.set()
            await asyncio.gather(*chores, return_exceptions=True)
            await self._guarded(self._sign_off)
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def _again_and_again(
        self, chore: Callable[[], Coroutine[None, None, None]], every_s: float
    ) -> None:
        while not self._over.is_set():
            await self._guarded(chore)
            # Spread out, so that many workers do not ask at the same moment.
            pause_s = every_s * random.uniform(0.8, 1.0)  # noqa: S311 - no secret
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._over.wait()

    async def _guarded(self, step: Callable[[], Coroutine[None, None, None]]) -> None:
        try:
            await step()
        except RedisError as error:
            # A Redis that came back empty has no groups; the next turn makes them.
            if "NOGROUP" in str(error):
                return
            self._outage.seen(error)
            await asyncio.sleep(_RETRY_S)

    async def _show_presence(self) -> None:
        presence = Presence(slots=self._slots, busy=len(self._held), since=self._since)
        keys = workers_key(self._lane), presence_key(self._name)
        text = presence.model_dump_json()
        await self._redis.eval(SHOW, 2, *keys, self._name, text, str(_PRESENCE_TTL_MS))
        self._hear()
        await self._clock.set_by(self._redis)
        await self._leases.look_for_queues()
        self._chunks.cancelled = await cancelled_runs(self._redis)

    def _hear(self) -> None:
        """Redis has answered; after a silence, those who still live get time to renew."""
        now = time.monotonic()
        if now - self._heard_at > _SILENCE_S:
            self._may_take_over_at = now + self._settings.lease_s
        self._heard_at = now
        self._outage.over()

    async def _take_new(self) -> None:
        free = self._slots - len(self._held)
        if free <= 0:
            tasks = [held.task for held in self._held.values()]
            # Not for ever: while Redis is away no slot gets free, and this may be told to stop.
            await asyncio.wait(tasks, timeout=_PRESENCE_S, return_when=asyncio.FIRST_COMPLETED)
            return
        leases = await self._leases.take(self._turns, free)
        leases = leases or await self._leases.wait(self._turns)
        for lease in leases[:free]:
            self._begin(lease)
        for lease in leases[free:]:
            await self._replace(lease, [lease.chunk])

    def _begin(self, lease: Lease) -> None:
        key = (lease.queue, lease.entry_id)
        task = asyncio.create_task(self._grade(lease))
        self._held[key] = _Held(lease, task)
        task.add_done_callback(lambda _: self._held.pop(key, None))

    async def _grade(self, lease: Lease) -> None:
        if not lease.is_legible:
            await self._finish(lease, self._chunks.given_up(lease, reason="internal_error"))
            return
        loop = asyncio.get_running_loop()
        charged, began = self._turns.begin(lease.queue), time.monotonic()
        began_s = time.time()
        note(_facts_of(lease))
        # The thread's records carry the facts of the task.
        within = copy_context().run
        reply = await loop.run_in_executor(self._threads, within, self._chunks.reply_to, lease)
        self._turns.end(lease.queue, charged=charged, took_s=time.monotonic() - began)
        took_ms = round((time.time() - began_s) * 1000, 1)
        _LOG.debug("graded", extra={"facts": {"items": lease.chunk.items, "ms": took_ms}})
        if self._tracing is not None:
            self._tracing.graded(lease, reply.measured, began_s=began_s)
        await self._finish(lease, reply)

    async def _finish(self, lease: Lease, reply: Reply) -> None:
        await self._finisher.finish(lease, reply, over=self._over)

    async def _renew_leases(self) -> None:
        if self._held:
            await self._leases.renew(self._held)

    async def _take_over(self, stop: asyncio.Event) -> None:
        """Claim what its worker has been silent about for a lease; none that stops does."""
        free = self._slots - len(self._held)
        if stop.is_set():
            return
        if free <= 0 or time.monotonic() - self._heard_at > _SILENCE_S:
            return
        if time.monotonic() < self._may_take_over_at:
            return
        asked_at = time.monotonic()
        leases = await self._leases.take_over(free, silent_ms=self._lease_ms)
        if time.monotonic() - asked_at > _SILENCE_S:
            # Whoever held these is likely alive and answers; if not, they fall silent once more.
            return
        for lease in leases:
            if (lease.queue, lease.entry_id) not in self._held:
                await self._redo(lease)

    async def _redo(self, lease: Lease) -> None:
        chunk = lease.chunk
        if not lease.is_legible:
            self._begin(lease)
            return
        if chunk.items > 1:
            _LOG.warning("a worker died over %d items", chunk.items)
            try:
                await self._replace(lease, chunk.split(deaths=1))
            except ValidationError:
                # Of another version: it is answered so, and harms nobody.
                self._begin(lease)
            return
        deaths = chunk.deaths + await self._leases.deliveries(lease) - 1
        lease = lease._replace(chunk=chunk._replace(deaths=deaths))
        if deaths < self._settings.deliveries:
            self._begin(lease)
            return
        _LOG.error("an item brought down %d workers", deaths)
        reply = self._chunks.given_up(lease, reason="worker_died")
        await self._finish(lease, reply._replace(measured=Measured(self._lane, lost=deaths)))

    async def _replace(self, lease: Lease, chunks: Sequence[Chunk]) -> None:
        async with self._redis.pipeline() as pipe:
            lease.replace(pipe, chunks)
            await pipe.execute()

    async def _bury(self) -> None:
        await self._leases.bury(_BURIAL_IDLE_MS)

    async def _drain(self, hurry: asyncio.Event) -> None:
        """Finish what is held, and give back what takes too long: it has cost nobody his life."""
        if self._held:
            tasks = [held.task for held in self._held.values()]
            ends = [asyncio.create_task(one) for one in (asyncio.wait(tasks), hurry.wait())]
            limit_s = self._settings.drain_s
            await asyncio.wait(ends, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                end.cancel()
        for lease, task in [*self._held.values()]:
            task.cancel()
            await self._guarded(partial(self._replace, lease, [lease.chunk]))
            self._held.pop((lease.queue, lease.entry_id), None)

    async def _sign_off(self) -> None:
        async with self._redis.pipeline() as pipe:
            pipe.srem(workers_key(self._lane), self._name)
            pipe.delete(presence_key(self._name))
            await pipe.execute()
        if not self._held:
            await self._leases.sign_off()


def _check_all_go_on(chores: Iterable[asyncio.Task[None]]) -> None:
    """A worker that lacks one of its chores ends with the chore's error, and another is started."""
    for chore in chores:
        if chore.done():
            chore.result()


def _facts_of(lease: Lease) -> dict[str, Fact]:
    """By what the records on a chunk are found again."""
    facts: dict[str, Fact] = {"tenant": lease.queue.tenant}
    if lease.chunk.origins:
        facts["request_ids"] = [origin.request_id for origin in lease.chunk.origins]
    if lease.chunk.routes.jobs:
        facts["jobs"] = [job for job, _ in lease.chunk.routes.jobs]
    return facts
