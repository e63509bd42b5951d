"""What the tests of the docker backend ask of the real daemon, and a way to it that can be cut."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import docker
from docker.errors import DockerException

from sandbox.backends.docker.daemon import LABEL
from sandbox.backends.docker.owners import Owner

__all__ = [
    "IMAGE",
    "OWNER",
    "CuttableWay",
    "client",
    "ours",
    "own",
    "runs_gvisor",
    "unusable",
    "wait_until",
]

IMAGE: Final = "touchstone-sandbox"
OWNER: Final = "touchstone.owner"
_SOCKET: Final = "/var/run/docker.sock"
_PATIENCE_S: Final = 20.0


def client() -> docker.APIClient:
    return docker.APIClient(version="auto", timeout=30)


def unusable() -> str | None:
    """Why no container of ours can be run here, and the remedy; None where one can."""
    try:
        found = client().images(name=IMAGE)
    except DockerException as error:
        return f"no Docker daemon answers ({error}); as root run .ci/docker"
    return None if found else f"there is no image {IMAGE}; run `make image`, or .ci/docker as root"


def runs_gvisor() -> bool:
    with suppress(DockerException):
        return "runsc" in client().info()["Runtimes"]
    return False


def ours(label: str = LABEL) -> list[dict[str, Any]]:
    """The containers with the label, as the daemon tells of them."""
    return list(client().containers(all=True, filters={"label": label}))


def own() -> dict[str, str]:
    """The containers of this process, each with the time at which it was made."""
    return {found["Id"]: found["Created"] for found in ours(f"{OWNER}={Owner.this_process()}")}


def wait_until(holds: Callable[[], bool], what: str) -> float:
    """How long it took."""
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < _PATIENCE_S, f"waited in vain for: {what}"
        time.sleep(0.02)
    return time.monotonic() - started


class CuttableWay:
    """A socket that leads to the daemon, as long as it is not cut."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "docker.sock"
        self.url = f"unix://{self._path}"
        self._ends: list[socket.socket] = []
        self._listening: socket.socket | None = None
        self.mend()

    def mend(self) -> None:
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(self._path))
        listening.listen(64)
        self._listening = listening
        self._threads = [threading.Thread(target=self._accept, args=(listening,), daemon=True)]
        self._threads[0].start()

    def cut(self) -> None:
        """Every connection ends, and no new one is taken."""
        if self._listening is not None:
            with suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._path.unlink()
        self._listening = None
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for end in self._ends:
            end.close()
        self._ends.clear()

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                here, _ = listening.accept()
                there = socket.socket(socket.AF_UNIX)
                there.connect(_SOCKET)
                self._ends += [here, there]
                for one, other in ((here, there), (there, here)):
                    carrier = threading.Thread(target=_carry, args=(one, other), daemon=True)
                    self._threads.append(carrier)
                    carrier.start()


def _carry(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
