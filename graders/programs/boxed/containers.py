"""Runs in a box: lists, dicts, sets and their like that both boxes hold.

What one side does to such a container is done to the other side's with the next frame, so that a
list changed in place, kept by an object or handed out by it is one list, as it would be in one
process.
A container is forgotten as soon as one side has no use for it but this.
"""

from __future__ import annotations

import operator
import sys
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterator
from itertools import chain
from typing import Any

__all__ = ["Containers", "contents", "replace_contents"]

# Any: what containers hold, and JSON.
_Value = Any
_Json = Any

_MOST_FOLLOWED = 2_000
"""Containers at once; what is more crosses by value."""
_LARGE = 20_000
"""A container with more items than this is followed during the one call that it is part of."""


class _Shared:
    """A container and what the other side knows to be in it."""

    __slots__ = ("before", "container")

    def __init__(self, container: _Value) -> None:
        self.container = container
        self.before: list[_Value] | None = None
        """None until it holds what the other side has in it."""


class Containers:
    """The containers that both sides hold, by the numbers that both know them by."""

    def __init__(self, *, first: int) -> None:
        self._by_number: dict[int, _Shared] = {}
        self._numbers: dict[int, int] = {}
        # Each side takes every other number.
        self._next = first
        probe = _Shared([])
        self._ours = sys.getrefcount(probe.container)

    def number_of(self, container: _Value) -> int | None:
        """The number of a container that both sides hold."""
        return self._numbers.get(id(container))

    def share(self, container: _Value, *, for_a_call: bool) -> int | None:
        """Give it a number; None where it is to cross by value."""
        if len(self._by_number) >= _MOST_FOLLOWED:
            return None
        if not for_a_call and len(container) > _LARGE:
            return None
        number = self._next
        self._next += 2
        self._hold(number, container)
        self._by_number[number].before = list(_parts(container))
        return number

    def receive(self, number: int, container: _Value) -> None:
        """Hold a container that the other side has just numbered; it is filled in a moment."""
        is_theirs = type(number) is int and number % 2 != self._next % 2
        if not is_theirs or number in self._by_number:
            raise ValueError("a number that is not the other side's to give")
        if len(self._by_number) > 4 * _MOST_FOLLOWED:
            raise ValueError("more containers than either side follows")
        self._hold(number, container)

    def _hold(self, number: int, container: _Value) -> None:
        self._by_number[number] = _Shared(container)
        self._numbers[id(container)] = number

    def known(self, number: int) -> _Value:
        """The container of this number."""
        return self._by_number[number].container

    def remember(self, number: int) -> None:
        """Take what is in it for what the other side knows; it may have let go of it meanwhile."""
        shared = self._by_number.get(number)
        if shared is not None:
            shared.before = list(_parts(shared.container))

    def forget(self, number: int) -> None:
        """Follow it no longer."""
        shared = self._by_number.pop(number)
        del self._numbers[id(shared.container)]

    def changed(self) -> Iterator[tuple[int, _Value]]:
        """Those that are not what the other side knows; it does from now on."""
        for number, shared in list(self._by_number.items()):
            if shared.before is not None and not _is_same(shared.container, shared.before):
                shared.before = list(_parts(shared.container))
                yield number, shared.container

    def let_go(self, *, after_a_call: bool) -> list[int]:
        """Forget those that nobody else holds here, and say which."""
        gone = []
        for number in list(self._by_number):
            shared = self._by_number[number]
            if shared.before is None:
                continue
            is_large = after_a_call and len(shared.before) > _LARGE
            if is_large or sys.getrefcount(shared.container) <= self._ours:
                self.forget(number)
                gone.append(number)
        return gone


def contents(container: _Value, write: _Value) -> _Json:
    """What is in a container, each part written by `write`."""
    if isinstance(container, dict):
        return [[write(key), write(item)] for key, item in dict.items(container)]
    if type(container) is bytearray:
        return b2a_base64(container, newline=False).decode()
    return [write(item) for item in container]


def replace_contents(container: _Value, tree: _Json, read: _Value) -> None:
    """Have a container hold what is in the tree, and nothing else."""
    if type(container) is bytearray:
        container[:] = a2b_base64(tree)
    elif isinstance(container, dict):
        pairs = [(read(key), read(item)) for key, item in tree]
        dict.clear(container)
        for key, item in pairs:
            dict.__setitem__(container, key, item)
    else:
        values = [read(item) for item in tree]
        container.clear()
        (container.update if type(container) is set else container.extend)(values)


def _parts(container: _Value) -> Iterator[_Value]:
    if isinstance(container, dict):
        return chain.from_iterable(dict.items(container))
    return iter(container)


def _is_same(container: _Value, before: list[_Value]) -> bool:
    parts_each = 2 if isinstance(container, dict) else 1
    # Never by ==, which may be the program's.
    return len(container) * parts_each == len(before) and all(
        map(operator.is_, _parts(container), before)
    )
