"""The daemon's streams: what a process in a container writes, as it comes and never all at once."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import requests
import urllib3.exceptions
from docker.errors import DockerException

__all__ = ["STDERR", "STDOUT", "Channel", "Chunk", "DaemonLost", "reaching"]

STDOUT: Final = 1
STDERR: Final = 2
_HEAD_BYTES: Final = 8
_MOST_COMPLAINT: Final = 500
_READ_BYTES: Final = 65_536
_WOULD_WAIT: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class DaemonLost(Exception):
    """The daemon, or a container of ours, did not do its part."""


@contextmanager
def reaching(step: str) -> Iterator[None]:
    """Turn every error of the way to the daemon into one that names the step."""
    try:
        yield
    except (
        DockerException,
        requests.RequestException,
        urllib3.exceptions.HTTPError,
        OSError,
    ) as error:
        raise DaemonLost(f"{step}: {error}") from error


class Chunk(NamedTuple):
    """Bytes that a process wrote to one of its streams; none at all is the end of every stream."""

    source: int
    data: bytes


_END: Final = Chunk(0, b"")


class Channel:
    """The three streams of one process in a container, over one connection to the daemon."""

    def __init__(self, hijacked: Any) -> None:
        # Any: what the SDK gives for a connection that has become a stream, of many types.
        self._hijacked = hijacked
        # A Unix or TCP connection comes wrapped; one with TLS does not.
        self._socket: socket.socket = getattr(hijacked, "_sock", hijacked)
        self._received = bytearray()
        self._source = 0
        self._left = 0
        self._has_ended = False

    def send(self, data: bytes, *, within_s: float) -> None:
        with reaching("sending to a container"):
            self._socket.settimeout(within_s)
            self._socket.sendall(data)

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def holds_more(self) -> bool:
        """Whether something has been read already that `receive` has not given yet."""
        if len(self._received) >= (1 if self._left else _HEAD_BYTES):
            return True
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def send_some(self, data: bytes | bytearray) -> int:
        """Send as much as goes without waiting; how much that was."""
        with reaching("sending to a container"):
            self._socket.settimeout(0)
            try:
                return self._socket.send(data)
            except _WOULD_WAIT:
                return 0

    def receive(self, until: float) -> Chunk | None:
        """The next bytes of any stream; None where there are none at that time (monotonic)."""
        while True:
            if chunk := self._take():
                return chunk
            if self._has_ended:
                return _END
            data = self._read(until)
            if data is None:
                return None
            self._has_ended = not data
            self._received += data

    def reader(self, until: float, *, most_bytes: int) -> Callable[[int], bytes]:
        """Calls for an exact number of bytes of stdout, so many in all, by that time."""
        pending = bytearray()
        allowed = most_bytes

        def read(count: int) -> bytes:
            nonlocal allowed
            allowed -= count
            if allowed < 0:
                raise DaemonLost(f"a container answered with more than {most_bytes} bytes")
            while len(pending) < count:
                pending.extend(self._answer(until))
            taken = bytes(pending[:count])
            del pending[:count]
            return taken

        return read

    def line(self, until: float, *, most_bytes: int) -> bytes:
        """One line of stdout."""
        read = self.reader(until, most_bytes=most_bytes)
        line = bytearray()
        while not line.endswith(b"\n"):
            line += read(1)
        return bytes(line)

    def close(self) -> None:
        with reaching("closing a stream"):
            self._hijacked.close()
            self._socket.close()

    def _answer(self, until: float) -> bytes:
        chunk = self.receive(until)
        complaint = bytearray()
        while chunk is not None and chunk.source == STDERR:
            complaint = (complaint + chunk.data)[-_MOST_COMPLAINT:]
            chunk = self.receive(until)
        if complaint:
            raise DaemonLost(f"a container complains: {complaint.decode(errors='replace')}")
        if chunk is None:
            raise DaemonLost("a container did not answer in time")
        if not chunk.data:
            raise DaemonLost("a container ended without an answer")
        return chunk.data

    def _take(self) -> Chunk | None:
        while not self._left and len(self._received) >= _HEAD_BYTES:
            self._source = self._received[0]
            if self._source not in (STDOUT, STDERR):
                raise DaemonLost(f"the daemon speaks of a stream {self._source}")
            self._left = int.from_bytes(self._received[4:_HEAD_BYTES], "big")
            del self._received[:_HEAD_BYTES]
        if not self._left or not self._received:
            return None
        data = bytes(self._received[: self._left])
        del self._received[: len(data)]
        self._left -= len(data)
        return Chunk(self._source, data)

    def _read(self, until: float) -> bytes | None:
        with reaching("reading from a container"):
            self._socket.settimeout(max(until - time.monotonic(), 0))
            try:
                return self._socket.recv(_READ_BYTES)
            except (TimeoutError, *_WOULD_WAIT):
                return None
