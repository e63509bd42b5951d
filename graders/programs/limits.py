"""From what a task says of its limits to what the sandbox is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from graders.programs.languages import scaled_cpu_s
from graders.programs.tasks import LanguageName, TaskLimits
from sandbox import Limits

__all__ = ["MIB", "case_limits", "limits_of"]

MIB: Final = 2**20
_WALL_MULTIPLE: Final = 4.0
_SHORTEST_WALL_S: Final = 2.0
_FREE_OUTPUT_BYTES: Final = 16 * MIB
"""Of a program whose output is unlike anything that is known: a checker decides about it."""


def case_limits(
    task: TaskLimits, case: TaskLimits | None, *, language: LanguageName, expected: str | None
) -> Limits:
    """The limits of one case: its own, else the task's, else ours.

    CPU time that was chosen for another language is scaled to this one.
    Without a limit of its own, output may be a MiB more than twice what is expected: more of it
    cannot be right, and less must be compared.
    """
    merged = task
    if case is not None:
        merged = task.model_copy(update=case.model_dump(exclude_none=True))
    if merged.cpu_s and merged.calibrated_for:
        cpu_s = scaled_cpu_s(merged.cpu_s, language=language, calibrated_for=merged.calibrated_for)
        merged = merged.model_copy(update={"cpu_s": cpu_s})
    output = _FREE_OUTPUT_BYTES if expected is None else MIB + 2 * len(expected.encode())
    return limits_of(Limits(output_bytes=output), merged)


def limits_of(defaults: Limits, task: TaskLimits) -> Limits:
    """The defaults, but for what the task says."""
    cpu_s = task.cpu_s or defaults.cpu_s
    wall_s = task.wall_s or max(_SHORTEST_WALL_S, _WALL_MULTIPLE * cpu_s)
    return replace(
        defaults,
        cpu_s=cpu_s,
        wall_s=wall_s,
        memory_bytes=_mib(task.memory_mb, defaults.memory_bytes),
        processes=task.pids or defaults.processes,
        disk_bytes=_mib(task.disk_mb, defaults.disk_bytes),
        inodes=task.inodes or defaults.inodes,
        output_bytes=task.output_bytes or defaults.output_bytes,
    )


def _mib(given: int | None, default: int) -> int:
    return default if given is None else given * MIB
