"""How chunks leave an API process: cut, packed, and in one breath with the news of the queues."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import OutOfMemoryError

from graders.contract import Lane
from service.congestion import Congestion, LaneSight, QueueFull
from service.items import Ticket
from service.jobs.keeping import Kept, mark_sent
from service.jobs.routes import NOWHERE, JobRun, Routes
from service.packing import ChunkLimits, cut, payload_of
from service.queues import Queue, done_key, items_key, queues_key, stream_prefix
from service.redis_link import append
from service.settings import Settings
from service.streams import LANES, Chunk, Origin, replaced_key, workers_key

__all__ = ["Sent", "Shipping", "Way"]

# Of all queues of a lane: how many chunks, and in how many of them.
_LOOK: Final = """
local chunks, queues = 0, 0
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local length = redis.call('XLEN', ARGV[1] .. name)
  chunks = chunks + length
  if length > 0 then queues = queues + 1 end
end
return {chunks, queues}
"""
_OLD_NEWS_S: Final = 0.5
_BUOY_MS: Final = 60_000
_MOST_ORIGINS: Final = 64


class Way(NamedTuple):
    """Tickets that may travel together: to one queue, and with or without a way back."""

    queue: Queue
    awaited: bool


@dataclass(slots=True)
class Sent:
    """A chunk on its way, kept until every item of it is answered or nobody waits any more."""

    queue: Queue
    chunk: Chunk
    tickets: Sequence[Ticket]
    unanswered: set[int]
    entry_id: bytes | None = None


class Shipping:
    """What one API process sends, and what it hears of the queues whenever it does."""

    def __init__(self, redis: Redis, *, settings: Settings, reply_key: str) -> None:
        self._redis = redis
        self._settings = settings
        self._reply_to = reply_key.encode()
        self._buoy = f"{reply_key}:buoy"
        self._kept = Kept.by(settings)
        self._audited = settings.audit != "off"
        self._numbers = itertools.count()
        self._congestion = Congestion(settings)
        self._workers = dict.fromkeys(LANES, 1)

    def pack(self, way: Way, tickets: Sequence[Ticket]) -> list[Sent]:
        """The tickets in chunks, ready to go."""
        lane = way.queue.lane
        limits = ChunkLimits(
            items=self._settings.chunk_items,
            size_bytes=self._settings.chunk_bytes,
            slots=self._hands(lane),
        )
        return [self._packed(way, together) for together in cut(tickets, lane, limits=limits)]

    def _hands(self, lane: Lane) -> int:
        return self._workers[lane] * self._settings.slots_in(lane)

    def _packed(self, way: Way, tickets: Sequence[Ticket]) -> Sent:
        chunk = Chunk(
            chunk_id=b"%d" % next(self._numbers),
            reply_to=self._reply_to,
            deadline_ms=int(max(ticket.expires_at for ticket in tickets) * 1000),
            items=len(tickets),
            payload=payload_of(tickets),
            routes=_routes(tickets),
            origins=_origins(tickets),
            awaited=way.awaited,
            twins=_twins(tickets) if self._audited and not way.awaited else b"",
        )
        return Sent(way.queue, chunk, tickets, set(range(len(tickets))))

    async def ship(self, sent: Sequence[Sent], queues: Collection[Queue]) -> frozenset[JobRun]:
        """Send the chunks, and hear in the same breath how it stands with the queues.

        Chunks of a job go with the note that they went, all of them or none. The answer is the
        jobs whose records are gone.
        """
        jobs = list(dict.fromkeys(job for entry in sent for job in entry.chunk.routes.jobs))
        joining = _items_by_queue(sent)
        async with self._redis.pipeline(transaction=bool(jobs)) as pipe:
            for queue, items in joining.items():
                pipe.hincrby(items_key(queue.lane), queue.name, items)
            for entry in sent:
                append(pipe, entry.queue.key, entry.chunk.fields())
            for job in jobs:
                mark_sent(pipe, job, kept=self._kept)
            for queue in queues:
                pipe.sadd(queues_key(queue.lane), queue.name)
            self._ask(pipe, queues)
            answers = itertools.islice(await pipe.execute(), len(joining), None)
        for entry in sent:
            entry.entry_id = next(answers)
        gone = frozenset(job for job in jobs if not next(answers))
        self._hear(queues, list(itertools.islice(answers, len(queues), None)), sent)
        return gone

    def _ask(self, pipe: Pipeline, queues: Iterable[Queue]) -> None:
        for lane in LANES:
            pipe.scard(workers_key(lane))
            pipe.eval(_LOOK, 1, queues_key(lane), stream_prefix(lane))
        for queue in queues:
            pipe.xlen(queue.key)
            pipe.hget(done_key(queue.lane), queue.name)

    # Any: redis-py types no answers of a pipeline.
    def _hear(self, queues: Iterable[Queue], news: Sequence[Any], sent: Iterable[Sent]) -> None:
        for lane, workers, sight in zip(LANES, news[::2], news[1::2], strict=False):
            self._workers[lane] = workers or 1
            self._congestion.saw_lane(lane, LaneSight(*sight))
        seen = news[2 * len(LANES) :]
        added = Counter(entry.queue for entry in sent)
        for queue, depth, done in zip(queues, seen[::2], seen[1::2], strict=True):
            self._congestion.saw(
                queue,
                depth=depth,
                done=int(done or 0),
                added=added[queue],
                hands=self._hands(queue.lane),
            )

    async def was_emptied(self) -> bool:
        """Whether what Redis held when this was last asked is gone, without a connection's end."""
        # It needs no memory, so that a full Redis answers it as well.
        if await self._redis.pexpire(self._buoy, _BUOY_MS):
            return False
        with suppress(OutOfMemoryError):
            await self._redis.set(self._buoy, 1, px=_BUOY_MS)
        return True

    async def lost(self, sent: Iterable[Sent]) -> list[Sent]:
        """Those that were sent and are not in their queue any more, whole or as parts."""
        sent = [entry for entry in sent if entry.entry_id is not None]
        async with self._redis.pipeline(transaction=False) as pipe:
            for entry in sent:
                # Any: what has been sent has an entry.
                entry_id: Any = entry.entry_id
                pipe.xrange(entry.queue.key, entry_id, entry_id)
                pipe.exists(replaced_key(entry.chunk))
            found = await pipe.execute()
        there = (whole or parts for whole, parts in zip(found[::2], found[1::2], strict=True))
        return [entry for entry, is_there in zip(sent, there, strict=True) if not is_there]

    async def refusal(self, queue: Queue, *, unsent: int, deadline_s: float) -> QueueFull | None:
        """Why no more may join the queue, if so; `unsent` items are about to."""
        chunks = unsent // self._settings.chunk_items
        # What was last heard of a queue costs nothing; only bad or old news is asked again.
        refusal = self._congestion.refusal(queue, unsent=chunks, deadline_s=deadline_s)
        if refusal is None and not self._congestion.is_stale(queue, after_s=_OLD_NEWS_S):
            return None
        await self.ship([], [queue])
        return self._congestion.refusal(queue, unsent=chunks, deadline_s=deadline_s)


