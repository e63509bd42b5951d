"""One job in one container, from its plan to the proof that nothing of it is left."""

from __future__ import annotations

import json
import time
from typing import Final

from sandbox.backends.docker.container import Container, Report
from sandbox.backends.docker.endings import Fetched, Run
from sandbox.backends.docker.plans import plan_of
from sandbox.backends.docker.streams import Channel, DaemonLost
from sandbox.backends.docker.walls import Walls
from sandbox.backends.docker.watch import Cpu, Watched
from sandbox.contract import Job

__all__ = ["run_in"]

_SETTLE_S: Final = 5.0
_PREPARE_S: Final = 60.0
_MOST_LINE: Final = 4_096
_GO: Final = b"."
_BY_ITSELF: Final = (0, 1)
"""How a launcher ends that no program has killed or stopped: then what it says is its own."""


def run_in(container: Container, channel: Channel, job: Job, *, walls: Walls) -> Run:
    """Give the waiting launcher its plan, let the program go, and watch what comes of it.

    A DaemonLost means that the course of the program is not known.
    """
    before = container.report()
    watched = Watched(job.limits.output_bytes)
    fetched = Fetched({}, dict.fromkeys(job.fetch, "missing"))
    try:
        _prepare(channel, plan_of(job, walls=walls))
        # Again, as a program is not charged for its preparation.
        before = container.report()
        channel.send(_GO, within_s=_PREPARE_S)
        watched.watch(channel, job.limits, cpu=_cpu_since(before, container))
        after = _settled(container, watched)
        if job.fetch and not after.others:
            fetched = _fetch(container, job)
    except DaemonLost:
        last = _last_report(container, before)
        if last is None:
            raise
        after = last
    return Run(limits=job.limits, watched=watched, before=before, after=after, fetched=fetched)


def _prepare(channel: Channel, plan: list[bytes]) -> None:
    for part in plan:
        channel.send(part, within_s=_PREPARE_S)
    line = channel.line(time.monotonic() + _PREPARE_S, most_bytes=_MOST_LINE)
    if complaint := json.loads(line):
        raise DaemonLost(f"the program could not be started: {complaint}")


def _cpu_since(before: Report, container: Container) -> Cpu:
    def used_s() -> float | None:
        now_s = container.report().cpu_s
        return None if now_s is None or before.cpu_s is None else now_s - before.cpu_s

    return Cpu(used_s, container.cores)


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
