"""Waits for runs to end, takes in their output meanwhile, and has them killed at a limit."""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Sequence
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

__all__ = ["Watch", "until_ended"]

_BURIAL_S: Final = 20.0
"""Time in which every process of a killed run must be dead; else the slot is given up."""
_CENSUS_S: Final = 0.02
_SHORTEST_WAIT_S: Final = 0.002
_CORES: Final = os.cpu_count() or 1


def until_ended(*watches: Watch) -> None:
    """Return when every process of each run is dead, or its slot is broken.

    Of two, the second is killed when the first has ended; the first, when the second never began.
    The streams are not read to their end.
    """
    poll = select.poll()
    watched = {descriptor: watch for watch in watches for descriptor in watch.join(poll)}
    while running := [watch for watch in watches if not watch.is_over]:
        for descriptor, _ in poll.poll(min(watch.pause_ms() for watch in running)):
            watched[descriptor].attend(descriptor)
        for watch in running:
            watch.look()
        if len(watches) > 1:
            _part(*watches)


def _part(first: Watch, second: Watch) -> None:
    if first.is_over:
        second.dismiss()
    elif second.never_began:
        first.dismiss()


class Watch:
    """One run under way; its limits are judged here and nowhere else."""

    def __init__(
        self,
        control: socket.socket,
        limits: Limits,
        *,
        cgroup: RunCgroup,
        streams: Sequence[Drain],
    ) -> None:
        self.report: Report | None = None
        self.scratch: int | None = None
        """The descriptor of what the run wrote, once it is over."""
        self.stopped: EndingKind | None = None
        """The limit that made us kill it."""
        self.dismissed = False
        """It was killed for no limit: nobody needs it any more."""
        self.broken = ""
        """Why the warm parent will say no more; a new slot has to take over."""
        self.most = Usage(0.0, 0, 0)
        """The most that a census saw, where no cgroup counts."""
        self._control = control
        self._limits = limits
        self._cgroup = cgroup
        self._streams = {stream.descriptor: stream for stream in streams}
        self._poll: select.poll | None = None
        self._census = not {"cpu", "memory"} <= set(cgroup.places)
        self._began = time.monotonic()
        self._ended = self._began
        self._gives_up = self._began + limits.wall_s
        self._looks = self._began + (_CENSUS_S if self._census else limits.cpu_s / _CORES)

    @property
    def is_over(self) -> bool:
        return self.report is not None or bool(self.broken)

    @property
    def failure(self) -> str:
        """Why it never began; not that it was dismissed first."""
        if self.report is None or (self.dismissed and os.WIFSIGNALED(self.report.wait_status)):
            return ""
        return self.report.failure

    @property
    def never_began(self) -> bool:
        """Whether that is known, and no limit of its own is the reason."""
        return bool(self.broken) or (bool(self.failure) and not self._cgroup.use().out_of_memory)

    @property
    def wall_s(self) -> float:
        return self._ended - self._began

    def join(self, poll: select.poll) -> list[int]:
        """Have the poll wait for this run, too; the descriptors by which it will tell of it."""
        if self.is_over:
            return []
        self._poll = poll
        descriptors = [self._control.fileno(), *self._streams]
        for descriptor in descriptors:
            poll.register(descriptor, select.POLLIN)
        return descriptors

    def pause_ms(self) -> float:
        """How long nothing needs to be looked at."""
        until = self._gives_up if self._is_killed else min(self._gives_up, self._looks)
        return max(0.0, until - time.monotonic()) * 1000 + 1

    def attend(self, descriptor: int) -> None:
        """Take in what has come there; what belongs to a run that is over needs no answer."""
        if self.is_over:
            return
        stream = self._streams.get(descriptor)
        if stream is None:
            self._hear()
            return
        stream.read()
        if stream.ended:
            self._leave(descriptor)
        elif stream.truncated:
            self._stop("output")

    def look(self) -> None:
        """See to what is due by now."""
        now = time.monotonic()
        if self.is_over:
            return
        if now >= self._gives_up:
            if self._is_killed:
                self.give_up(f"the run's processes live {_BURIAL_S:g} s after being killed")
            else:
                self._stop("wall_time")
        elif now >= self._looks and not self._is_killed:
            self._looks = now + self._measure()

    def dismiss(self) -> None:
        """Have it killed, unless it is over or about to be."""
        if not self.is_over and not self._is_killed:
            self.dismissed = True
            self._kill()

    def give_up(self, reason: str) -> None:
        """Nothing more will come of this run."""
        self.broken = reason
        self._end()

    def close(self) -> None:
        """Let go of what the run wrote."""
        if self.scratch is not None:
            os.close(self.scratch)
            self.scratch = None

    @property
    def _is_killed(self) -> bool:
        return self.stopped is not None or self.dismissed

    def _hear(self) -> None:
        try:
            message, descriptors, _, _ = socket.recv_fds(self._control, LARGEST_MESSAGE, 1)
        except OSError as error:
            self.give_up(f"the warm parent does not answer: {error}")
            return
        if not message:
            self.give_up("the warm parent ended")
            return
        answer = answer_of(message)
        if isinstance(answer, Report):
            self.report = answer
            self.scratch = descriptors[0] if descriptors else None
            self._end()
        else:
            self._compare(answer)

    def _compare(self, usage: Usage) -> None:
        """Hold what a census found against the limits."""
        self.most = Usage(
            max(self.most.cpu_s, usage.cpu_s),
            max(self.most.memory_bytes, usage.memory_bytes),
            max(self.most.tasks, usage.tasks),
        )
        if self.most.memory_bytes > self._limits.memory_bytes:
            self._stop("memory")
        elif "cpu" not in self._cgroup.places and self.most.cpu_s > self._limits.cpu_s:
            self._stop("cpu_time")

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
        if not self._is_killed:
            self.stopped = limit
            self._kill()

    def _kill(self) -> None:
        self._gives_up = time.monotonic() + _BURIAL_S
        self._say(Command("kill"))

    def _say(self, command: Command) -> None:
        try:
            self._control.send(command.packed())
        except OSError as error:
            self.give_up(f"the warm parent is gone: {error}")

    def _leave(self, descriptor: int) -> None:
        if self._poll is not None:
            self._poll.unregister(descriptor)

    def _end(self) -> None:
        self._ended = time.monotonic()
        if self._poll is not None:
            for stream in self._streams.values():
                if not stream.ended:
                    self._poll.unregister(stream.descriptor)
            self._poll.unregister(self._control.fileno())
            self._poll = None
