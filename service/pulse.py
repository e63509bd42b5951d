"""A sign of life for whoever restarts workers, and cannot ask one by HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

__all__ = ["pulse"]

_EVERY_S: Final = 2.0


@asynccontextmanager
async def pulse(file: Path | None) -> AsyncIterator[None]:
    """Touch the file every few seconds for as long as this lasts; None is no file.

    It says that the loop turns, and nothing of Redis: no restart of a worker brings that back.
    """
    if file is None:
        yield
        return
    beating = asyncio.create_task(_beat(file))
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


async def _beat(file: Path) -> None:
    while True:
        await asyncio.to_thread(file.touch)
        await asyncio.sleep(_EVERY_S)
