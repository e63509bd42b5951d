"""Connections of a server that trusts no client to be quick, to be brief or even to be there."""

from __future__ import annotations

import logging
import resource
import socket
from asyncio import AbstractEventLoop, AbstractServer, TimerHandle, Transport
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple

import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.joined_writes import JoinedWrites
from service.settings import Settings
from service.sockets import is_socket

__all__ = [
    "ConnectionLimits",
    "bounded_loop",
    "bounded_protocol",
    "raise_descriptors",
    "watch_peers",
]

_LOG: Final = logging.getLogger(__name__)
_URL_BYTES: Final = 8 * 1024
_HEAD_BYTES: Final = 64 * 1024
# What a header takes beside its name and value, so that empty ones count, too.
_HEADER_BYTES: Final = 32
# Bytes of chunked encoding per byte of body: a client that sends a byte a chunk takes five.
_FRAMING: Final = 8
# How long what is left of a body is read after the answer, so that the client gets to see that.
_LINGER_S: Final = 5.0
_LINGER_BYTES: Final = 2**25
_OF_A_BODY: Final = frozenset({b"content-length", b"transfer-encoding"})
# The most that Linux takes.
_LONGEST_KEEPIDLE_S: Final = 32_767
_LONGEST_TIMEOUT_MS: Final = 2**31 - 1
# Descriptors for what is no connection: Redis, logs, workers' pipes.
_OTHER_DESCRIPTORS: Final = 128
_REFUSALS: Final = {
    400: (
        b"Bad Request",
        b"this is not HTTP/1.1 as it is accepted here: look at its framing, send no Upgrade",
    ),
    408: (b"Request Timeout", b"the head of the request did not arrive in time"),
    414: (b"URI Too Long", b"the URL is too long"),
    431: (b"Request Header Fields Too Large", b"the head of the request is too large"),
    503: (b"Service Unavailable", b"too many requests are at work here: try again later"),
}


class ConnectionLimits(NamedTuple):
    """How many connections there may be, and how long each may keep us waiting."""

    connections: int
    headers_s: float
    idle_s: float

    @classmethod
    def of(cls, settings: Settings, *, descriptors: int) -> ConnectionLimits:
        """The limits of the settings, within what the process may open."""
        most = max(1, descriptors - _OTHER_DESCRIPTORS)
        if most < settings.connections:
            _LOG.warning("RLIMIT_NOFILE leaves room for %d connections: raise `ulimit -Hn`", most)
        return cls(min(settings.connections, most), settings.headers_s, settings.idle_s)


def raise_descriptors() -> int:
    """Have this process open as many descriptors as it ever may, and say how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else 2**20


def bounded_loop(limits: ConnectionLimits) -> Callable[[], AbstractEventLoop]:
    """What makes the loop of a server whose protocols hear of nobody who has not greeted it."""
    return partial(_Loop, limits.headers_s)


class _Loop(uvloop.Loop):
    """uvloop's, but that a TLS handshake must be over as soon as the head of a request."""

    def __init__(self, handshake_s: float) -> None:
        super().__init__()
        self._handshake_s = handshake_s

    # Any: what uvloop takes.
    async def create_server(self, *args: Any, **more: Any) -> AbstractServer:  # type: ignore[override]
        """A server as uvloop makes it."""
        if more.get("ssl") is not None:
            more["ssl_handshake_timeout"] = self._handshake_s
        return await super().create_server(*args, **more)


def watch_peers(listener: socket.socket, *, idle_s: float) -> None:
    """Have the kernel end connections whose other end is gone, or takes nothing any more."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # Accepted sockets inherit these where there are such.
    for name, value in (
        ("TCP_KEEPIDLE", max(1, int(min(idle_s, _LONGEST_KEEPIDLE_S)))),
        ("TCP_KEEPINTVL", 10),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", int(min(idle_s * 1_000, _LONGEST_TIMEOUT_MS))),
    ):
        if hasattr(socket, name):
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def bounded_protocol(limits: ConnectionLimits) -> Callable[..., HttpToolsProtocol]:
    """What makes the connections of one server, which share the limits."""
    return partial(_Connection, limits=limits, idle=OrderedDict())


class _Unacceptable(Exception):
    """The head of a request is refused; uvicorn's parser ends at any exception."""


