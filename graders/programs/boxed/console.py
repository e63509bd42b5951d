"""Runs in a box: what the program prints and reads, for tests that look at it.

A test sees prints by putting something else in the place of `sys.stdout`, and answers questions by
putting something else in the place of `input`; the program is over there, so both are passed on.
"""

from __future__ import annotations

import builtins
import io
import sys
from collections.abc import Callable
from typing import BinaryIO

__all__ = ["Prints", "hear", "read_line"]

_MOST_CHARS = 2**20


class Prints(io.TextIOBase):
    """In the place of the program's stdout: keeps what is printed until it is passed on."""

    encoding = "utf-8"

    def __init__(self, buffer: BinaryIO) -> None:
        self.buffer = buffer
        self._parts: list[str] = []
        self._chars = 0

    def write(self, text: str) -> int:
        if self._chars < _MOST_CHARS:
            self._parts.append(str.__str__(text))
            self._chars += len(text)
        return len(text)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1

    def reconfigure(self, **_: object) -> None:
        """As it is, it takes any text."""

    def take(self) -> str:
        """What was printed since the last time."""
        taken = "".join(self._parts)
        self._parts.clear()
        self._chars = 0
        return taken[:_MOST_CHARS]


_OWN_OUTPUT = sys.stdout
_OWN_INPUT: tuple[object, Callable[..., str]] = (sys.stdin, builtins.input)


def hear(text: str) -> None:
    """Print what the program printed, where a test looks at it."""
    if text and sys.stdout is not _OWN_OUTPUT:
        sys.stdout.write(text)


def read_line(prompt: str) -> str:
    """What a test has the program read."""
    if (sys.stdin, builtins.input) == _OWN_INPUT:
        raise EOFError("EOF when reading a line")
    return builtins.input(prompt)
