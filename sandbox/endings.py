"""What the signs of a finished run amount to: the one place where an ending gets its name."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import NamedTuple

from sandbox.contract import EndingKind

__all__ = ["Signs", "Verdict", "judge"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Signs:
    """What a backend saw of a run that began."""

    wait_status: int
    """Of the run's first process, as `os.wait` gives it."""
    stopped: EndingKind | None
    """The limit for which the backend killed it."""
    over_cpu: bool
    out_of_memory: bool
    """Some process of the run was killed for memory."""
    refused_forks: bool
    """The limit on processes stopped a fork at least once."""


class Verdict(NamedTuple):
    """The kind of an ending, with the status or the signal that belongs to it."""

    kind: EndingKind
    status: int | None = None
    signal: int | None = None


def judge(signs: Signs) -> Verdict:
    """Name the ending; where several limits were hit, the one that explains the others."""
    status = os.waitstatus_to_exitcode(signs.wait_status)
    ended = status if signs.stopped is None and status >= 0 else None
    if signs.out_of_memory:
        return Verdict("memory")
    if signs.stopped == "output":
        return Verdict("output")
    if signs.refused_forks and status != 0:
        return Verdict("processes", status=ended)
    if signs.stopped is not None:
        return Verdict(signs.stopped)
    if signs.over_cpu or status == -signal.SIGXCPU:
        return Verdict("cpu_time")
    if status == -signal.SIGSYS:
        return Verdict("forbidden_syscall", signal=signal.SIGSYS)
    if status < 0:
        return Verdict("signalled", signal=-status)
    return Verdict("exited", status=status)
