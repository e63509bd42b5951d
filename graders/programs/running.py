"""Runs the cases of a task in its mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, assert_never

from graders.programs.asserted import asserts_trial
from graders.programs.builds import NotCompiled, build
from graders.programs.calling import function_job, judge_call
from graders.programs.execution import execute, executed_fairly
from graders.programs.limits import case_limits
from graders.programs.results import CaseResult
from graders.programs.stdio import last_words, stdio_judge
from graders.programs.tasks import AssertTests, FunctionCase, FunctionTests, StdioTests, Tests
from graders.programs.trials import Placed, Trial, placed, try_cases
from sandbox import Job

__all__ = ["trial_of"]

_READ_ONLY: Final = """\
with open("program.py", "rb") as file:
    compile(file.read(), "main.py", "exec", dont_inherit=True)
"""
_NOT_PYTHON: Final = ("SyntaxError:", "IndentationError:", "TabError:")


def trial_of(program: str, tests: Tests, *, to_the_end: bool) -> Trial:
    """Run the program in its cases, to the first failure or to the end.

    NotCompiled where it is no program of its language; TestsAtFault, ToolchainAbsent or
    SandboxUnavailable where it is not the program's fault that nothing can be said of it.
    """
    trial = _trial(program, tests, to_the_end=to_the_end)
    failure = trial.first_failure
    if tests.language == "python" and failure and failure.result.outcome == "crashed":
        _require_syntax(program)
    return trial


def _trial(program: str, tests: Tests, *, to_the_end: bool) -> Trial:
    match tests:
        case StdioTests():
            judge = stdio_judge(build(tests.language, program), tests)
            return try_cases(placed(tests.public, tests.hidden), judge, to_the_end=to_the_end)
        case FunctionTests():
            calls = placed(tests.public, tests.hidden)
            return try_cases(calls, _call_judge(program, tests), to_the_end=to_the_end)
        case AssertTests():
            return asserts_trial(program, tests, to_the_end=to_the_end)
        case _:
            assert_never(tests)


def _call_judge(program: str, tests: FunctionTests) -> Callable[[Placed[FunctionCase]], CaseResult]:
    def judge(placed: Placed[FunctionCase]) -> CaseResult:
        case = placed.case
        limits = case_limits(tests.limits, case.limits, language=tests.language, expected=None)
        execution = executed_fairly(function_job(program, tests, case, limits=limits))
        result = judge_call(case, tests, execution.ending, outcome=execution.outcome)
        return replace(result, near_limit=execution.was_near)

    return judge


def _require_syntax(program: str) -> None:
    """Raise NotCompiled for what is not Python.

    Asked apart from any case: what a program says of itself may be a lie, or a hidden input.
    """
    ending = execute(Job(source=_READ_ONLY, files={"program.py": program.encode()}))
    message = last_words(ending)
    if message.startswith(_NOT_PYTHON):
        raise NotCompiled(message)
