"""What is said on the way between two programs that talk: pieces of it, and what was taken in.

This file stands alone, as its text is also sent into the container.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

__all__ = [
    "CLOSED",
    "DATA",
    "END",
    "MOST_LEFT",
    "STOP",
    "TAKEN",
    "WINDOW",
    "Record",
    "Records",
    "record_bytes",
]

DATA: Final = b"d"
TAKEN: Final = b"t"
"""So many bytes of the other one's have reached the program."""
END: Final = b"e"
"""No more will come."""
CLOSED: Final = b"c"
"""No more will be taken."""
STOP: Final = b"."
WINDOW: Final = 65_536
"""Bytes that may be on their way and not taken in, and so in anybody's memory."""
MOST_LEFT: Final = 2**20
"""And what a dead program has left in its pipe: as much as one can be made to hold."""
_LETTERS: Final = frozenset({DATA, TAKEN, END, CLOSED, STOP})
_HEAD: Final = struct.Struct("!cI")


class Record(NamedTuple):
    """One message: what it is, how many bytes it is about, and with DATA these bytes."""

    letter: bytes
    size: int = 0
    data: bytes = b""


def record_bytes(record: Record) -> bytes:
    return _HEAD.pack(record.letter, record.size) + record.data


class Records:
    """The records of one stream, which comes in pieces."""

    def __init__(self) -> None:
        self._received = bytearray()

    def take(self, data: bytes) -> Iterator[Record]:
        """Those that are complete by now; a ValueError for what is none."""
        self._received += data
        while len(self._received) >= _HEAD.size:
            letter, size = _HEAD.unpack_from(self._received)
            end = _HEAD.size + (size if letter == DATA else 0)
            if letter not in _LETTERS or end > _HEAD.size + WINDOW:
                raise ValueError(f"{bytes(self._received[: _HEAD.size])!r} begins no record")
            if len(self._received) < end:
                return
            data = bytes(self._received[_HEAD.size : end])
            del self._received[:end]
            yield Record(letter, size, data)
