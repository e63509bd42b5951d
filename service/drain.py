"""How an API process goes: no new work, what is under way is finished, and then the port closes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

__all__ = ["Drain"]

_LOG: Final = logging.getLogger(__name__)


class Drain:
    """One process on its way out, or not yet.

    From `begin` on it waits until no request is under way, at least for `notice_s`, in which load
    balancers take note, and at most for `limit_s`. A second `begin` ends the waiting. What is under
    way after that is cancelled, and finds the drain `over`.
    """

    def __init__(self, *, limit_s: float = 30.0, notice_s: float = 0.0) -> None:
        self.begun = False
        self.hurried = False
        """Whether it was told twice: nothing is waited for any more."""
        self.over = False
        self._limit_s = limit_s
        self._notice_s = min(notice_s, limit_s)
        self._running: dict[object, asyncio.Task[None] | None] = {}
        self._idle = asyncio.Event()
        self._told = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """A request is under way."""
        request = object()
        self._running[request] = asyncio.current_task()
        self._idle.clear()
        try:
            yield
        finally:
            del self._running[request]
            if not self._running:
                self._idle.set()

    def begin(self, then: Callable[[], None]) -> None:
        """Take no more work, and call `then` once all is done."""
        if self._task is not None:
            self.hurried = True
            self._task.cancel()
            self._end(then)
            return
        self.begun = True
        self._told.set()
        _LOG.info("draining: %d requests are under way", len(self._running))
        self._task = asyncio.get_running_loop().create_task(self._wait(then))

    async def told(self) -> None:
        """Return once it has begun; for what would stay until then."""
        await self._told.wait()

    async def _wait(self, then: Callable[[], None]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limit_s):
                await asyncio.sleep(self._notice_s)
                while self._running:
                    await self._idle.wait()
        self._end(then)

    def _end(self, then: Callable[[], None]) -> None:
        self.over = True
        if self._running:
            _LOG.warning("%d requests are given up unanswered", len(self._running))
        for task in self._running.values():
            if task is not None:
                task.cancel()
        then()