def _items_by_queue(sent: Iterable[Sent]) -> Mapping[Queue, int]:
    items = Counter[Queue]()
    for entry in sent:
        items[entry.queue] += entry.chunk.items
    return items


def _routes(tickets: Sequence[Ticket]) -> Routes:
    numbers: dict[JobRun, int] = {}
    stops: list[tuple[int, Sequence[int]] | None] = []
    for ticket in tickets:
        kept = [at for at in (t.kept_at for t in (ticket, *ticket.twins)) if at is not None]
        if kept:
            # Twins of what a job keeps are of the same job, or of none.
            number = numbers.setdefault(kept[0].job, len(numbers))
            stops.append((number, [at.place for at in kept]))
        else:
            stops.append(None)
    return Routes(list(numbers), stops) if numbers else NOWHERE


def _origins(tickets: Iterable[Ticket]) -> list[Origin]:
    """The requests that the tickets came with, or as many as a log line can name."""
    found = dict.fromkeys(t.errand.origin for t in tickets if t.errand.origin is not None)
    return list(itertools.islice(found, _MOST_ORIGINS))


def _twins(tickets: Sequence[Ticket]) -> bytes:
    """What was not sent because the chunk holds its equal, by the position of that."""
    twins = [
        b"[%d,%b]" % (position, twin.work.item)
        for position, ticket in enumerate(tickets)
        for twin in ticket.twins
    ]
    return b"[%b]" % b",".join(twins) if twins else b""
