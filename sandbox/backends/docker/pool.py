"""Containers that wait for their next run."""

from __future__ import annotations

import threading
from contextlib import suppress

from sandbox.backends.docker.container import Container
from sandbox.backends.docker.streams import DaemonLost
from sandbox.backends.docker.walls import Shape

__all__ = ["Pool"]


class Pool:
    """Idle containers, at most so many; one that is taken is nobody else's."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._idle: list[Container] = []

    def take(self, shape: Shape) -> Container | None:
        """The one of that shape that was used last."""
        with self._lock:
            for index in reversed(range(len(self._idle))):
                if self._idle[index].shape == shape:
                    return self._idle.pop(index)
        return None

    def put(self, container: Container) -> None:
        """Keep it; the one that has waited longest goes where there are too many."""
        with self._lock:
            self._idle.append(container)
            surplus = self._idle[: -self._most]
            del self._idle[: -self._most]
        _remove_all(surplus)

    def clear(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        _remove_all(idle)


def _remove_all(containers: list[Container]) -> None:
    for container in containers:
        with suppress(DaemonLost):
            container.remove()
