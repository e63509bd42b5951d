"""Has tests in one box try a program in another, and says what came of it."""

from __future__ import annotations

from textwrap import dedent
from typing import Any, Final

from graders.programs.asserting import AssertRun, run_asserts
from graders.programs.tasks import AssertTests
from sandbox import Limits

__all__ = ["LIMITS", "failures", "outcomes", "passes", "tried"]

LIMITS: Final = Limits(cpu_s=1.0, wall_s=8.0, memory_bytes=256 * 2**20)


# Any: tests as a client writes them.
def tried(program: str, source: str = "", *, start: int = 0, **tests: Any) -> AssertRun:
    """The run of these tests against this program."""
    written = {"mode": "asserts", "source": dedent(source), **tests}
    read = AssertTests.model_validate(written)
    return run_asserts(dedent(program), read, limits=LIMITS, start=start)


def outcomes(run: AssertRun) -> list[str]:
    """The outcome of each test."""
    return [result.outcome for result in run.results]


def failures(run: AssertRun) -> list[str]:
    """What did not pass, in words that tell why; and how the run ended, where that was early."""
    found = [f"{r.name}: {r.outcome}: {r.message}" for r in run.results if r.outcome != "passed"]
    if not run.is_complete:
        said = run.candidate.stderr[-300:].decode(), run.tests.stderr[-1_000:].decode()
        found.append(f"early: {run.compile_error}{run.load_error}{said}")
    return found


def passes(run: AssertRun) -> bool:
    """Whether every test ran and passed."""
    return run.is_complete and bool(run.results) and not failures(run)
