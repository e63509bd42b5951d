"""How a worker answers: the reply, a job's verdicts and the chunk's end, all or none of it."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from contextlib import suppress
from typing import Final

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from service.clock import SharedClock
from service.jobs.keeping import Kept, land
from service.leases import Lease
from service.outage import Outage, is_full
from service.sharing import counted_everywhere
from service.streams import Reply

__all__ = ["Finisher"]

_LOG: Final = logging.getLogger(__name__)
_REPLY_TTL_MS: Final = 600_000
_REPLIES_KEPT: Final = 100_000
_RETRY_S: Final = 0.2
# A full Redis takes it, too, for the script begins with what needs no memory: once the chunk is
# answered, there is room.
_ANSWER: Final = """
redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[1])
redis.call('XADD', KEYS[1], '*', unpack(ARGV, 3))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""


class Finisher:
    """Tells Redis what became of chunks, for as long as anybody can want to know."""

    def __init__(self, redis: Redis, *, kept: Kept, clock: SharedClock, outage: Outage) -> None:
        self._redis = redis
        self._kept = kept
        self._clock = clock
        self._outage = outage

    async def finish(self, lease: Lease, reply: Reply, *, over: asyncio.Event) -> None:
        """Answer the chunk and end it; once it is `over`, another worker may.

        It is tried at least once, however late it is.
        """
        left_ms = max(lease.chunk.deadline_ms - self._clock.now_ms(), 0) + _REPLY_TTL_MS
        give_up_at = time.monotonic() + left_ms / 1000
        full = False
        while True:
            try:
                await (self._end_in_steps if full else self._end)(lease, reply)
            except RedisError as error:
                self._outage.seen(error)
                full = is_full(error)
            else:
                return
            # Who stops leaves it to another worker: a cancellation the client may swallow here.
            if over.is_set():
                return
            if time.monotonic() > give_up_at:
                await self._drop(lease)
                return
            await asyncio.sleep(_RETRY_S)

    async def _end(self, lease: Lease, reply: Reply) -> None:
        async with self._redis.pipeline() as pipe:
            self._tell(pipe, lease, reply)
            lease.finish(pipe)
            await pipe.execute()

    async def _end_in_steps(self, lease: Lease, reply: Reply) -> None:
        """A full Redis takes no transaction; what was answered twice in between counts once."""
        async with self._redis.pipeline(transaction=False) as pipe:
            self._tell(pipe, lease, reply)
            await pipe.execute()
        async with self._redis.pipeline(transaction=False) as pipe:
            lease.finish(pipe)
            await pipe.execute()

    def _tell(self, pipe: Pipeline, lease: Lease, reply: Reply) -> None:
        chunk, told = lease.chunk, reply
        if not chunk.reply_to:
            return
        if not chunk.awaited:
            told = reply.without_verdicts(counted_everywhere(chunk, reply))
        fields = itertools.chain(*told.fields().items())
        pipe.eval(_ANSWER, 1, chunk.reply_to, _REPLIES_KEPT, _REPLY_TTL_MS, *fields)
        land(pipe, chunk, reply, kept=self._kept)

    async def _drop(self, lease: Lease) -> None:
        """What cannot be answered does not stay in the queue for ever."""
        _LOG.error("a chunk of %d items cannot be answered and is dropped", lease.chunk.items)
        with suppress(RedisError):
            async with self._redis.pipeline() as pipe:
                lease.finish(pipe)
                await pipe.execute()
