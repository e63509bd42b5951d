"""Runs in a box: what the program prints, warns of and reads, for tests that look at it.

A test sees prints by putting something else in the place of `sys.stdout`, and answers questions by
putting something else in the place of `input`; the program is over there, so all is passed on.
"""

from __future__ import annotations

import builtins
import io
import sys
import warnings
from collections.abc import Callable
from typing import BinaryIO

__all__ = ["Prints", "Warned", "hear", "read_line"]

_MOST_CHARS = 2**20
_MOST_WARNINGS = 100


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


class Warned:
    """The program's warnings, kept until they are passed on."""

    def __init__(self) -> None:
        self._found: list[list[str]] = []

    def listen(self) -> None:
        """Keep every warning from now on."""
        warnings.simplefilter("always")
        vars(warnings)["showwarning"] = self._show

    def _show(self, message: Warning | str, category: type[Warning], *_: object) -> None:
        if len(self._found) < _MOST_WARNINGS:
            self._found.append([category.__name__, str(message)[:_MOST_CHARS]])

    def take(self) -> list[list[str]]:
        """What was warned of since the last time."""
        taken, self._found = self._found, []
        return taken


_OWN_OUTPUT = sys.stdout
_OWN_INPUT: tuple[object, Callable[..., str]] = (sys.stdin, builtins.input)


def hear(text: str, warned: list[list[str]]) -> None:
    """Print what the program printed, where a test looks at it, and warn of what it warned of."""
    if text and sys.stdout is not _OWN_OUTPUT:
        sys.stdout.write(text)
    for name, message in warned:
        category = getattr(builtins, name, UserWarning)
        is_warning = isinstance(category, type) and issubclass(category, Warning)
        warnings.warn(str(message), category if is_warning else UserWarning, stacklevel=2)


def read_line(prompt: str) -> str:
    """What a test has the program read."""
    if (sys.stdin, builtins.input) == _OWN_INPUT:
        raise EOFError("EOF when reading a line")
    return builtins.input(prompt)
