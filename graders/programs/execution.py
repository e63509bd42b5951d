"""Runs jobs for a verdict: our faults are tried again, near time-outs are run again alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, assert_never

from graders.programs.results import CaseOutcome, SandboxUnavailable
from sandbox import Conversation, Ending, Job, converse, run

__all__ = [
    "NEAR",
    "Execution",
    "execute",
    "execute_both",
    "executed_fairly",
    "is_near",
    "outcome_of",
]

_PAUSES_S: Final = (0.1, 0.5, 2.0)
NEAR: Final = 1.25
"""What ends within so many times its CPU limit is near it, and more is not waited for."""
_AWAKE_SHARE: Final = 0.05
"""Who used less than this share of the wall time as CPU time was waiting for nothing of ours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Execution:
    """How a program ended; `outcome` is None where it ended by itself with status 0."""

    ending: Ending
    outcome: CaseOutcome | None
    was_near: bool = False
    """It was run again alone, and this is what that found."""


def execute(job: Job, *, alone: bool = False) -> Ending:
    """Run the job; a sandbox that does not start it, several times over, is SandboxUnavailable."""
    return _started(lambda: (run(job, alone=alone),))[0]


def execute_both(first: Job, second: Job, *, alone: bool = False) -> Conversation:
    """Have both jobs converse; else as `execute`."""
    return Conversation(*_started(lambda: converse(first, second, alone=alone)))


def _started(attempt: Callable[[], tuple[Ending, ...]]) -> tuple[Ending, ...]:
    fault = ""
    for pause_s in (0.0, *_PAUSES_S):
        time.sleep(pause_s)
        endings = attempt()
        faults = [ending.note for ending in endings if ending.kind == "not_started"]
        if not faults:
            return endings
        fault = faults[0]
    raise SandboxUnavailable(fault)


def executed_fairly(job: Job, *, within_s: float | None = None) -> Execution:
    """Run the job, and again alone where others may have cost it the time it lacked.

    Other programs on the same cores make a program use more CPU time than it would by itself, and
    can keep it from getting any: neither is held against it before it has run with nobody beside,
    unless both runs would take longer than `within_s`.
    """
    started_s = time.monotonic()
    cpu_s = job.limits.cpu_s
    first = execute(replace(job, limits=replace(job.limits, cpu_s=cpu_s * NEAR)))
    is_late = within_s is not None and time.monotonic() - started_s + cpu_s > within_s
    if is_late or not is_near(first, cpu_s):
        return Execution(ending=first, outcome=outcome_of(first, cpu_s=cpu_s))
    second = execute(job, alone=True)
    return Execution(ending=second, outcome=outcome_of(second, cpu_s=cpu_s), was_near=True)


def is_near(ending: Ending, cpu_s: float) -> bool:
    """Whether others may have cost the program the time it lacked, run with NEAR times as much."""
    if ending.kind == "wall_time":
        return ending.cpu_s >= _AWAKE_SHARE * ending.wall_s
    return ending.kind != "cpu_time" and ending.cpu_s > cpu_s


def outcome_of(ending: Ending, *, cpu_s: float) -> CaseOutcome | None:
    """What the ending says of the program; None where it ended by itself with status 0."""
    match ending.kind:
        case "exited":
            if ending.cpu_s > cpu_s:
                return "cpu_time"
            return None if ending.status == 0 else "crashed"
        case "signalled":
            return "crashed"
        case "forbidden_syscall":
            return "forbidden"
        case "cpu_time" | "wall_time" | "memory" | "output" | "processes":
            return ending.kind
        case "not_started":
            raise SandboxUnavailable(ending.note)
        case _:
            assert_never(ending.kind)
