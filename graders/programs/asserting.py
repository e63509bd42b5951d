"""Asserts mode: the tests in one box, the program in another, and nothing but values between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from graders.programs.boxed import driver
from graders.programs.execution import execute_both
from graders.programs.results import CASE_OUTCOMES, CaseOutcome, TestsAtFault
from graders.programs.tasks import AssertTests
from sandbox import Ending, Job, Limits

__all__ = ["AssertRun", "TestResult", "run_asserts"]

_VERDICT: Final = "verdict.json"
_TESTS: Final = "tests.json"
_MIB: Final = 2**20
_MOST_SAID: Final = 600
# What the tests use on their own account, beside what the program makes them use.
_OWN_CPU_S: Final = 5.0
_OWN_MEMORY: Final = 256 * _MIB
_OWN_DISK: Final = 16 * _MIB


@dataclass(frozen=True, kw_only=True, slots=True)
class TestResult:
    """What one test found; `message` may hold what is hidden unless `is_public`."""

    __test__ = False  # for pytest: not a class of tests

    index: int
    name: str
    outcome: CaseOutcome
    message: str
    is_public: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class AssertRun:
    """What one conversation found; a test that is not in `results` has not passed."""

    results: tuple[TestResult, ...]
    planned: int
    """How many tests there are, as far as the tests came; skipped ones are among them."""
    is_complete: bool
    """The tests came to their end."""
    ended_by: Ending | None
    """The ending that explains why they did not: the last result, if there is one, is of the test
    in which it came."""
    compile_error: str
    """The program is no Python, or empty."""
    load_error: str
    """What it raised before any test, or empty."""
    flags: tuple[str, ...]
    candidate: Ending
    tests: Ending


def run_asserts(
    program: str, tests: AssertTests, *, limits: Limits, start: int = 0, alone: bool = False
) -> AssertRun:
    """Have the tests from number `start` on try the program; `limits` are the program's.

    `alone` has no other run beside it. The tests' box has more time and memory than the program's.
    TestsAtFault where the tests are unusable whatever the program is, or none of them ran.
    SandboxUnavailable where a box was not to be had.
    """
    first, second = _tests_job(tests, limits=limits, start=start), _candidate_job(program, limits)
    conversation = execute_both(first, second, alone=alone)
    return _read(conversation.first, conversation.second, start=start)


def _candidate_job(program: str, limits: Limits) -> Job:
    candidate = driver("candidate")
    return Job(
        source=candidate.source,
        files={**candidate.files, "solution.py": program.encode("utf-8", "surrogatepass")},
        limits=limits,
    )


def _tests_job(tests: AssertTests, *, limits: Limits, start: int) -> Job:
    sources = [
        *((f"public {number}", text, True) for number, text in enumerate(tests.public, start=1)),
        *([("source", tests.source, False)] if tests.source.strip() else []),
        *((f"hidden {number}", text, False) for number, text in enumerate(tests.hidden, start=1)),
    ]
    asked = {"setup": tests.setup, "sources": sources, "entry": tests.entry, "start": start}
    tester = driver("tester")
    return Job(
        source=tester.source,
        files={**tester.files, _TESTS: json.dumps(asked).encode()},
        fetch=(_VERDICT,),
        limits=replace(
            limits,
            cpu_s=limits.cpu_s + _OWN_CPU_S,
            wall_s=limits.wall_s + _OWN_CPU_S,
            memory_bytes=limits.memory_bytes + _OWN_MEMORY,
            disk_bytes=limits.disk_bytes + _OWN_DISK,
        ),
    )


def _read(tests: Ending, candidate: Ending, *, start: int) -> AssertRun:
    lines = list(_lines(tests.files.get(_VERDICT, b"")))
    ends = {key: value for line in lines if "test" not in line for key, value in line.items()}
    if "fault" in ends:
        raise TestsAtFault(_text(ends["fault"]))
    results = tuple(_result(line) for line in lines if "test" in line)
    is_complete = ends.get("complete") is True
    if is_complete and not start and not results:
        raise TestsAtFault("none of the tests was run: there is none, or all are skipped")
    return AssertRun(
        results=results,
        planned=int(ends.get("planned", start + len(results))),
        is_complete=is_complete,
        ended_by=None if is_complete else _explaining(tests, candidate),
        compile_error=_text(ends.get("compile_error", "")),
        load_error=_text(ends.get("load_error", "")),
        flags=tuple(map(str, ends.get("flags", ()))),
        candidate=candidate,
        tests=tests,
    )


def _explaining(tests: Ending, candidate: Ending) -> Ending:
    """The tests end by themselves, but where the program had them run into their limits."""
    return candidate if (tests.kind, tests.status) == ("exited", 0) else tests


# Any: the lines are our own driver's, and each is read here.
def _lines(data: bytes) -> Iterator[dict[str, Any]]:
    *whole, _ = data.split(b"\n")
    for line in whole:
        yield json.loads(line)


def _result(line: dict[str, Any]) -> TestResult:
    outcome = line["outcome"]
    return TestResult(
        index=int(line["test"]),
        name=_text(line["name"]),
        outcome=outcome if outcome in CASE_OUTCOMES else "crashed",
        message=_text(line["message"]),
        is_public=line["public"] is True,
    )


def _text(said: object) -> str:
    """Bounded, and text that any encoding has: programs name things by half a character."""
    return str(said)[:_MOST_SAID].encode("utf-8", "backslashreplace").decode()
