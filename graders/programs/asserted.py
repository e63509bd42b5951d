"""Mode `asserts`, case by case: what the tests found, and what an early end says of the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from graders.programs.asserting import AssertRun, run_asserts
from graders.programs.execution import NEAR, is_near, outcome_of
from graders.programs.limits import case_limits
from graders.programs.results import CaseOutcome, CaseResult
from graders.programs.tasks import AssertTests
from graders.programs.trials import Trial, Tried
from sandbox import Limits

__all__ = ["asserts_trial"]

_LOADING: Final = "loading"


def asserts_trial(program: str, tests: AssertTests, *, to_the_end: bool) -> Trial:
    """Have every test try the program; one that dies in a test is started again for the next."""
    limits = case_limits(tests.limits, None, language=tests.language, expected=None)
    tried: list[Tried] = []
    flags: set[str] = set()
    planned = start = 0
    while True:
        run, was_near = _run_fairly(program, tests, limits=limits, start=start)
        found = list(_tried(run, limits=limits, was_near=was_near))
        tried += found
        flags |= set(run.flags)
        planned = max(planned, run.planned, len(tried))
        if run.is_complete or not run.results or not to_the_end:
            break
        start = run.results[-1].index + 1
    return Trial(
        tried=tuple(tried),
        planned=planned,
        planned_weight=planned,
        flags=frozenset(flags),
    )


def _run_fairly(
    program: str, tests: AssertTests, *, limits: Limits, start: int
) -> tuple[AssertRun, bool]:
    generous = replace(limits, cpu_s=limits.cpu_s * NEAR)
    first = run_asserts(program, tests, limits=generous, start=start)
    if not is_near(first.candidate, limits.cpu_s):
        return first, False
    return run_asserts(program, tests, limits=limits, start=start, alone=True), True


def _tried(run: AssertRun, *, limits: Limits, was_near: bool) -> Iterator[Tried]:
    """Every test that was run; where the program ended in one, that end is what it found."""
    end = _end(run, limits)
    *_, last = run.results or (None,)
    for result in run.results:
        outcome = end if end and result is last else result.outcome
        yield _one(
            run,
            result.name,
            outcome=outcome,
            message=result.message,
            is_public=result.is_public,
            was_near=was_near,
        )
    if end is not None and last is None:
        # Before any test: what it says of itself cannot hold anything of them.
        said = run.compile_error or run.load_error
        yield _one(run, _LOADING, outcome=end, message=said, is_public=True, was_near=was_near)


def _end(run: AssertRun, limits: Limits) -> CaseOutcome | None:
    """How the program ended too early; a pass of every test does not outweigh too much time."""
    if run.ended_by is None:
        is_late = outcome_of(run.candidate, cpu_s=limits.cpu_s) == "cpu_time"
        return "cpu_time" if is_late else None
    return outcome_of(run.ended_by, cpu_s=run.ended_by.cpu_s) or "crashed"


def _one(
    run: AssertRun,
    name: str,
    *,
    outcome: CaseOutcome,
    message: str,
    is_public: bool,
    was_near: bool,
) -> Tried:
    result = CaseResult(
        outcome=outcome,
        credit=float(outcome == "passed"),
        cpu_s=run.candidate.cpu_s,
        wall_s=run.candidate.wall_s,
        memory_bytes=run.candidate.peak_memory_bytes,
        difference=message,
        near_limit=was_near,
    )
    return Tried(name=name, public=is_public, weight=1.0, result=result)
