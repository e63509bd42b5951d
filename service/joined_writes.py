"""The head and the body of an answer in one write: a call to the kernel costs more than both."""

from __future__ import annotations

from asyncio import AbstractEventLoop, Transport
from typing import Final

__all__ = ["JoinedWrites"]

_HEAD: Final = b"HTTP/1."
# More is not copied to save a call.
_MOST_BYTES: Final = 2**16


class JoinedWrites:
    """What uvicorn needs of a transport to send its answers on it.

    A head waits for what is written in the same turn of the loop, and no longer.
    """

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""

    def write(self, data: bytes) -> None:
        """Send this after what waits, or let it wait."""
        if not self._head and data.startswith(_HEAD):
            self._head = data
            self._loop.call_soon(self._send_head)
            return
        if len(data) <= _MOST_BYTES:
            data, self._head = self._head + data, b""
        self._send_head()
        self._transport.write(data)

    def close(self) -> None:
        """Close the connection once all is sent."""
        self._send_head()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether nothing more can be sent."""
        return self._transport.is_closing()

    def _send_head(self) -> None:
        head, self._head = self._head, b""
        if head and not self._transport.is_closing():
            self._transport.write(head)
