"""What a run came to: its reason, and all that the program wrote."""

from __future__ import annotations

import base64
from typing import Final, Literal, TypeAlias

from pydantic import JsonValue

from graders.programs.compiling import Compilation
from graders.programs.execution import Execution
from graders.programs.results import CaseOutcome

__all__ = ["RunReason", "compile_detail", "reason_of", "run_detail"]

RunReason: TypeAlias = Literal[
    "finished",  # with the exit status 0
    "crashed",  # another exit status, a signal
    "cpu_time",
    "wall_time",
    "memory",
    "output",
    "processes",
    "forbidden",
    "compile_error",
    "compile_time",  # the compiler took too long
    "no_program",  # nothing but white space, or no code in the final part
    "unfinished",  # the thinking never ends
    "bad_files",  # the task's: two files cannot have these names
    "toolchain_absent",  # ours
    "sandbox_unavailable",  # ours
]
_REASONS: Final[dict[CaseOutcome | None, RunReason]] = {
    None: "finished",
    "crashed": "crashed",
    "cpu_time": "cpu_time",
    "wall_time": "wall_time",
    "memory": "memory",
    "output": "output",
    "processes": "processes",
    "forbidden": "forbidden",
}
_FLOOD_BYTES: Final = 2**16
"""What is told of each stream that flows without end: nobody waits for the rest of it."""


def reason_of(execution: Execution) -> RunReason:
    """How the run ended, in a word."""
    return _REASONS[execution.outcome]


def run_detail(execution: Execution) -> dict[str, JsonValue]:
    """What the program wrote, how it ended and what it used."""
    ending = execution.ending
    most = _FLOOD_BYTES if ending.kind == "output" else None
    files: dict[str, JsonValue] = {
        name: base64.b64encode(content).decode() for name, content in ending.files.items()
    }
    unfetched: dict[str, JsonValue] = {**ending.unfetched}
    return {
        "ending": ending.kind,
        "status": ending.status,
        "signal": ending.signal,
        "stdout": ending.stdout[:most].decode(errors="replace"),
        "stderr": ending.stderr[:most].decode(errors="replace"),
        "truncated": ending.stdout_truncated or ending.stderr_truncated,
        "cpu_s": round(ending.cpu_s, 4),
        "wall_s": round(ending.wall_s, 4),
        "memory_bytes": ending.peak_memory_bytes,
        "files": files,
        "unfetched": unfetched,
    }


def compile_detail(compilation: Compilation | None) -> dict[str, JsonValue] | None:
    """What the compiler said, how it ended and what it used; None where there is none to ask."""
    if compilation is None:
        return None
    return {
        "ending": compilation.kind,
        "status": compilation.status,
        "stdout": compilation.stdout,
        "stderr": compilation.stderr,
        "cpu_s": round(compilation.cpu_s, 4),
        "wall_s": round(compilation.wall_s, 4),
    }
