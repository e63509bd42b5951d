"""OpenEnv's sessions: a WebSocket each, and on it one frame after the other."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, NamedTuple, TypeVar

from starlette.websockets import WebSocket, WebSocketDisconnect

from service.drain import Drain
from service.settings import Settings
from service.wires.openenv_frames import error_frame
from service.wires.openenv_playing import Play, Space

__all__ = ["Seats", "Within", "hold_session"]

# Between two frames a policy writes; who is not there any more is found out by pings.
_IDLE_S: Final = 3_600.0
_GOING_AWAY: Final = 1001
_OUT_OF_TURN: Final = 1008
_RESTARTS: Final = 1012
_TRY_LATER: Final = 1013

_ResultT = TypeVar("_ResultT")


class NoSeat(Exception):
    """There are as many sessions as there may be."""

    def __init__(self, active: int, most: int) -> None:
        super().__init__(f"{active} sessions of {most} are open here: close one, or come later")
        self.active = active
        self.most = most


class Seats:
    """The sessions of one process: half of its connections, so that requests find one, too.

    Where there are several keys, one of them may have half of the sessions.
    """

    def __init__(self, settings: Settings) -> None:
        self._most = max(1, settings.connections // 2)
        several = len(settings.api_keys) > 1
        self._most_of_one = max(1, self._most // 2) if several else self._most
        self._taken: Counter[str] = Counter()

    @contextmanager
    def taken(self, tenant: str) -> Iterator[None]:
        """A seat until the end of the block; raises NoSeat."""
        own, active = self._taken[tenant], self._taken.total()
        if own >= self._most_of_one:
            raise NoSeat(own, self._most_of_one)
        if active >= self._most:
            raise NoSeat(active, self._most)
        self._taken[tenant] += 1
        try:
            yield
        finally:
            self._taken[tenant] -= 1


class Within(NamedTuple):
    """What the sessions of one process share."""

    settings: Settings
    drain: Drain
    seats: Seats


async def hold_session(socket: WebSocket, space: Space, within: Within) -> None:
    """Accept the socket, and answer its frames until it, its time or this process ends."""
    # Who leaves has ended the session, too.
    with suppress(WebSocketDisconnect):
        await socket.accept()
        try:
            with within.seats.taken(socket.state.tenant), Play(socket, space, within.settings) as p:
                await _Session(socket, p, within.drain).hold()
        except NoSeat as error:
            counts = {"active_sessions": error.active, "max_sessions": error.most}
            await socket.send_text(error_frame("CAPACITY_REACHED", str(error), **counts))
            await socket.close(_TRY_LATER)


class _Session:
    """One client; of what it sends, the next frame alone is looked out for."""

    def __init__(self, socket: WebSocket, play: Play, drain: Drain) -> None:
        self._socket = socket
        self._play = play
        self._drain = drain
        self._tasks: set[asyncio.Task[Any]] = set()

    async def hold(self) -> None:
        """Answer frames; the one that is being answered when the process is to stop is the last."""
        told = self._start(self._drain.told())
        coming = self._start(self._socket.receive())
        try:
            while (message := await self._next(coming, told)) is not None:
                coming = self._start(self._socket.receive())
                if not await self._answer(message, coming):
                    break
        finally:
            for task in self._tasks:
                task.cancel()

    # Any: what ASGI says a message is, here and below.
    async def _next(
        self, coming: asyncio.Task[Any], told: asyncio.Task[None]
    ) -> dict[str, Any] | None:
        """The next frame; None where the session is over."""
        await asyncio.wait((coming, told), timeout=_IDLE_S, return_when=asyncio.FIRST_COMPLETED)
        if not coming.done():
            await self._socket.close(_RESTARTS if told.done() else _GOING_AWAY)
            return None
        message: dict[str, Any] = coming.result()
        return message if message["type"] == "websocket.receive" else None

    async def _answer(self, message: dict[str, Any], coming: asyncio.Task[Any]) -> bool:
        """Answer the frame; whether the session goes on after it."""
        answering = self._start(self._play.answer(message.get("text")))
        await asyncio.wait((answering, coming), return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            # Nobody is there to be answered any more, or somebody who does not wait for that.
            if coming.result()["type"] == "websocket.receive":
                await self._socket.close(_OUT_OF_TURN, "one frame at a time: await its answer")
            return False
        answer = answering.result()
        if answer is None:
            await self._socket.close()
            return False
        await self._socket.send_text(answer)
        return True

    def _start(self, work: Coroutine[Any, Any, _ResultT]) -> asyncio.Task[_ResultT]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
