"""The queues of a lane: a stream for each priority of each tenant, so that none hides another."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, Self, TypeAlias, get_args

from graders.contract import Lane

__all__ = [
    "ANYBODY",
    "PREFIX",
    "PRIORITIES",
    "Priority",
    "Queue",
    "done_key",
    "items_key",
    "queues_key",
    "stream_prefix",
]

# One hash tag, so that on a Redis Cluster all keys share a slot and transactions hold.
PREFIX: Final = "{touchstone}"
ANYBODY: Final = "anybody"
"""The tenant of those who need no key."""

Priority: TypeAlias = Literal["interactive", "batch"]
PRIORITIES: Final[tuple[Priority, ...]] = get_args(Priority)


class Queue(NamedTuple):
    """The chunks of one tenant in one lane that are equally urgent; a tenant is a key's name."""

    lane: Lane
    priority: Priority
    tenant: str

    @property
    def key(self) -> str:
        """The stream that holds them."""
        return f"{stream_prefix(self.lane)}{self.name}"

    @property
    def name(self) -> str:
        """What the queue is called among those of its lane."""
        return f"{self.priority}:{self.tenant}"

    @classmethod
    def named(cls, lane: Lane, name: str) -> Self:
        """The lane's queue of this name."""
        priority, _, tenant = name.partition(":")
        return cls(lane, "batch" if priority == "batch" else "interactive", tenant)


def stream_prefix(lane: Lane) -> str:
    """What the keys of the lane's streams begin with, before the queue's name."""
    return f"{PREFIX}:queue:{lane}:"


def queues_key(lane: Lane) -> str:
    """The set of the names of all queues that the lane ever had."""
    return f"{PREFIX}:queues:{lane}"


def done_key(lane: Lane) -> str:
    """How many chunks of each queue of the lane were answered so far, by the queue's name."""
    return f"{PREFIX}:done:{lane}"


def items_key(lane: Lane) -> str:
    """How many items each queue of the lane holds, by the queue's name."""
    return f"{PREFIX}:items:{lane}"
