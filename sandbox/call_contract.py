"""What one call may use, and the errors that it ends in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sandbox.contract import MIB, require_finite

__all__ = [
    "CallCrashed",
    "CallError",
    "CallLimits",
    "CallOutOfMemory",
    "CallRaised",
    "CallTimedOut",
    "CallUnavailable",
    "Json",
]

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"


@dataclass(frozen=True, kw_only=True, slots=True)
class CallLimits:
    """What one call may use; `memory_bytes` is counted above what the warm child starts with."""

    cpu_s: float = 2.0
    wall_s: float = 20.0
    memory_bytes: int = 512 * MIB
    output_bytes: int = 65_536

    def __post_init__(self) -> None:
        require_finite(self)


class CallError(Exception):
    """A call that returned no value."""


class CallTimedOut(CallError):
    """The call used up its CPU time: its arguments are at fault."""


class CallOutOfMemory(CallError):
    """The call asked for more memory than its limit: its arguments are at fault."""


class CallCrashed(CallError):
    """The call brought down two fresh children in turn: its arguments are at fault."""


class CallRaised(CallError):
    """The function raised, or its value is not bounded plain JSON: the function is at fault."""


class CallUnavailable(CallError):
    """No child could be had, or none got enough CPU in time: this host is at fault, try again."""
