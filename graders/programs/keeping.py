"""Keeps what is costly to find out: found once however many ask, forgotten when room is needed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, NamedTuple, TypeVar

__all__ = ["Found", "Kept"]

ValueT = TypeVar("ValueT")


class Found(NamedTuple, Generic[ValueT]):
    """A value, how many bytes it takes to keep, and whether it may be kept at all."""

    value: ValueT
    bytes: int = 0
    lasts: bool = True


class Kept(Generic[ValueT]):
    """Values by their key, the one that is longest unused forgotten first; for many threads."""

    def __init__(self, *, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, Found[ValueT]] = OrderedDict()
        self._bytes = 0
        self._sought: dict[Hashable, Future[ValueT]] = {}

    def get(self, key: Hashable, find: Callable[[], Found[ValueT]]) -> ValueT:
        """The value of this key: kept, or being found by another thread, or found now.

        An error of `find` is raised in every thread that waits for it, and nothing is kept.
        """
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found.value
            theirs = self._sought.get(key)
            if theirs is None:
                self._sought[key] = Future()
        return self._seek(key, find) if theirs is None else theirs.result()

    def _seek(self, key: Hashable, find: Callable[[], Found[ValueT]]) -> ValueT:
        try:
            found = find()
        except BaseException as error:
            with self._lock:
                mine = self._sought.pop(key)
            mine.set_exception(error)
            raise
        with self._lock:
            mine = self._sought.pop(key)
            if found.lasts:
                self._keep(key, found)
        mine.set_result(found.value)
        return found.value

    def _keep(self, key: Hashable, found: Found[ValueT]) -> None:
        self._kept[key] = found
        self._bytes += found.bytes
        while len(self._kept) > self._most or self._bytes > self._most_bytes:
            _, forgotten = self._kept.popitem(last=False)
            self._bytes -= forgotten.bytes
