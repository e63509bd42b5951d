"""What a check is, and what the checks are made of: runs, and sentences about how they ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from sandbox.contract import (
    OWN_FAULTS,
    Backend,
    Conversation,
    Ending,
    EndingKind,
    Job,
    LayerName,
    Limits,
)

__all__ = [
    "MIB",
    "ROOMY",
    "Check",
    "Proof",
    "Result",
    "Unexpected",
    "at_once",
    "breaches",
    "contained",
    "converse",
    "described",
    "ended",
    "holds",
    "prints",
    "prove_all",
    "run",
]

MIB: Final = 2**20
ROOMY: Final = Limits(cpu_s=10, wall_s=30)
"""For programs that are not about time: a busy host is not to stop them."""
_MOST_TEXT: Final = 300

Proof: TypeAlias = Callable[[Backend], str | None]
"""None when the promise is kept, else one sentence of what was seen."""


class Unexpected(Exception):
    """A run did not get as far as what its check looks at; the message says how it ended."""


@dataclass(frozen=True, slots=True)
class Check:
    """One promise of every backend, the layer that mainly keeps it, and how it is proved."""

    name: str
    layer: LayerName | Literal["contract"]
    prove: Proof
    promise: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one check on one backend."""

    check: Check
    passed: bool
    found: str
    """What was seen, where the promise was not kept."""
    seconds: float


def prove_all(backend: Backend, checks: Iterable[Check]) -> Iterator[Result]:
    """Carry out one check after another, each result as soon as it is known."""
    for check in checks:
        started = time.monotonic()
        try:
            found = check.prove(backend)
        # A ValueError or TypeError is an ending that is not as the contract says.
        except (Unexpected, OSError, ValueError, TypeError, AttributeError, LookupError) as error:
            found = str(error) if isinstance(error, Unexpected) else repr(error)
        yield Result(check, found is None, found or "", time.monotonic() - started)


def holds(backend: Backend, layer: LayerName) -> bool:
    """Whether the backend says that it has this layer: without it less can be demanded."""
    return all(missing.name != layer for missing in backend.isolation().missing)


def run(backend: Backend, job: Job) -> Ending:
    """Run the job; Unexpected where it could not be started."""
    return _begun(backend.run(job))


def converse(backend: Backend, first: Job, second: Job) -> Conversation:
    """Run both, talking; Unexpected where one of them could not be started."""
    endings = backend.converse(first, second)
    return Conversation(_begun(endings.first), _begun(endings.second))


def _begun(ending: Ending) -> Ending:
    if ending.kind in OWN_FAULTS:
        raise Unexpected(f"{ending.kind}: {ending.note or 'no note says why'}")
    return ending


def at_once(backend: Backend, jobs: Sequence[Job]) -> list[Ending]:
    """Run the jobs at the same time, as far as the backend has slots; endings in the same order."""
    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(lambda job: run(backend, job), jobs))


def described(ending: Ending) -> str:
    """The ending in one sentence."""
    parts = [f"it ended {ending.kind}"]
    if ending.status is not None:
        parts.append(f"with status {ending.status}")
    if ending.signal is not None:
        parts.append(f"by signal {ending.signal}")
    parts.append(f"after {ending.wall_s:.2f} s ({ending.cpu_s:.2f} s of CPU)")
    for name, written in (("stdout", ending.stdout), ("stderr", ending.stderr)):
        if written:
            parts.append(f"{name} {_tail(written)!r}")
    return ", ".join(parts)


def _tail(written: bytes) -> str:
    return written.decode(errors="replace").strip()[-_MOST_TEXT:]


def ended(ending: Ending, *kinds: EndingKind) -> str | None:
    """None where the run ended in one of these ways."""
    return None if ending.kind in kinds else f"{described(ending)}, not {' or '.join(kinds)}"


def breaches(ending: Ending) -> str | None:
    """None where the program tried everything and got nothing.

    Such a program prints a line for each thing that it should not have got, then `end`.
    """
    *got, last = ending.stdout.decode(errors="replace").split("\n")[:-1] or [""]
    if ending.kind != "exited" or ending.status != 0 or last != "end":
        return described(ending)
    return f"the program got: {'; '.join(got)[:_MOST_TEXT]}" if got else None


def contained(source: str, *, limits: Limits = ROOMY, runs: int = 1) -> Proof:
    """A proof that the program gets nothing, in any of so many runs one after another."""

    def prove(backend: Backend) -> str | None:
        job = Job(source=source, limits=limits)
        return next(filter(None, (breaches(run(backend, job)) for _ in range(runs))), None)

    return prove


def prints(source: str, expected: str, *, stdin: bytes = b"", limits: Limits = ROOMY) -> Proof:
    """A proof that an honest program ends with 0 and has printed just this."""

    def prove(backend: Backend) -> str | None:
        ending = run(backend, Job(source=source, stdin=stdin, limits=limits))
        well = ending.kind == "exited" and ending.status == 0
        as_expected = well and ending.stdout == expected.encode()
        return None if as_expected else f"{described(ending)}, not stdout {expected[:80]!r}"

    return prove
