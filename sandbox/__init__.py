"""The only room that starts processes, untrusted or merely unbounded; this is its whole door."""

from sandbox.call_contract import (
    CallCrashed,
    CallError,
    CallLimits,
    CallOutOfMemory,
    CallRaised,
    CallTimedOut,
    CallUnavailable,
)
from sandbox.calls import call, close_calls, warm_calls
from sandbox.contract import (
    LAYERS,
    OWN_FAULTS,
    Conversation,
    Ending,
    EndingKind,
    Floor,
    Isolation,
    Job,
    Layer,
    Limits,
    SandboxOptions,
)
from sandbox.runs import close_runs, converse, isolation, open_runs, run

__all__ = [
    "LAYERS",
    "OWN_FAULTS",
    "CallCrashed",
    "CallError",
    "CallLimits",
    "CallOutOfMemory",
    "CallRaised",
    "CallTimedOut",
    "CallUnavailable",
    "Conversation",
    "Ending",
    "EndingKind",
    "Floor",
    "Isolation",
    "Job",
    "Layer",
    "Limits",
    "SandboxOptions",
    "call",
    "close_calls",
    "close_runs",
    "converse",
    "isolation",
    "open_runs",
    "run",
    "warm_calls",
]
