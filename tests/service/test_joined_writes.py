"""An answer's head waits for its body, but not for longer than a turn of the loop."""

from __future__ import annotations

import asyncio

import pytest

from service.joined_writes import JoinedWrites

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Wire(asyncio.Transport):
    """Keeps what is written on it."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.is_closed
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


@pytest.fixture
def wire() -> Wire:
    return Wire()


async def joined(wire: Wire) -> JoinedWrites:
    return JoinedWrites(wire, asyncio.get_running_loop())


@pytest.mark.anyio
async def test_a_head_goes_with_its_body(wire: Wire) -> None:
    writes = await joined(wire)
    writes.write(HEAD)
    writes.write(b"{}")
    await asyncio.sleep(0)
    assert wire.writes == [HEAD + b"{}"]


@pytest.mark.anyio
async def test_a_head_whose_body_is_not_there_yet_goes_alone(wire: Wire) -> None:
    writes = await joined(wire)
    writes.write(HEAD)
    await asyncio.sleep(0)
    assert wire.writes == [HEAD]
    writes.write(b"{}")
    assert wire.writes == [HEAD, b"{}"]


@pytest.mark.anyio
@pytest.mark.parametrize("begins", [b"{", HEAD])
async def test_a_large_body_follows_its_head_as_it_is(wire: Wire, begins: bytes) -> None:
    body = begins + b"x" * 2**20
    writes = await joined(wire)
    writes.write(HEAD)
    writes.write(body)
    await asyncio.sleep(0)
    assert wire.writes == [HEAD, body]


@pytest.mark.anyio
async def test_a_head_goes_before_the_connection_is_closed(wire: Wire) -> None:
    writes = await joined(wire)
    writes.write(HEAD)
    writes.close()
    assert writes.is_closing()
    assert wire.writes == [HEAD]


@pytest.mark.anyio
async def test_nothing_is_written_to_a_connection_that_is_gone(wire: Wire) -> None:
    writes = await joined(wire)
    writes.write(HEAD)
    wire.close()
    await asyncio.sleep(0)
    assert wire.writes == []
