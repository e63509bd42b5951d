"""How full the queues are, how fast they empty, and so whom to refuse and until when."""

from __future__ import annotations

import math
import time
from typing import Final, Literal, NamedTuple

from graders.contract import Lane
from service.queues import Queue
from service.settings import Settings

__all__ = ["Congestion", "LaneSight", "QueueFull"]

_MEMORY_S: Final = 3.0
_SHORTEST_S: Final = 0.1
# What happened in a longer time unseen is not known: the queue was empty, or Redis was away.
_BLIND_S: Final = 5.0
_LONGEST_RETRY_S: Final = 60
# Of its deadline, what a request may spend waiting: the rest is for its own work, and for error.
_WAIT_SHARE: Final = 0.7


class QueueFull(Exception):
    """The lane would not get to it in time; try again in `retry_after_s`."""

    def __init__(
        self, lane: Lane, why: str, *, reason: Literal["queue", "deadline"], retry_after_s: int
    ) -> None:
        super().__init__(f"the {lane} lane {why}: try again in {retry_after_s} s")
        self.reason = reason
        self.retry_after_s = retry_after_s


class _Sight(NamedTuple):
    """What was seen of a queue at some moment, and the rate known by then.

    `hands` are the chunks that workers can hold; `least` is the fewest chunks there were since.
    """

    at_s: float
    depth: int
    done: int
    per_s: float | None
    hands: int
    least: int
    moved_s: float
    """When the last chunk was seen to be done."""


class LaneSight(NamedTuple):
    """The chunks of all queues of a lane, and how many of the queues hold any."""

    chunks: int = 0
    queues: int = 0


class Congestion:
    """What one API process knows of the queues it fills, from what Redis last said."""

    def __init__(self, settings: Settings) -> None:
        self._most_chunks = settings.queue_chunks
        self._sights: dict[Queue, _Sight] = {}
        self._lanes: dict[Lane, LaneSight] = {}

    def saw_lane(self, lane: Lane, sight: LaneSight) -> None:
        """Take in how full the lane is."""
        self._lanes[lane] = sight

    def saw(
        self,
        queue: Queue,
        *,
        depth: int,
        done: int,
        added: int = 0,
        hands: int = 0,
        at_s: float | None = None,
    ) -> None:
        """Take in the queue's length, and how many chunks of it were ever answered.

        Of its chunks, so many were added just now; as many as there are `hands` do not wait.
        """
        now = time.monotonic() if at_s is None else at_s
        last = self._sights.get(queue)
        seen = _Sight(now, depth, done, None, hands, depth, now)
        if last is None or done < last.done:
            self._sights[queue] = seen
            return
        elapsed_s = now - last.at_s
        least = min(last.least, depth - added)
        # That nothing is done yet says something after a while only.
        if elapsed_s < (_MEMORY_S if last.per_s is None and done == last.done else _SHORTEST_S):
            self._sights[queue] = last._replace(depth=depth, hands=hands, least=least)
            return
        # A queue that did not wait for hands all the time could have been emptied faster.
        slowed = least > hands and elapsed_s < _BLIND_S
        moved_s = now if done > last.done or not slowed else last.moved_s
        per_s = _learnt(last.per_s, (done - last.done) / elapsed_s, elapsed_s, slowed=slowed)
        if per_s is not None and now > moved_s:
            # One more may be done at any moment.
            per_s = max(per_s, 1 / (now - moved_s))
        self._sights[queue] = seen._replace(per_s=per_s, moved_s=moved_s)

    def is_stale(self, queue: Queue, *, after_s: float) -> bool:
        """Whether the queue held something when it was last seen, and that is long ago."""
        sight = self._sights.get(queue)
        return sight is not None and sight.depth > 0 and time.monotonic() - sight.at_s > after_s

    def depth(self, queue: Queue) -> int:
        """The chunks that the queue held when it was last seen."""
        sight = self._sights.get(queue)
        return 0 if sight is None else sight.depth

    def refusal(self, queue: Queue, *, unsent: int, deadline_s: float) -> QueueFull | None:
        """Why no more may join the queue, if so; `unsent` chunks are about to."""
        sight = self._sights.get(queue)
        depth = unsent + (sight.depth if sight else 0)
        per_s = sight.per_s if sight else None
        most = self._most(queue.lane)
        if depth >= most:
            retry_after_s = _seconds(depth - most + 1, per_s)
            return QueueFull(queue.lane, "is full", reason="queue", retry_after_s=retry_after_s)
        if per_s is None or sight is None:
            return None
        waiting, soon = depth - sight.hands, per_s * deadline_s * _WAIT_SHARE
        if waiting > 0 and waiting >= soon:
            why = f"could not begin within the deadline of {deadline_s:g} s"
            retry_after_s = _seconds(waiting - soon, per_s)
            return QueueFull(queue.lane, why, reason="deadline", retry_after_s=retry_after_s)
        return None

    def _most(self, lane: Lane) -> int:
        """The chunks that a queue may hold: in a full lane its even share."""
        chunks, queues = self._lanes.get(lane, LaneSight())
        if chunks < self._most_chunks:
            return self._most_chunks
        return max(1, self._most_chunks // max(1, queues))


def _learnt(per_s: float | None, rate: float, elapsed_s: float, *, slowed: bool) -> float | None:
    """The rate that is known after an interval with this one."""
    if not slowed:
        return None if per_s is None else max(per_s, rate)
    if per_s is None:
        return rate
    return per_s + (1 - math.exp(-elapsed_s / _MEMORY_S)) * (rate - per_s)


def _seconds(chunks: float, per_s: float | None) -> int:
    """How long so many chunks take, as a whole number of seconds that is worth waiting for."""
    if per_s is None:
        return 1
    if per_s <= 0:
        return _LONGEST_RETRY_S
    return min(max(1, math.ceil(chunks / per_s)), _LONGEST_RETRY_S)
