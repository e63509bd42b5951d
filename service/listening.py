"""Work for a client that may leave: then nobody waits for it, and most of it is given up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final

from fastapi import Request, Response

__all__ = ["listened_later", "listened_to"]

_LOG: Final = logging.getLogger(__name__)
# As proxies call it; nobody is there to read it but the log.
_CLIENT_LEFT: Final = 499
_SOON_S: Final = 0.2
# The loop alone would let go of tasks in the middle of their work.
_GOING_ON: Final[set[asyncio.Task[Response]]] = set()


async def listened_to(
    request: Request, work: Coroutine[Any, Any, Response], *, goes_on: bool
) -> Response:
    """The work's answer; if the client leaves first, the work is given up unless it `goes_on`.

    The request's body must have been read.
    """
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_left(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        if goes_on:
            _GOING_ON.add(working)
            working.add_done_callback(_is_over)
        return Response(status_code=_CLIENT_LEFT)
    finally:
        leaving.cancel()
        if working not in _GOING_ON:
            working.cancel()


async def listened_later(request: Request, work: Coroutine[Any, Any, Response]) -> Response:
    """The same for work that is mostly over soon: before that, nobody listens."""
    working = asyncio.current_task()
    leaving: asyncio.Task[None] | None = None

    async def listen() -> None:
        await _left(request)
        if working is not None:
            working.cancel()

    def begin() -> None:
        nonlocal leaving
        leaving = asyncio.create_task(listen())

    timer = asyncio.get_running_loop().call_later(_SOON_S, begin)
    try:
        return await work
    except asyncio.CancelledError:
        if working is None or leaving is None or not leaving.done():
            raise
        working.uncancel()
        return Response(status_code=_CLIENT_LEFT)
    finally:
        timer.cancel()
        if leaving is not None:
            leaving.cancel()


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _is_over(task: asyncio.Task[Response]) -> None:
    _GOING_ON.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        _LOG.warning("work whose client left has failed: %s", type(error).__name__)
