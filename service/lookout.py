"""What Redis knows of queues, workers and jobs at this moment, for those who watch the service."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, cast

from redis.asyncio import Redis

from graders.contract import Lane
from service.jobs.records import running_jobs
from service.presence import Presence
from service.queues import Queue, items_key, queues_key
from service.streams import LANES, presence_key, workers_key

__all__ = ["LaneView", "QueueView", "View", "look"]

# The payloads stay where they are. What is waiting comes after what was last taken.
_LOOK: Final = """
local seen = {}
for place, key in ipairs(KEYS) do
  local pending, last = 0, '-'
  local groups = redis.call('EXISTS', key) == 1 and redis.call('XINFO', 'GROUPS', key) or {}
  for _, group in ipairs(groups) do
    for field = 1, #group, 2 do
      if group[field] == 'pending' then pending = group[field + 1] end
      if group[field] == 'last-delivered-id' then last = '(' .. group[field + 1] end
    end
  end
  local first = redis.call('XRANGE', key, last, '+', 'COUNT', 1)[1]
  seen[place] = {redis.call('XLEN', key), pending, first and first[1] or ''}
end
return {redis.call('TIME')[1], seen}
"""


class QueueView(NamedTuple):
    """One queue: its chunks and items, waiting or being graded, and the longest wait in it."""

    queue: Queue
    chunks: int
    pending: int
    """Chunks that a worker holds."""
    items: int
    waits_s: float


class LaneView(NamedTuple):
    """One lane: its live workers, and its queues."""

    workers: Sequence[Presence]
    queues: Sequence[QueueView]

    @property
    def slots(self) -> int:
        """The chunks that its workers grade at once at most."""
        return sum(worker.slots for worker in self.workers)

    @property
    def busy(self) -> int:
        """The chunks that its workers grade."""
        return sum(worker.busy for worker in self.workers)

    @property
    def chunks(self) -> int:
        """The chunks of all its queues."""
        return sum(view.chunks for view in self.queues)


class View(NamedTuple):
    """Everything at once."""

    lanes: dict[Lane, LaneView]
    jobs_running: int


async def look(redis: Redis) -> View:
    """Ask Redis; raises RedisError where it does not answer."""
    lanes = {lane: await _lane_view(redis, lane) for lane in LANES}
    return View(lanes, await running_jobs(redis))


async def _lane_view(redis: Redis, lane: Lane) -> LaneView:
    names = _texts(await redis.smembers(workers_key(lane)))
    queues = [Queue.named(lane, n) for n in sorted(_texts(await redis.smembers(queues_key(lane))))]
    # Any: redis-py types neither scripts nor what they answer.
    found: Any = await redis.eval(_LOOK, len(queues), *(queue.key for queue in queues))
    now_s, seen = int(found[0]), found[1]
    presences: list[bytes | None] = []
    if names:
        presences = cast("list[bytes | None]", await redis.mget([presence_key(n) for n in names]))
    gone = [name for name, content in zip(names, presences, strict=True) if content is None]
    if gone:
        await redis.srem(workers_key(lane), *gone)
    items = await redis.hgetall(items_key(lane))
    views = [
        QueueView(
            queue,
            chunks=int(chunks),
            pending=int(pending),
            items=max(0, int(items.get(queue.name.encode(), 0))),
            waits_s=_age_s(first, now_s),
        )
        for queue, (chunks, pending, first) in zip(queues, seen, strict=True)
    ]
    return LaneView([Presence.read(content) for content in presences if content], views)


def _age_s(entry_id: bytes, now_s: int) -> float:
    if not entry_id:
        return 0.0
    return max(0.0, now_s - int(entry_id.partition(b"-")[0]) / 1000)


def _texts(members: Iterable[bytes | str]) -> list[str]:
    return [member.decode() if isinstance(member, bytes) else member for member in members]
