"""An event loop of our own beside the caller's threads and loops, one in each process.

Frameworks call a reward from threads, from loops that they close after each step, and from forks:
whatever waits for the network lives here, so that connections outlast all of them.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Final, TypeVar

__all__ = ["awaited", "wait_for"]

_Result = TypeVar("_Result")

# By process: a fork has the parent's loop and not the thread that ran it.
_LOOPS: Final[dict[int, asyncio.AbstractEventLoop]] = {}


def wait_for(work: Coroutine[object, object, _Result], limit_s: float | None = None) -> _Result:
    """The result of a coroutine that runs in our loop; without a limit it must bound its time."""
    return asyncio.run_coroutine_threadsafe(work, _loop()).result(limit_s)


async def awaited(work: Coroutine[object, object, _Result]) -> _Result:
    """As `wait_for`, from a loop of the caller's; who is cancelled here cancels the work there."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, _loop()))


def _loop() -> asyncio.AbstractEventLoop:
    process = os.getpid()
    if (known := _LOOPS.get(process)) is not None:
        return known
    mine = asyncio.new_event_loop()
    loop = _LOOPS.setdefault(process, mine)
    if loop is mine:
        threading.Thread(target=mine.run_forever, name="touchstone", daemon=True).start()
    else:  # another thread was first
        mine.close()
    return loop
