"""Runs in a box: the descriptors of the conversation, out of the way of what runs there."""

from __future__ import annotations

import fcntl
import os

__all__ = ["Streams", "read_all", "take_streams", "write_all"]

_FIRST_OWN = 200
_AT_ONCE = 2**20


class Streams:
    """Where requests come from and answers go to."""

    def __init__(self, reads: int, writes: int) -> None:
        self.reads = reads
        self.writes = writes


def take_streams() -> Streams:
    """Keep stdin and stdout for ourselves: the program has no input, and prints to stderr."""
    reads, writes = (fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, _FIRST_OWN) for number in (0, 1))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return Streams(reads, writes)


def read_all(descriptor: int) -> bytes:
    """All there is, to its end."""
    parts: list[bytes] = []
    while True:
        part = os.read(descriptor, _AT_ONCE)
        if not part:
            return b"".join(parts)
        parts.append(part)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
