"""What one test case says of a program, and whose fault it is when none can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

__all__ = [
    "CASE_OUTCOMES",
    "SHOWN_BYTES",
    "CaseOutcome",
    "CaseResult",
    "CodeReason",
    "OtherReason",
    "SandboxUnavailable",
    "TestsAtFault",
    "ToolchainAbsent",
]

CaseOutcome: TypeAlias = Literal[
    "passed",
    "wrong_answer",  # another output or value than the expected one
    "crashed",  # an exit status other than 0, a signal, an exception
    "cpu_time",
    "wall_time",
    "memory",
    "output",  # more of it than the limit
    "processes",
    "forbidden",  # a system call that no program makes by accident
    "no_entry",  # the program does not define what the tests call
    "not_plain",  # the value, or what was done with it, cannot leave the program's box
]
CASE_OUTCOMES: Final[tuple[CaseOutcome, ...]] = get_args(CaseOutcome)

SHOWN_BYTES: Final = 2_000
"""Of what a program wrote, where that is shown: the begin of stdout, the end of stderr."""

OtherReason: TypeAlias = Literal[
    "no_program",  # no code in the final part
    "unfinished",  # the thinking never ends
    "compile_error",
    "bad_tests",  # the task's: no output can pass, a checker or the tests themselves fail
    "toolchain_absent",  # ours: the language is not served on this host
    "sandbox_unavailable",  # ours: no box could be had
]
CodeReason: TypeAlias = CaseOutcome | OtherReason


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseResult:
    """What one case found; `credit` is 1 for a pass, 0 for a failure, a checker's score between."""

    outcome: CaseOutcome
    credit: float
    cpu_s: float = 0.0
    wall_s: float = 0.0
    memory_bytes: int | None = None
    difference: str = ""
    """The first thing that differs, or why there is no value; bounded, for public cases only."""
    near_limit: bool = False
    """It was run again alone before a time-out was believed."""
    stdout: bytes = b""
    """What the program wrote, within SHOWN_BYTES; of a call, only what is no answer."""
    stderr: bytes = b""


class TestsAtFault(Exception):
    """The task is at fault: its tests, checker or expected values; the message says how."""

    __test__ = False  # for pytest: not a class of tests


class ToolchainAbsent(Exception):
    """Ours: the language is not served on this host; the message names the remedy."""


class SandboxUnavailable(Exception):
    """Ours: no box could be had, several times; the message is the sandbox's own."""
