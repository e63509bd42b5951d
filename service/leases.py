"""A worker's hold on chunks: taken in turn from many queues, kept by renewal, given back or on."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any, Final, NamedTuple

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ResponseError

from graders.contract import Lane
from service.queues import ANYBODY, PRIORITIES, Queue, done_key, items_key, queues_key
from service.redis_link import BLOCK_MS, append, streams_of
from service.streams import GROUP, Chunk, replaced_key
from service.turns import Turns

__all__ = ["Lease", "Leases"]

# One call whatever the number of queues: one chunk of each in the order of their turns, again and
# again until enough are taken, and none of the less urgent while there are others. A queue without
# a group is one that came back empty with Redis.
_TAKE: Final = """
local function read(key)
  return redis.pcall('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', 1, 'STREAMS', key, '>')
end
local function read_on(key)
  local found = read(key)
  if found and found.err and string.sub(found.err, 1, 7) == 'NOGROUP' then
    redis.call('XGROUP', 'CREATE', key, ARGV[1], '0', 'MKSTREAM')
    found = read(key)
  end
  return found
end
local taken, wanted, urgent = {}, tonumber(ARGV[3]), tonumber(ARGV[4])
for _, span in ipairs({{1, urgent}, {urgent + 1, #KEYS}}) do
  repeat
    local some = false
    for place = span[1], span[2] do
      if #taken == wanted then return taken end
      local found = read_on(KEYS[place])
      if found and found.err then return found end
      if found then
        some = true
        taken[#taken + 1] = {place, found[1][2][1]}
      end
    end
  until not some
end
return taken
"""
# One reading of the pending looks at some only: the cursor leads on to the others.
_TAKE_OVER: Final = """
local taken, wanted = {}, tonumber(ARGV[3])
for place, key in ipairs(KEYS) do
  local cursor = redis.call('EXISTS', key) == 1 and '0-0'
  while cursor and #taken < wanted do
    local found = redis.pcall('XAUTOCLAIM', key, ARGV[1], ARGV[2], ARGV[4], cursor,
      'COUNT', wanted - #taken)
    for _, entry in ipairs(found.err and {} or found[2]) do
      if entry and entry[2] then taken[#taken + 1] = {place, entry} end
    end
    cursor = not found.err and found[1] ~= '0-0' and found[1]
  end
end
return taken
"""
# With a consumer goes what was given to it and never came there.
_SIGN_OFF: Final = """
for _, key in ipairs(KEYS) do
  local held = redis.pcall('XPENDING', key, ARGV[1], '-', '+', 1, ARGV[2])
  if not held.err and #held == 0 then
    redis.pcall('XGROUP', 'DELCONSUMER', key, ARGV[1], ARGV[2])
  end
end
"""
# Of two who finish the same chunk one counts. An empty queue holds no items, whatever was counted.
_FINISH: Final = """
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
if redis.call('XDEL', KEYS[1], ARGV[2]) == 0 then return end
redis.call('HINCRBY', KEYS[2], ARGV[3], 1)
if redis.call('XLEN', KEYS[1]) == 0 then
  redis.call('HDEL', KEYS[3], ARGV[3])
else
  redis.call('HINCRBY', KEYS[3], ARGV[3], 0 - ARGV[4])
end
"""


_LOG: Final = logging.getLogger(__name__)
_NOTHING: Final = Chunk(b"", b"", 0, 0, b"")


class Lease(NamedTuple):
    """A chunk that this worker holds, and where it came from."""

    queue: Queue
    entry_id: bytes
    chunk: Chunk
    is_legible: bool = True

    @property
    def sent_at(self) -> float:
        """When the chunk joined its queue, by the clock of Redis."""
        return int(self.entry_id.partition(b"-")[0]) / 1000

    def finish(self, pipe: Pipeline) -> None:
        """Queue the end of it: answered, it is in its queue no more."""
        queue = self.queue
        keys = [queue.key, done_key(queue.lane), items_key(queue.lane)]
        items = self.chunk.items
        pipe.eval(_FINISH, len(keys), *keys, GROUP, self.entry_id, queue.name, items)

    def replace(self, pipe: Pipeline, chunks: Sequence[Chunk]) -> None:
        """Queue the return of it to its queue, as these chunks of the same items.

        Who sent it and looks for it learns that it is not lost.
        """
        pipe.set(replaced_key(self.chunk), 1, pxat=self.chunk.deadline_ms + 1)
        for chunk in chunks:
            append(pipe, self.queue.key, chunk.fields())
        pipe.xack(self.queue.key, GROUP, self.entry_id)
        pipe.xdel(self.queue.key, self.entry_id)


class Leases:
    """Takes chunks of one lane under one name; nothing is taken that is not asked for."""

    def __init__(self, redis: Redis, lane: Lane, name: str) -> None:
        self._redis = redis
        self._lane = lane
        self._name = name
        self._queues: frozenset[Queue] = frozenset(Queue(lane, p, ANYBODY) for p in PRIORITIES)
        self._take_script = redis.register_script(_TAKE)
        self._take_over_script = redis.register_script(_TAKE_OVER)
        self._sign_off_script = redis.register_script(_SIGN_OFF)

    async def look_for_queues(self) -> None:
        """Learn of the tenants that came since."""
        names = await self._redis.smembers(queues_key(self._lane))
        self._queues |= {Queue.named(self._lane, _text(name)) for name in names}

    async def take(self, turns: Turns, count: int) -> list[Lease]:
        """Up to `count` chunks that nobody has taken yet."""
        queues = turns.order(self._queues)
        urgent = sum(queue.priority == queues[0].priority for queue in queues)
        arguments = [GROUP, self._name, count, urgent]
        return _leases(queues, await self._run(self._take_script, queues, arguments))

    async def wait(self, turns: Turns) -> list[Lease]:
        """The next chunk of any queue, as soon as there is one; nothing after a moment.

        Where several come at once there may be one of each queue, those first whose turn it is.
        """
        streams: dict[Any, Any] = {queue.key: ">" for queue in self._queues}
        found = await self._redis.xreadgroup(GROUP, self._name, streams, count=1, block=BLOCK_MS)
        queues = {queue.key: queue for queue in self._queues}
        taken = {
            queues[key]: _lease(queues[key], entry.entry_id, entry.fields)
            for key, entries in streams_of(found)
            for entry in entries
            if entry.fields is not None
        }
        return (
            [taken[queue] for queue in turns.order(taken)] if len(taken) > 1 else [*taken.values()]
        )

    async def take_over(self, count: int, *, silent_ms: int) -> list[Lease]:
        """Up to `count` chunks whose worker has been silent about them for so long."""
        queues = sorted(self._queues)
        arguments = [GROUP, self._name, count, silent_ms]
        return _leases(queues, await self._run(self._take_over_script, queues, arguments))

    async def renew(self, held: Collection[tuple[Queue, bytes]]) -> None:
        """Say that the work on these goes on."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for queue, same in groupby(sorted(held), key=lambda lease: lease[0]):
                ids: list[Any] = [entry_id for _, entry_id in same]  # Any: an invariant list.
                pipe.xclaim(queue.key, GROUP, self._name, 0, ids, justid=True)
            await pipe.execute()

    async def deliveries(self, lease: Lease) -> int:
        """How many workers have held the chunk, this one included."""
        pending = await self._redis.xpending_range(
            lease.queue.key, GROUP, lease.entry_id, lease.entry_id, 1
        )
        return int(pending[0]["times_delivered"]) if pending else 1

    async def bury(self, idle_ms: int) -> None:
        """Remove the names of workers that are long gone and left nothing to redo."""
        for queue in self._queues:
            with suppress(ResponseError):
                for consumer in await self._redis.xinfo_consumers(queue.key, GROUP):
                    if consumer["idle"] > idle_ms and not consumer["pending"]:
                        await self._run(self._sign_off_script, [queue], [GROUP, consumer["name"]])

    async def sign_off(self) -> None:
        """Be no consumer any more, but where chunks were given to it: another takes those over."""
        await self._run(self._sign_off_script, [*self._queues], [GROUP, self._name])

    async def _run(self, script: Any, queues: Sequence[Queue], arguments: Sequence[Any]) -> Any:
        # Any: redis-py types neither scripts nor what they answer.
        return await script(keys=[queue.key for queue in queues], args=arguments)


def _leases(queues: Sequence[Queue], taken: Any) -> list[Lease]:
    # Any: what a script answers.
    return [_lease(queues[place - 1], entry_id, _pairs(flat)) for place, (entry_id, flat) in taken]


def _lease(queue: Queue, entry_id: bytes, fields: Mapping[bytes, bytes]) -> Lease:
    try:
        return Lease(queue, entry_id, Chunk.from_fields(fields))
    except (ValueError, KeyError, TypeError) as error:
        # The type and not the message, which may repeat what a client has sent.
        _LOG.error("a chunk is not in this version's format (%s)", type(error).__name__)
        chunk = Chunk.salvaged(fields) or _NOTHING
        return Lease(queue, entry_id, chunk, is_legible=False)


def _pairs(flat: Sequence[bytes]) -> Mapping[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name
