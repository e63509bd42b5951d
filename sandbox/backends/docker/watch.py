"""Watches one program from outside: takes what it writes, up to a cap, and minds the clocks."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from sandbox.backends.docker.streams import STDOUT, Channel, DaemonLost
from sandbox.contract import Limits

__all__ = ["Cpu", "Output", "Stopped", "Watched"]

Stopped: TypeAlias = Literal["cpu_time", "wall_time", "output"]
_STOP: Final = b"."
_STOP_S: Final = 5.0  # for the launcher to kill all that is left
_SHORTEST_LOOK_S: Final = 0.02


@dataclass(slots=True)
class Output:
    """What a program wrote to one stream, cut at the cap."""

    most_bytes: int
    kept: bytearray = field(default_factory=bytearray)
    is_truncated: bool = False

    def take(self, data: bytes) -> None:
        room = self.most_bytes - len(self.kept)
        self.kept += data[:room]
        self.is_truncated = self.is_truncated or len(data) > room


@dataclass(frozen=True, slots=True)
class Cpu:
    """The CPU time that a program has used up to now, on how many cores; None: nothing counts."""

    used_s: Callable[[], float | None]
    cores: int

    def soonest_s(self, left_s: float) -> float:
        """The time until so much more can have been used."""
        return max(left_s / self.cores, _SHORTEST_LOOK_S)


class Watched:
    """How it went with one program, until every process of it was gone."""

    def __init__(self, output_bytes: int) -> None:
        self.stdout = Output(output_bytes)
        self.stderr = Output(output_bytes)
        self.wall_s = 0.0
        self.stopped: Stopped | None = None
        self.has_ended = False
        """False where even the launcher did not end when told to."""

    def watch(self, channel: Channel, limits: Limits, *, cpu: Cpu) -> None:
        """Watch the program to its end, and stop it at a limit."""
        start = time.monotonic()
        try:
            self.stopped = self._until_limit(channel, limits, cpu=cpu)
        finally:
            self.wall_s = time.monotonic() - start
        self.has_ended = self.stopped is None or _stop(channel)

    def _until_limit(self, channel: Channel, limits: Limits, *, cpu: Cpu) -> Stopped | None:
        deadline = time.monotonic() + limits.wall_s
        look = time.monotonic() + cpu.soonest_s(limits.cpu_s)
        while True:
            chunk = channel.receive(min(look, deadline))
            if chunk is not None:
                if not chunk.data:
                    return None
                output = self.stdout if chunk.source == STDOUT else self.stderr
                output.take(chunk.data)
                if output.is_truncated:
                    return "output"
            now = time.monotonic()
            if now >= look:
                left_s = limits.cpu_s - (cpu.used_s() or 0.0)
                if left_s < 0:
                    return "cpu_time"
                look = now + cpu.soonest_s(left_s)
            if now >= deadline:
                return "wall_time"


def _stop(channel: Channel) -> bool:
    """Have the launcher kill the program; whether every process that wrote is gone."""
    until = time.monotonic() + _STOP_S
    with suppress(DaemonLost):
        channel.send(_STOP, within_s=_STOP_S)
        while chunk := channel.receive(until):
            if not chunk.data:
                return True
    return False
