"""Whose turn it is: fair between tenants by the time their work takes, not by its number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from service.queues import Queue

__all__ = ["Turns"]

_BATCH_EVERY: Final = 8
_LEARNING: Final = 0.2


class Turns:
    """The order in which one worker looks at its queues.

    Interactive work comes first; every eighth turn begins with batch work, so that none starves.
    Within a priority it is the tenant's turn that was given the least time: each chunk starts when
    the tenant's last one would have ended had all tenants shared the worker evenly. Who comes back
    after a pause starts now, and has saved up nothing.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._ends: dict[str, float] = {}
        self._usual_s: dict[str, float] = {}
        self._turn = 0

    def order(self, queues: Iterable[Queue]) -> list[Queue]:
        """The queues, those first whose turn it is."""
        self._turn += 1
        first = "batch" if self._turn % _BATCH_EVERY == 0 else "interactive"
        return sorted(
            queues, key=lambda queue: (queue.priority != first, self._start(queue.tenant))
        )

    def begin(self, queue: Queue) -> float:
        """Charge the tenant for a chunk by what its chunks usually take; returns the charge."""
        charge = self._usual_s.get(queue.tenant, 0.0)
        self._now = self._start(queue.tenant)
        self._ends[queue.tenant] = self._now + charge
        return charge

    def end(self, queue: Queue, *, charged: float, took_s: float) -> None:
        """Put what the chunk really took in place of the charge."""
        tenant = queue.tenant
        self._ends[tenant] += took_s - charged
        usual_s = self._usual_s.get(tenant, took_s)
        self._usual_s[tenant] = usual_s + _LEARNING * (took_s - usual_s)

    def _start(self, tenant: str) -> float:
        return max(self._now, self._ends.get(tenant, 0.0))
