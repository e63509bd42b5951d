"""What a slot's owner and its warm parent say to each other, over one socket of whole messages.

The owner sends a `Command`, with descriptors; the warm parent answers each RUN with one `Report`
when every process of the run is dead, each MEASURE with one `Usage`, and KILL with the report.
What to run stands in a plan: a memory file that only the run's own process reads.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, NamedTuple, TypeAlias

__all__ = [
    "LARGEST_MESSAGE",
    "MOST_DESCRIPTORS",
    "Command",
    "Plan",
    "Report",
    "SlotSetup",
    "Usage",
    "Verb",
    "answer_of",
    "load_plan",
    "plan_bytes",
]

LARGEST_MESSAGE: Final = 65_536
MOST_DESCRIPTORS: Final = 16

Verb: TypeAlias = Literal["run", "kill", "measure"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotSetup:
    """The first message: how the namespaces of a slot are to be, for all of its runs."""

    uid: int
    gid: int
    in_user_namespace: bool
    readable: Sequence[str]
    preload: Sequence[str]
    filters: Sequence[str]
    """Of system calls, in hexadecimal; the last one is for a root that other slots share."""
    without: Sequence[str] = ()
    """Layers left out: for the tests that prove that this would be noticed."""

    def packed(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def unpacked(cls, data: bytes) -> SlotSetup:
        return cls(**json.loads(data))


class Command(NamedTuple):
    """One message of the owner; sizes matter to `run` only."""

    verb: Verb
    size_bytes: int = 0
    inodes: int = 0

    def packed(self) -> bytes:
        return json.dumps(self).encode()

    @classmethod
    def unpacked(cls, data: bytes) -> Command:
        return cls(*json.loads(data))


class Usage(NamedTuple):
    """What the processes of a run use at the moment, counted one by one."""

    cpu_s: float
    memory_bytes: int
    tasks: int

    def packed(self) -> bytes:
        return json.dumps(["usage", *self]).encode()


class Report(NamedTuple):
    """How the run's first process ended; `failure` says why it never began, and is empty else."""

    wait_status: int
    cpu_s: float
    failure: str

    def packed(self) -> bytes:
        return json.dumps(["report", *self]).encode()


def answer_of(data: bytes) -> Report | Usage:
    """What the warm parent packed."""
    kind, *fields = json.loads(data)
    return Usage(*fields) if kind == "usage" else Report(*fields)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What the run's own process does once it is in its box."""

    argv: Sequence[str]
    """Empty: the file `main.py` is run by the warm interpreter itself."""
    rlimits: Mapping[int, int]
    files: Mapping[str, bytes]


_LENGTH: Final = struct.Struct("!I")


def plan_bytes(plan: Plan) -> bytes:
    """The plan as a header in JSON and the files after it, as they are."""
    sizes = [[name, len(data)] for name, data in plan.files.items()]
    header = json.dumps([list(plan.argv), list(plan.rlimits.items()), sizes]).encode()
    return b"".join((_LENGTH.pack(len(header)), header, *plan.files.values()))


def load_plan(data: bytes) -> Plan:
    """What `plan_bytes` was given."""
    (length,) = _LENGTH.unpack_from(data)
    position = _LENGTH.size + length
    # Any: a header that plan_bytes wrote.
    header: Any = json.loads(data[_LENGTH.size : position])
    argv, rlimits, sizes = header
    files = {}
    for name, size in sizes:
        files[name] = data[position : position + size]
        position += size
    return Plan(argv=argv, rlimits={number: value for number, value in rlimits}, files=files)
