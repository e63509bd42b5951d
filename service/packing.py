"""From tickets to chunks: how many items travel together, and what they carry once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from graders.contract import Lane
from service.items import Ticket
from service.streams import Task

__all__ = ["LEAST_SINGLES", "ChunkLimits", "cut", "payload_of"]

_MIB: Final = 2**20
# Arithmetic takes microseconds, so fewer items are not worth a chunk; a program takes long.
_LEAST_ITEMS: Final[dict[Lane, int]] = {"light": 16, "code": 1}
# Callers of single items know of no other: no batch of theirs waits for the last of its chunks.
LEAST_SINGLES: Final[dict[Lane, int]] = {"light": 64, "code": 1}
"""Items that each came alone and are not cut further, however many hands there are."""

# The programs of a chunk are run in a row, and nobody helps with the last one's.
_MOST_ITEMS: Final[dict[Lane, int]] = {"light": 2**31, "code": 4}
# Large chunks cost less per item; where items differ in what they take, more chunks even it out.
_CHUNKS_PER_SLOT: Final[dict[Lane, int]] = {"light": 2, "code": 4}
# What one batch may send of references that another of its chunks has carried already.
_COPIED_BYTES: Final = 64 * _MIB


@dataclass(frozen=True, kw_only=True, slots=True)
class ChunkLimits:
    """What a chunk holds, and how many of the lane's chunks are graded at once."""

    items: int
    size_bytes: int
    slots: int


@dataclass(slots=True)
class _Open:
    """A chunk that is still being filled."""

    limit_bytes: int
    tickets: list[Ticket] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    own_bytes: int = 0
    shared_bytes: int = 0

    def takes(self, ticket: Ticket) -> bool:
        """Whether the ticket may come in: the first always, and then as long as there is room.

        A reference that is here already takes none, be it as large as it may: a chunk more would
        be a copy of it more.
        """
        more_bytes = self._not_carried(ticket) if ticket.work.reference else 0
        fits = not more_bytes or self.shared_bytes + more_bytes <= self.limit_bytes
        return fits and self.own_bytes < self.limit_bytes

    def put(self, ticket: Ticket) -> None:
        self.tickets.append(ticket)
        self.own_bytes += len(ticket.work.item)
        if ticket.work.reference is not None:
            self.shared_bytes += self._not_carried(ticket)
            self.names.add(ticket.work.reference.name)

    def _not_carried(self, ticket: Ticket) -> int:
        reference = ticket.work.reference
        return 0 if reference is None or reference.name in self.names else len(reference.content)


def cut(tickets: Sequence[Ticket], lane: Lane, *, limits: ChunkLimits) -> Iterator[list[Ticket]]:
    """The tickets in chunks, those of one reference side by side."""
    most = _most_items(tickets, lane, limits)
    once = {
        t.work.reference.name: len(t.work.reference.content) for t in tickets if t.work.reference
    }
    if once:
        every_time = sum(once[_reference_name(t)] for t in tickets if t.work.reference)
        # At `most` items to a chunk, a reference is sent that many times less than it is named.
        most = max(most, every_time // (sum(once.values()) + _COPIED_BYTES))
        tickets = sorted(tickets, key=_reference_name)
    chunk = _Open(limits.size_bytes)
    for ticket in tickets:
        if chunk.tickets and (len(chunk.tickets) >= most or not chunk.takes(ticket)):
            yield chunk.tickets
            chunk = _Open(limits.size_bytes)
        chunk.put(ticket)
    if chunk.tickets:
        yield chunk.tickets


def _most_items(tickets: Sequence[Ticket], lane: Lane, limits: ChunkLimits) -> int:
    items, are_single = len(tickets), all(len(t.batch.answers) == 1 for t in tickets)
    least = (LEAST_SINGLES if are_single else _LEAST_ITEMS)[lane]
    share = math.ceil(items / (_CHUNKS_PER_SLOT[lane] * limits.slots))
    most = min(max(share, least), _MOST_ITEMS[lane], limits.items)
    chunks = max(1, math.ceil(items / most))
    # Three chunks keep two hands as long as four of the same size would.
    rounds = math.ceil(chunks / limits.slots)
    return math.ceil(items / (rounds * limits.slots if rounds > 1 else chunks))


def _reference_name(ticket: Ticket) -> str:
    return ticket.work.reference.name if ticket.work.reference else ""


_TASKS: Final[dict[Task, bytes]] = {"grade": b"", "validate": b'"task":"validate",'}
"""How a parcel says its task; a version of the worker that only grades reads one that says none."""


def payload_of(tickets: Sequence[Ticket]) -> bytes:
    """The cargo of a chunk as JSON: neighbours with the same task and graders share a parcel."""
    references = {t.work.reference.name: t.work.reference for t in tickets if t.work.reference}
    parcels = [
        b'{%b"graders":%b,"items":[%b]}'
        % (_TASKS[task], graders, b",".join(t.work.item for t in same))
        for (task, graders), same in itertools.groupby(
            tickets, key=lambda t: (t.work.task, t.work.graders)
        )
    ]
    return b'{"references":{%b},"parcels":[%b]}' % (
        b",".join(b'"%b":%b' % (r.name.encode(), r.content) for r in references.values()),
        b",".join(parcels),
    )
