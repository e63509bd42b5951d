"""A wire that can be cut: a TCP port in front of other addresses."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple, TypeAlias

__all__ = ["Place", "Relay", "relay_to"]

_BYTES: Final = 65_536

_Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Place(NamedTuple):
    """An address behind the wire: a Unix socket, or a port of this machine."""

    at: str | int

    async def connected(self) -> _Streams:
        """A connection to it."""
        if isinstance(self.at, str):
            return await asyncio.open_unix_connection(self.at)
        return await asyncio.open_connection("127.0.0.1", self.at)


class Relay:
    """Passes bytes on, to the next of its places that answers, unless it is told not to."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places
        self._turn = itertools.count()
        self._flows = asyncio.Event()
        self._flows.set()
        self._cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.get_running_loop()
        self.port = 0
        self.lost = 0
        """How many connections were cut off."""

    async def serve(self, started: Callable[[], None], over: asyncio.Event) -> None:
        """Pass on until it is over."""
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        started()
        await over.wait()
        server.close()
        self._drop()

    def stall(self) -> None:
        """Let no byte through, and tell nobody."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def cut(self) -> None:
        """Break every connection, and refuse new ones."""
        self._loop.call_soon_threadsafe(self._break)

    def heal(self) -> None:
        """Let everything through again."""
        self._loop.call_soon_threadsafe(self._mend)

    def _break(self) -> None:
        self._cut = True
        self.lost += len(self._writers) // 2
        self._drop()
        self._flows.set()

    def _mend(self) -> None:
        self._cut = False
        self._flows.set()

    def _drop(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far = None if self._cut else await self._reached()
        if far is None:
            writer.transport.abort()
            return
        ends = {writer, far[1]}
        self._writers |= ends
        try:
            await asyncio.gather(self._pass_on(reader, far[1]), self._pass_on(far[0], writer))
        finally:
            self._writers -= ends
            for end in ends:
                end.transport.abort()

    async def _reached(self) -> _Streams | None:
        first = next(self._turn)
        for number in range(len(self._places)):
            with suppress(OSError):
                return await self._places[(first + number) % len(self._places)].connected()
        return None

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while content := await reader.read(_BYTES):
                await self._flows.wait()
                writer.write(content)
                await writer.drain()
        # Either end gone is both ends gone, once what was on the way is there.
        with suppress(OSError):
            writer.close()


@contextmanager
def relay_to(*places: Place) -> Iterator[Relay]:
    """A relay that passes on for as long as this lasts."""
    started, box = threading.Event(), _Box()

    async def run() -> None:
        box.relay, box.over = Relay(places), asyncio.Event()
        await box.relay.serve(started.set, box.over)

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    try:
        assert started.wait(10)
        yield box.relay
    finally:
        box.relay._loop.call_soon_threadsafe(box.over.set)
        thread.join()


class _Box:
    """What the relay's thread hands out."""

    relay: Relay
    over: asyncio.Event
