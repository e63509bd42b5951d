"""A run's output, taken in up to a limit and no further."""

from __future__ import annotations

import os
from typing import Final, NamedTuple

__all__ = ["Drain", "Written"]

_CHUNK_BYTES: Final = 65_536


class Written(NamedTuple):
    """What was kept of a stream, and whether there was more."""

    kept: bytes = b""
    truncated: bool = False


class Drain:
    """The reading end of a pipe, and the first bytes of what came through it."""

    def __init__(self, descriptor: int, limit: int) -> None:
        self.descriptor = descriptor
        self.ended = False
        self.truncated = False
        self._limit = limit
        self._kept = bytearray()

    @property
    def written(self) -> Written:
        return Written(bytes(self._kept), self.truncated)

    def read(self) -> None:
        """Take in what is there now; what is over the limit is counted and dropped."""
        data = os.read(self.descriptor, _CHUNK_BYTES)
        if not data:
            self.ended = True
            return
        room = self._limit - len(self._kept)
        self.truncated |= len(data) > room
        self._kept += data[:room] if room else b""

    def to_the_end(self) -> None:
        """Take in the rest, which is at most what a pipe holds: nobody can write any more."""
        while not self.ended:
            self.read()
