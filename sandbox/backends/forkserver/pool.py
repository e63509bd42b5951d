"""Slots that wait for their next run, made when they are wanted and given up when worn."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from sandbox.backends.forkserver.slot import Slot

__all__ = ["SlotPool"]

_RUNS_PER_SLOT: Final = 1_000
_CLOSED: Final = "the sandbox was closed"


class SlotPool:
    """At most `most` slots, each made by `make` for the modules that it is to have preloaded."""

    def __init__(self, most: int, *, make: Callable[[tuple[str, ...]], Slot]) -> None:
        self._most = most
        self._make = make
        self._changed = threading.Condition()
        self._idle: list[Slot] = []
        self._busy: set[Slot] = set()
        self._starting = 0
        self._closed = False

    @contextmanager
    def slot(self, preload: tuple[str, ...]) -> Iterator[Slot]:
        """A slot for one caller; waits for one, and an error in its use is the end of it."""
        slot = self._take(preload)
        healthy = False
        try:
            yield slot
            healthy = True
        finally:
            with self._changed:
                self._busy.discard(slot)
                worn = slot.broken or slot.runs >= _RUNS_PER_SLOT
                if healthy and not worn and not self._closed:
                    self._idle.append(slot)
                else:
                    slot.close()
                self._changed.notify_all()

    def kill(self) -> None:
        """End every slot, with the runs under way, and let no other begin."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
            for slot in self._busy:
                slot.kill()
            self._changed.notify_all()
        for slot in idle:
            slot.close()

    def await_end(self) -> None:
        """Return when no slot is left, after `kill`."""
        with self._changed:
            self._changed.wait_for(lambda: not self._busy and not self._starting)

    def _take(self, preload: tuple[str, ...]) -> Slot:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._has_room())
            if self._closed:
                raise ConnectionAbortedError(_CLOSED)
            for slot in reversed(self._idle):
                if slot.preload == preload:
                    self._idle.remove(slot)
                    self._busy.add(slot)
                    return slot
            if self._live() >= self._most:
                # Of another preload, and used longest ago.
                self._idle.pop(0).close()
            self._starting += 1
        try:
            slot = self._make(preload)
        except BaseException:
            self._started(None)
            raise
        self._started(slot)
        return slot

    def _has_room(self) -> bool:
        return bool(self._idle) or self._live() < self._most

    def _live(self) -> int:
        return len(self._idle) + len(self._busy) + self._starting

    def _started(self, slot: Slot | None) -> None:
        with self._changed:
            self._starting -= 1
            if slot is not None and self._closed:
                slot.close()
            elif slot is not None:
                self._busy.add(slot)
            self._changed.notify_all()
            if self._closed:
                raise ConnectionAbortedError(_CLOSED)
