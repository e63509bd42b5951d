"""Waits for a run to end, takes in its output meanwhile, and has it killed at a limit."""

from __future__ import annotations

import os
import select
import socket
import time
from typing import Final

from sandbox.backends.forkserver.cgroups import RunCgroup
from sandbox.backends.forkserver.protocol import (
    LARGEST_MESSAGE,
    Command,
    Report,
    Usage,
    answer_of,
)
from sandbox.backends.forkserver.streams import Drain
from sandbox.contract import EndingKind, Limits

__all__ = ["SlotBroken", "Watch"]

_BURIAL_S: Final = 20.0
"""Time in which every process of a killed run must be dead; else the slot is given up."""
_CENSUS_S: Final = 0.02
_SHORTEST_WAIT_S: Final = 0.002
_CORES: Final = os.cpu_count() or 1


class SlotBroken(Exception):
    """The warm parent is gone or does not answer; a new slot has to take over."""


class Watch:
    """One run under way; its limits are judged here and nowhere else."""

    def __init__(self, control: socket.socket, limits: Limits, *, cgroup: RunCgroup) -> None:
        self.report: Report | None = None
        self.scratch: int | None = None
        """The descriptor of what the run wrote, once it is over."""
        self.stopped: EndingKind | None = None
        """The limit that made us kill it."""
        self.most = Usage(0.0, 0, 0)
        """The most that a census saw, where no cgroup counts."""
        self._control = control
        self._limits = limits
        self._cgroup = cgroup
        self._census = not {"cpu", "memory"} <= set(cgroup.places)
        self._began = time.monotonic()
        self._gives_up = self._began + limits.wall_s
        self._looks = self._began + (_CENSUS_S if self._census else limits.cpu_s / _CORES)

    @property
    def wall_s(self) -> float:
        return time.monotonic() - self._began

    def until_ended(self, *streams: Drain) -> Report:
        """Return when every process of the run is dead; the streams are not read to their end."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        open_streams = {stream.descriptor: stream for stream in streams}
        for descriptor in open_streams:
            poll.register(descriptor, select.POLLIN)
        while self.report is None:
            for descriptor, _ in poll.poll(self._pause_ms()):
                stream = open_streams.get(descriptor)
                if stream is None:
                    self._hear()
                    continue
                stream.read()
                if stream.ended:
                    poll.unregister(descriptor)
                elif stream.truncated:
                    self._stop("output")
            self._look()
        return self.report

    def _pause_ms(self) -> float:
        until = self._gives_up if self.stopped else min(self._gives_up, self._looks)
        return max(0.0, until - time.monotonic()) * 1000 + 1

    def _hear(self) -> None:
        try:
            message, descriptors, _, _ = socket.recv_fds(self._control, LARGEST_MESSAGE, 1)
        except OSError as error:
            raise SlotBroken(f"the warm parent does not answer: {error}") from error
        if not message:
            raise SlotBroken("the warm parent ended")
        answer = answer_of(message)
        if isinstance(answer, Report):
            self.report = answer
            self.scratch = descriptors[0] if descriptors else None
            return
        self.most = Usage(
            max(self.most.cpu_s, answer.cpu_s),
            max(self.most.memory_bytes, answer.memory_bytes),
            max(self.most.tasks, answer.tasks),
        )
        if self.most.memory_bytes > self._limits.memory_bytes:
            self._stop("memory")
        elif "cpu" not in self._cgroup.places and self.most.cpu_s > self._limits.cpu_s:
            self._stop("cpu_time")

    def _look(self) -> None:
        now = time.monotonic()
        if self.report is not None:
            return
        if now >= self._gives_up:
            if self.stopped:
                raise SlotBroken(f"the run's processes live {_BURIAL_S:g} s after being killed")
            self._stop("wall_time")
        elif now >= self._looks and not self.stopped:
            self._looks = now + self._measure()

    def _measure(self) -> float:
        """Ask for what has been used; returns the time until it could matter again."""
        pause_s = self._limits.wall_s
        used_s = self._cgroup.cpu_s()
        if used_s is not None:
            left_s = self._limits.cpu_s - used_s
            if left_s < 0:
                self._stop("cpu_time")
            pause_s = max(left_s / _CORES, _SHORTEST_WAIT_S)
        if self._census:
            self._say(Command("measure"))
            pause_s = min(pause_s, _CENSUS_S)
        return pause_s

    def _stop(self, limit: EndingKind) -> None:
        if self.stopped is None:
            self.stopped = limit
            self._gives_up = time.monotonic() + _BURIAL_S
            self._say(Command("kill"))

    def _say(self, command: Command) -> None:
        try:
            self._control.send(command.packed())
        except OSError as error:
            raise SlotBroken(f"the warm parent is gone: {error}") from error
