"""WebSockets of clients that are slow, greedy or none: each ends, and others are served."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.live import LiveService, start_service, wait_until

PATH = "/compat/openenv/exact/ws"
RESET = json.dumps({"type": "reset", "data": {"reference": "a"}})


@pytest.fixture(scope="module")
def impatient() -> Iterator[LiveService]:
    """A service that waits two seconds for a message."""
    with start_service({"BODY_S": "2", "WORKERS": "1"}) as service:
        yield service


@contextmanager
def _connected(service: LiveService) -> Iterator[ClientConnection]:
    address = f"ws{service.url.removeprefix('http')}{PATH}"
    # A ping of its own could come in the middle of a frame that a test sends in parts.
    with connect(
        address, proxy=None, compression=None, open_timeout=60, close_timeout=1, ping_interval=None
    ) as client:
        yield client


def _frame(payload: bytes, *, announced: int | None = None, opcode: int = 1) -> bytes:
    """A frame as a client sends it; without `opcode`'s highest bit, more of the message follows."""
    length = len(payload) if announced is None else announced
    return bytes([opcode, 0xFF]) + struct.pack("!Q", length) + bytes(4) + payload


def _is_served(client: ClientConnection) -> bool:
    client.send(RESET)
    told: bool = json.loads(client.recv())["type"] == "observation"
    return told


def _ends(client: ClientConnection) -> None:
    with pytest.raises(ConnectionClosed):
        client.recv(timeout=60)


def test_a_message_that_does_not_arrive_in_time_ends_its_connection_alone(
    impatient: LiveService,
) -> None:
    with _connected(impatient) as slow, _connected(impatient) as other:
        slow.socket.sendall(_frame(b'{"type":', announced=1_000, opcode=0x81))
        _ends(slow)
        assert _is_served(other)


def test_messages_that_are_arriving_have_a_memory_for_all_together() -> None:
    message = RESET.encode().rjust(99_000)
    begun = _frame(message[:90_000], announced=len(message), opcode=0x81)
    settings = {"BODY_S": "600", "BODY_BYTES": "100000", "BODIES_BYTES": "150000", "WORKERS": "1"}
    with start_service(settings) as service, _connected(service) as one:
        one.socket.sendall(begun)
        # It is looked at before what comes later, on a connection that is answered.
        assert service.client.get("/healthz").is_success
        with _connected(service) as two:
            # It may be ended before all of that is sent.
            with suppress(OSError):
                two.socket.sendall(begun)
            _ends(two)
        one.socket.sendall(message[90_000:])
        assert json.loads(one.recv())["type"] == "observation"
        # What its episode holds counts, too, until that is over.
        with _connected(service) as three:
            three.send(message, text=True)
            told = json.loads(three.recv())["data"]
            assert (told["code"], "bodies" in told["message"]) == ("EXECUTION_ERROR", True)
            one.close()
            wait_until(lambda: _is_taken(three, message))


def _is_taken(client: ClientConnection, message: bytes) -> bool:
    client.send(message, text=True)
    taken: bool = json.loads(client.recv())["type"] == "observation"
    return taken


@pytest.mark.parametrize(("fragments", "served"), [(64, True), (65, False)])
def test_a_message_comes_in_so_many_fragments_and_no_more(
    impatient: LiveService, fragments: int, served: bool
) -> None:
    *parts, last = [RESET.encode()[n : n + 1] for n in range(fragments - 1)] + [
        RESET.encode()[fragments - 1 :]
    ]
    frames = [_frame(part, opcode=0x01 if n == 0 else 0x00) for n, part in enumerate(parts)]
    with _connected(impatient) as client:
        client.socket.sendall(b"".join(frames) + _frame(last, opcode=0x80))
        if served:
            assert json.loads(client.recv())["type"] in {"observation", "error"}
        else:
            _ends(client)


def test_who_is_there_is_asked_and_answered(impatient: LiveService) -> None:
    with _connected(impatient) as client:
        assert client.ping().wait(30)
        assert _is_served(client)


UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
HANDSHAKES = [
    (PATH, UPGRADE, b"HTTP/1.1 101 "),
    (PATH, (*UPGRADE, *(f"X-{n}: 1" for n in range(200))), b"HTTP/1.1 431 "),
    (PATH, (*UPGRADE, f"X: {'x' * 9_000}"), b"HTTP/1.1 431 "),
    (PATH, UPGRADE[:3], b"HTTP/1.1 400 "),
    (PATH, (*UPGRADE, "Content-Length: 3"), b"HTTP/1.1 400 "),
    (PATH, (), b"HTTP/1.1 426 "),
    (f"{PATH}?session_id=1", UPGRADE, b"HTTP/1.1 422 "),
    ("/ws", UPGRADE, b"HTTP/1.1 403 "),
    ("/healthz", UPGRADE, b"HTTP/1.1 200 "),
    ("/compat/openenv/exact/schema", UPGRADE, b"HTTP/1.1 200 "),
]


@pytest.mark.parametrize(("path", "lines", "begins"), HANDSHAKES)
def test_a_handshake_is_answered_whatever_it_is(
    impatient: LiveService, path: str, lines: tuple[str, ...], begins: bytes
) -> None:
    address = urlsplit(impatient.url)
    head = "\r\n".join((f"GET {path} HTTP/1.1", "Host: x", *lines, "", ""))
    with socket.create_connection((address.hostname, address.port or 0), timeout=60) as client:
        client.sendall(head.encode())
        told = client.recv(4_096)
        assert told.startswith(begins), told
        if not told.startswith((b"HTTP/1.1 101 ", b"HTTP/1.1 426 ")):
            assert b"connection: close" in told.lower()
    wait_until(lambda: impatient.client.get("/healthz").is_success)
