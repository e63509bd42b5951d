"""WebSocket connections of a server that trusts no client to be quick, or to be brief."""

from __future__ import annotations

import logging
from asyncio import TimerHandle, Transport
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from service.settings import Settings

__all__ = ["Arriving", "bounded_socket", "is_socket"]

_LOG: Final = logging.getLogger(__name__)
# Of a message; whoever makes more of it has each of its bytes come alone.
_MOST_FRAGMENTS: Final = 64


class Arriving:
    """The messages on their way to the sockets of one process, and what they may take."""

    def __init__(self, settings: Settings) -> None:
        self.held_bytes = 0
        self.most_bytes = settings.bodies_bytes
        self.message_s = settings.body_s


def is_socket(url: bytes) -> bool:
    """Whether a WebSocket may be asked for at the URL; elsewhere the request is one of HTTP."""
    return url.partition(b"?")[0].endswith(b"/ws")


def bounded_socket(settings: Settings) -> Callable[..., WebSocketsSansIOProtocol]:
    """What makes the sockets of one server, which share the limits."""
    # Who came and went is in the record of every request.
    _LOG.setLevel(logging.WARNING)
    return partial(_Socket, arriving=Arriving(settings))


class _Socket(WebSocketsSansIOProtocol):
    """uvicorn's, but that a message must arrive in time, and all that do must have room."""

    # Any: what uvicorn hands to its protocols.
    def __init__(self, *args: Any, arriving: Arriving, **more: Any) -> None:
        super().__init__(*args, **more)
        self.logger = self.conn.logger = _LOG
        self._arriving = arriving
        self._held_bytes = 0
        self._timer: TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._count(0)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and end the connection where it is too much, or comes too slowly."""
        super().data_received(data)
        if self.transport.is_closing():
            self._count(0)
            return
        if not self.handshake_initiated and self.conn.handshake_exc is not None:
            # uvicorn would leave the refusal unsent, and the connection open for ever.
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()
            return
        self._count(len(self.conn.reader.buffer) + sum(map(len, self.frames)))
        if self._arriving.held_bytes > self._arriving.most_bytes:
            self._break_off()

    def handle_cont(self, event: Frame) -> None:
        """Take another part of a message."""
        if len(self.frames) >= _MOST_FRAGMENTS:
            self._break_off()
            return
        super().handle_cont(event)

    def pause_writing(self) -> None:
        """Nor is read what asks for more, such as pings, from who takes no answer."""
        super().pause_writing()
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on reading, unless a message still waits to be looked at."""
        super().resume_writing()
        if not self.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    def _count(self, held_bytes: int) -> None:
        self._arriving.held_bytes += held_bytes - self._held_bytes
        self._held_bytes = held_bytes
        if not held_bytes and self._timer is not None:
            self._timer.cancel()
            self._timer = None
        elif held_bytes and self._timer is None:
            self._timer = self.loop.call_later(self._arriving.message_s, self._break_off)

    def _break_off(self) -> None:
        self._count(0)
        transport: Transport = self.transport
        transport.abort()
