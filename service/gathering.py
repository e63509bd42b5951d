"""When what was submitted is sent: at once, or with what comes soon after it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from service.items import Work
from service.packing import LEAST_SINGLES

__all__ = ["Gathering"]

# When nothing has come for so long, nothing does soon; those whose answers are awaited may come
# back together, and the more there are, the more it saves to await them.
_GAP_S: Final = 0.002
_GAP_PER_ITEM_S: Final = 0.0002
_LONGEST_GAP_S: Final = 0.015
_LONGEST_S: Final = 0.05
# Of the loop, from the first byte of a request to its item.
_TURNS: Final = 5


class Gathering:
    """Lets single items travel together while others are graded: a chunk costs as much as tens.

    Programs, and what makes a good chunk by itself, never wait.
    """

    def __init__(self) -> None:
        self._begun = False
        self._items = 0
        self._enough = asyncio.Event()

    def begun_by(self, works: Iterable[Work]) -> bool:
        """Count these; whether they are the first, and somebody has to await the end."""
        for work in works:
            self._items += 1
            if self._items >= LEAST_SINGLES[work.lane]:
                self._enough.set()
        was_begun, self._begun = self._begun, True
        return not was_begun

    async def over(self, under_way: Callable[[], int]) -> None:
        """Return when it is time to send, by the items under way; what comes later begins anew."""
        # Whatever else this turn of the loop submits goes along.
        await asyncio.sleep(0)
        if items := under_way():
            await self._no_more_come(min(_GAP_S + items * _GAP_PER_ITEM_S, _LONGEST_GAP_S))
        self._begun, self._items = False, 0
        self._enough.clear()

    async def _no_more_come(self, gap_s: float) -> None:
        limit, items = time.monotonic() + _LONGEST_S, 0
        while items < self._items and time.monotonic() < limit:
            items = self._items
            with suppress(TimeoutError):
                async with asyncio.timeout(gap_s):
                    await self._enough.wait()
                return
            # On a busy machine the time may be over while requests wait to be read.
            for _ in range(_TURNS):
                await asyncio.sleep(0)
