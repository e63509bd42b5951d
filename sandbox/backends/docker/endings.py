"""What is known of one run, and what ending that makes."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from sandbox.backends.docker.container import Report
from sandbox.backends.docker.watch import Watched
from sandbox.contract import Ending, Isolation, Limits, Unfetched
from sandbox.endings import Signs, judge

__all__ = ["Fetched", "Run", "ending_of"]

_MOST_CPU_S: Final = 1e9
_MOST_BYTES: Final = 2**50


class Fetched(NamedTuple):
    """The wanted files, and why the others are not there."""

    files: Mapping[str, bytes]
    unfetched: Mapping[str, Unfetched]


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A program's whole course, all its processes being dead."""

    limits: Limits
    watched: Watched
    before: Report
    after: Report
    fetched: Fetched

    @property
    def cpu_s(self) -> float | None:
        if self.after.cpu_s is None or self.before.cpu_s is None:
            return None
        return self.after.cpu_s - self.before.cpu_s

    @property
    def wait_status(self) -> int:
        """Of the program; where nobody saw its end, it was killed."""
        status = self.after.mail.get("wait_status")
        if isinstance(status, int) and (os.WIFEXITED(status) or os.WIFSIGNALED(status)):
            return status
        return signal.SIGKILL

    @property
    def has_ended_well(self) -> bool:
        """Whether the program exited by itself, within all limits, and left no process."""
        return (
            os.WIFEXITED(self.wait_status)
            and "cpu_s" in self.after.mail  # else the launcher was killed
            and self.watched.has_ended
            and self.watched.stopped is None
            and not (self.after.others or self.has_run_out_of_memory or self.was_refused_a_fork)
            and not self.watched.stdout.is_truncated
        )

    def told(self, name: str, *, most: float) -> float:
        """A figure of the launcher's, or of the program in its name; 0 where it is none."""
        figure = self.after.mail.get(name)
        return figure if isinstance(figure, int | float) and 0 <= figure <= most else 0

    @property
    def has_run_out_of_memory(self) -> bool:
        return (self.after.oom_kills or 0) > (self.before.oom_kills or 0)

    @property
    def was_refused_a_fork(self) -> bool:
        return (self.after.refused_forks or 0) > (self.before.refused_forks or 0)


def ending_of(run: Run, isolation: Isolation) -> Ending:
    cpu_s = run.told("cpu_s", most=_MOST_CPU_S) if run.cpu_s is None else run.cpu_s
    verdict = judge(
        Signs(
            wait_status=run.wait_status,
            stopped=run.watched.stopped,
            over_cpu=cpu_s > run.limits.cpu_s,
            out_of_memory=run.has_run_out_of_memory,
            # One that nobody needed any more might have coped.
            refused_forks=run.was_refused_a_fork and not run.watched.is_dismissed,
        )
    )
    peak_bytes = run.after.peak_bytes
    if peak_bytes is None or peak_bytes == run.before.peak_bytes:
        # Something before this program, of ours or an earlier one, needed as much.
        peak_bytes = int(run.told("peak_bytes", most=_MOST_BYTES)) or peak_bytes
    return Ending(
        kind=verdict.kind,
        isolation=isolation,
        status=verdict.status,
        signal=verdict.signal,
        stdout=bytes(run.watched.stdout.kept),
        stderr=bytes(run.watched.stderr.kept),
        stdout_truncated=run.watched.stdout.is_truncated,
        stderr_truncated=run.watched.stderr.is_truncated,
        files=run.fetched.files,
        unfetched=run.fetched.unfetched,
        cpu_s=cpu_s,
        wall_s=run.watched.wall_s,
        peak_memory_bytes=peak_bytes,
    )
