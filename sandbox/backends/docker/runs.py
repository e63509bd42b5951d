"""One job in one container, from its plan to the proof that nothing of it is left."""

from __future__ import annotations

import json
import time
from functools import cached_property, partial
from typing import Final

from sandbox.backends.docker.container import Container, Report
from sandbox.backends.docker.endings import Fetched, Run
from sandbox.backends.docker.plans import plan_of
from sandbox.backends.docker.streams import Channel, DaemonLost
from sandbox.backends.docker.voices import Voice, introduce
from sandbox.backends.docker.walls import Walls
from sandbox.backends.docker.watch import Cpu, Watch, Watched, until_over
from sandbox.contract import Job

__all__ = ["Seat", "converse_in", "run_in"]

_SETTLE_S: Final = 5.0
_PREPARE_S: Final = 60.0
_MOST_LINE: Final = 4_096
_GO: Final = b"."
_BY_ITSELF: Final = (0, 1)
"""How a launcher ends that no program has killed or stopped: then what it says is its own."""


class Seat:
    """A container with a launcher that waits for its plan, and the run that it was used for."""

    def __init__(self, container: Container, channel: Channel) -> None:
        self.container: Final = container
        self.channel: Final = channel
        self.run: Run | None = None


def run_in(seat: Seat, job: Job, *, walls: Walls) -> Run:
    """Give the waiting launcher its plan, let the program go, and watch what comes of it.

    A DaemonLost means that the course of the program is not known.
    """
    course = _Course(seat, job)
    course.prepare(plan_of(job, walls=walls))
    course.start()
    until_over([course.watch])
    return course.end()


def converse_in(
    seats: tuple[Seat, Seat], jobs: tuple[Job, Job], *, walls: Walls
) -> tuple[Run | DaemonLost, Run | DaemonLost]:
    """As `run_in`, for two programs that talk: when the first is over, the second is stopped."""
    voices = Voice(seats[0].channel), Voice(seats[1].channel)
    introduce(*voices)
    first, second = (
        _Course(seat, job, voice=voice)
        for seat, job, voice in zip(seats, jobs, voices, strict=True)
    )
    for course, job in zip((first, second), jobs, strict=True):
        course.prepare(plan_of(job, walls=walls, converses=True))
    first.start()
    second.start()
    until_over([first.watch, second.watch], then=partial(_part, first, second))
    return first.told(), second.told()


def _part(first: _Course, second: _Course) -> None:
    if first.watch.is_over:
        second.watch.dismiss()
    elif second.is_unknown:
        first.watch.dismiss()


class _Course:
    """What becomes of one program in its container."""

    def __init__(self, seat: Seat, job: Job, *, voice: Voice | None = None) -> None:
        self._seat = seat
        self._job = job
        self._before: Report | None = None
        cpu = Cpu(self._used_s, seat.container.cores)
        self.watch: Final = Watch(seat.channel, job.limits, cpu=cpu, voice=voice)

    def prepare(self, plan: list[bytes]) -> None:
        """Have everything in its place."""
        container = self._seat.container
        try:
            self._before = container.report()
            _prepare(self._seat.channel, plan)
            # Again, as a program is not charged for its preparation.
            self._before = container.report()
        except DaemonLost as error:
            self.watch.lose(error)

    def start(self) -> None:
        if not self.watch.is_over:
            self.watch.start(_GO, within_s=_PREPARE_S)

    @property
    def is_unknown(self) -> bool:
        """Whether the way to it is lost, and its container's memory is not the reason."""
        return self.watch.lost is not None and self._last_report is None

    def told(self) -> Run | DaemonLost:
        """As `end`, with a loss as a value."""
        try:
            return self.end()
        except DaemonLost as error:
            return error

    def end(self) -> Run:
        """What there is to tell when it is over."""
        fetched = Fetched({}, dict.fromkeys(self._job.fetch, "missing"))
        try:
            if self.watch.lost is not None:
                raise self.watch.lost
            after = _settled(self._seat.container, self.watch.seen)
            if self._job.fetch and not after.others:
                fetched = _fetch(self._seat.container, self._job)
        except DaemonLost:
            if self._last_report is None:
                raise
            after = self._last_report
        self._seat.run = Run(
            limits=self._job.limits,
            watched=self.watch.seen,
            before=self._before or after,
            after=after,
            fetched=fetched,
        )
        return self._seat.run

    @cached_property
    def _last_report(self) -> Report | None:
        return None if self._before is None else _last_report(self._seat.container, self._before)

    def _used_s(self) -> float | None:
        now_s = self._seat.container.report().cpu_s
        before_s = None if self._before is None else self._before.cpu_s
        return None if now_s is None or before_s is None else now_s - before_s


def _prepare(channel: Channel, plan: list[bytes]) -> None:
    for part in plan:
        channel.send(part, within_s=_PREPARE_S)
    line = channel.line(time.monotonic() + _PREPARE_S, most_bytes=_MOST_LINE)
    if complaint := json.loads(line):
        raise DaemonLost(f"the program could not be started: {complaint}")


def _last_report(container: Container, before: Report) -> Report | None:
    """Of a container that ran out of memory, so much so that perhaps nothing in it is left."""
    try:
        last = container.report()
    except DaemonLost:
        killed = before._replace(oom_kills=(before.oom_kills or 0) + 1)
        return killed if container.has_run_out_of_memory() else None
    return last if (last.oom_kills or 0) > (before.oom_kills or 0) else None


def _settled(container: Container, watched: Watched) -> Report:
    """The report once nothing but the agent is left, or the last one where something stays."""
    until = time.monotonic() + (_SETTLE_S if watched.has_ended else 0)
    report = container.report()
    while report.others and time.monotonic() < until:
        time.sleep(0.005)
        report = container.report()
    if "program" not in report.mail and container.launcher_status() in _BY_ITSELF:
        failure = report.mail.get("failed") or _tail(watched.stderr.kept)
        raise DaemonLost(f"the program could not be started: {str(failure)[:500]}")
    return report


def _tail(text: bytes | bytearray) -> str:
    return text[-500:].decode(errors="replace")


def _fetch(container: Container, job: Job) -> Fetched:
    head, contents = container.collect(job.fetch, most_bytes=job.limits.fetch_bytes)
    return Fetched(dict(zip(head["names"], contents, strict=True)), head["unfetched"])
