"""The only room that starts processes, untrusted or merely unbounded; this is its whole door."""

from sandbox.calls import call, close_calls, warm_calls
from sandbox.contract import (
    CallCrashed,
    CallError,
    CallLimits,
    CallOutOfMemory,
    CallRaised,
    CallTimedOut,
    CallUnavailable,
)

__all__ = [
    "CallCrashed",
    "CallError",
    "CallLimits",
    "CallOutOfMemory",
    "CallRaised",
    "CallTimedOut",
    "CallUnavailable",
    "call",
    "close_calls",
    "warm_calls",
]
