"""Watches programs from outside: takes what they write, up to a cap, and minds the clocks."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from sandbox.backends.docker.streams import STDOUT, Channel, Chunk, DaemonLost
from sandbox.backends.docker.voices import Voice
from sandbox.contract import Limits

__all__ = ["Cpu", "Output", "Stopped", "Watch", "Watched", "until_over"]

Stopped: TypeAlias = Literal["cpu_time", "wall_time", "output"]
_STOP: Final = b"."
_STOP_S: Final = 5.0  # for the launcher to kill all that is left
_SHORTEST_LOOK_S: Final = 0.02
_CHUNKS_AT_ONCE: Final = 64


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
        self.is_dismissed = False
        """It was stopped for no limit: nobody needs it any more."""
        self.has_ended = False
        """False where even the launcher did not end when told to."""


class Watch:
    """One program under way, until it has ended or the way to it is lost."""

    def __init__(
        self, channel: Channel, limits: Limits, *, cpu: Cpu, voice: Voice | None = None
    ) -> None:
        self.seen = Watched(limits.output_bytes)
        self.lost: DaemonLost | None = None
        self.is_over = False
        self.channel: Final = channel
        self._limits = limits
        self._cpu = cpu
        self._voice = voice
        self._began: float | None = None
        self._deadline = self._look = 0.0
        self._is_stopped = False

    @property
    def due(self) -> float:
        """When it is to be looked at, whatever comes."""
        return self._deadline if self._is_stopped else min(self._look, self._deadline)

    @property
    def events(self) -> int:
        """What to wait for at its channel."""
        has_to_send = self._voice is not None and self._voice.has_to_send
        return select.POLLIN | (select.POLLOUT if has_to_send else 0)

    def start(self, go: bytes, *, within_s: float) -> None:
        """Let the program go: its time counts from now on."""
        with self._minding():
            self.channel.send(go, within_s=within_s)
        self._began = time.monotonic()
        self._deadline = self._began + self._limits.wall_s
        self._look = self._began + self._cpu.soonest_s(self._limits.cpu_s)

    def attend(self) -> None:
        """Take in and send what can be, without waiting."""
        with self._minding():
            for _ in range(_CHUNKS_AT_ONCE):
                chunk = None if self.is_over else self.channel.receive(0)
                if chunk is None:
                    break
                self._take(chunk)
            if self._voice is not None:
                self._voice.flush()

    def look(self) -> None:
        """Mind the clocks."""
        now = time.monotonic()
        if self.is_over or now < self.due:
            return
        if self._is_stopped:
            self._end()
        elif now >= self._deadline:
            self._stop("wall_time")
        else:
            with self._minding():
                left_s = self._limits.cpu_s - (self._cpu.used_s() or 0.0)
                self._look = now + self._cpu.soonest_s(left_s)
                if left_s < 0:
                    self._stop("cpu_time")

    def dismiss(self) -> None:
        """Stop it, unless it is over or about to be."""
        if not self.is_over and not self._is_stopped:
            self.seen.is_dismissed = True
            self._stop(None)

    def lose(self, error: DaemonLost) -> None:
        """Nothing more will be known of it."""
        self.lost = error
        self._end()

    def _take(self, chunk: Chunk) -> None:
        if not chunk.data:
            self.seen.has_ended = True
            self._end()
        elif chunk.source == STDOUT and self._voice is not None:
            if not self._voice.hear(chunk.data):
                self._stop("output")
        else:
            output = self.seen.stdout if chunk.source == STDOUT else self.seen.stderr
            output.take(chunk.data)
            if output.is_truncated:
                self._stop("output")

    def _stop(self, limit: Stopped | None) -> None:
        """Have the launcher kill the program."""
        if self._is_stopped:
            return
        self._is_stopped = True
        self.seen.stopped = limit
        self._mark()
        self._deadline = time.monotonic() + _STOP_S
        if self._voice is not None:
            self._voice.stop()
            return
        with suppress(DaemonLost):
            self.channel.send(_STOP, within_s=_STOP_S)

    def _end(self) -> None:
        if not self._is_stopped:
            self._mark()
        self.is_over = True
        if self._voice is not None:
            self._voice.fall_silent()

    def _mark(self) -> None:
        if self._began is not None:
            self.seen.wall_s = time.monotonic() - self._began

    @contextmanager
    def _minding(self) -> Iterator[None]:
        """A loss after it was stopped is no news: then what its container says will count."""
        try:
            yield
        except DaemonLost as error:
            if self._is_stopped:
                self._end()
            else:
                self.lose(error)


def until_over(watches: Sequence[Watch], *, then: Callable[[], None] = lambda: None) -> None:
    """Return when every one is over; `then` is done whenever something may have happened."""
    then()
    while running := [watch for watch in watches if not watch.is_over]:
        _wait(running)
        for watch in running:
            watch.attend()
        for watch in running:
            watch.look()
        then()


def _wait(running: Sequence[Watch]) -> None:
    if any(watch.channel.holds_more for watch in running):
        return
    poll = select.poll()
    for watch in running:
        poll.register(watch.channel, watch.events)
    until = min(watch.due for watch in running)
    poll.poll(max(0.0, until - time.monotonic()) * 1000 + 1)