class _Connection(HttpToolsProtocol):
    """uvicorn's, but that every wait for the client has an end, and all that it sends a limit."""

    # Any: what uvicorn hands to its protocols.
    def __init__(
        self,
        *args: Any,
        limits: ConnectionLimits,
        idle: OrderedDict[_Connection, None],
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.timeout_keep_alive = limits.idle_s  # type: ignore[assignment] # a float will do
        self._limits = limits
        # Those without a request at work, longest so first.
        self._idle = idle
        self._timer: TimerHandle | None = None
        self._refused = 400
        # Whether what comes next belongs to the head of a request.
        self._in_head = True
        self._heads = 0
        self._head_bytes = 0
        self._unparsed_bytes = 0
        self._framing_bytes = 0
        self._body_bytes = 0
        self._left_bytes = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override] # as uvicorn
        """Take the connection, in place of the longest idle one where there are too many."""
        super().connection_made(transport)
        self._joined = JoinedWrites(transport, self.loop)
        if len(self.connections) > self._limits.connections:
            if not self._idle:
                self._refuse(503)
                return
            longest, _ = self._idle.popitem(last=False)
            longest.transport.abort()
        self._idle[self] = None
        self._start(self._limits.headers_s, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop()
        self._idle.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and refuse what is too much of it."""
        was_in_head, body_bytes, heads = self._in_head, self._body_bytes, self._heads
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head:
            # Of a read in which another request ended, the parser has told all it could.
            self._unparsed_bytes += len(data) if was_in_head and heads == self._heads else 0
            if self._unparsed_bytes > _HEAD_BYTES:
                self._refuse(431)
            elif self._timer is None and self in self._idle:
                self._start(self._limits.headers_s, self._head_is_late)
        elif not was_in_head:
            self._framing_bytes += len(data) - (self._body_bytes - body_bytes)
            self._left_bytes += len(data) if self.cycle.response_complete else 0
            is_padded = self._framing_bytes > _HEAD_BYTES + _FRAMING * self._body_bytes
            if is_padded or self._left_bytes > _LINGER_BYTES:
                self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, or too much of one."""
        self._refuse(self._refused)

    def on_message_begin(self) -> None:
        """A request begins, and with it all that is counted of one."""
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = self._framing_bytes = self._body_bytes = self._left_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Take a part of the URL."""
        super().on_url(url)
        if len(self.url) > _URL_BYTES:
            self._refused = 414
            raise _Unacceptable

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, or what trails a chunked body."""
        self._head_bytes += len(name) + len(value) + _HEADER_BYTES
        if self._head_bytes > _HEAD_BYTES:
            self._refused = 431
            raise _Unacceptable
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The request goes to work."""
        is_upgrade = self.parser.should_upgrade()
        if is_upgrade and any(name in _OF_A_BODY and value != b"0" for name, value in self.headers):
            # The parser reads no body, which would be an empty one.
            raise _Unacceptable
        self._stop()
        self._in_head = False
        self._heads += 1
        self._unparsed_bytes = 0
        self._idle.pop(self, None)
        super().on_headers_complete()
        if is_upgrade and self._should_upgrade():
            return
        self.cycle.transport = self._joined  # type: ignore[assignment] # all that it asks of one
        if is_upgrade:
            # Nor does it read what comes after.
            self.cycle.keep_alive = False

    def _should_upgrade_to_ws(self) -> bool:
        """Only where there is a socket, and while no answer is being sent."""
        is_free = not bool(self.cycle) or self.cycle.response_complete
        is_asked = self.parser.get_method() == b"GET" and is_socket(self.url)
        return is_free and is_asked and super()._should_upgrade_to_ws()

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing is lacking here: the request is answered as it is."""

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is here in full; if it was answered before, the next may come."""
        super().on_message_complete()
        self._in_head = True
        if self._timer is not None:
            self._stop()
            self._await_next()

    def on_response_complete(self) -> None:
        """The request is answered; what is left of its body is read for a while."""
        super().on_response_complete()
        if self.transport.is_closing() or not self.cycle.response_complete:
            return
        self._idle[self] = None
        if not self._in_head:
            self._unset_keepalive_if_required()
            self._start(_LINGER_S, self.transport.close)

    def _await_next(self) -> None:
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def _head_is_late(self) -> None:
        self._timer = None
        if self._unparsed_bytes:
            self._refuse(408)
        else:
            self.transport.close()

    def _refuse(self, status: int) -> None:
        phrase, detail = _REFUSALS[status]
        body = b'{"detail":"%b"}' % detail
        # There is no cycle before the first request, whatever its type says.
        if not bool(self.cycle) or self.cycle.response_complete:
            self.transport.write(
                b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
                b"connection: close\r\n\r\n%b" % (status, phrase, len(body), body)
            )
        self.transport.close()

    def _start(self, seconds: float, then: Callable[[], None]) -> None:
        self._timer = self.loop.call_later(seconds, then)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
