"""Mode `stdio`: one process per case, which reads stdin and writes stdout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from graders.programs.builds import Program
from graders.programs.checkers import Opinion, ask_checker
from graders.programs.comparing import output_difference
from graders.programs.execution import executed_fairly
from graders.programs.limits import case_limits
from graders.programs.results import SHOWN_BYTES, CaseResult, TestsAtFault
from graders.programs.tasks import StdioCase, StdioTests
from graders.programs.trials import Placed
from sandbox import Ending

__all__ = ["last_words", "stdio_judge"]

_SHOWN: Final = 200


def stdio_judge(program: Program, tests: StdioTests) -> Callable[[Placed[StdioCase]], CaseResult]:
    """What says of each case how the program did; TestsAtFault where a checker fails."""

    def judge(placed: Placed[StdioCase]) -> CaseResult:
        case = placed.case
        expected = case.stdout if tests.checker is None else None
        limits = case_limits(tests.limits, case.limits, language=tests.language, expected=expected)
        execution = executed_fairly(program.job(stdin=case.stdin.encode(), limits=limits))
        ending = execution.ending
        outcome, credit, difference = execution.outcome, 0.0, last_words(ending)
        if outcome is None:
            credit, difference = _opinion(tests, placed, ending.stdout)
            outcome = "passed" if credit == 1 else "wrong_answer"
        return CaseResult(
            outcome=outcome,
            credit=credit,
            cpu_s=ending.cpu_s,
            wall_s=ending.wall_s,
            memory_bytes=ending.peak_memory_bytes,
            difference=difference,
            near_limit=execution.was_near,
            stdout=ending.stdout[:SHOWN_BYTES],
            stderr=ending.stderr[-SHOWN_BYTES:],
        )

    return judge


def _opinion(tests: StdioTests, placed: Placed[StdioCase], stdout: bytes) -> Opinion:
    case = placed.case
    if tests.checker is None:
        difference = output_difference(stdout, case.stdout or "", tests.compare)
        return Opinion(0.0 if difference else 1.0, difference)
    try:
        return ask_checker(tests.checker, case, stdout)
    except TestsAtFault as fault:
        raise TestsAtFault(f"{placed.name}: {fault}") from None


def last_words(ending: Ending) -> str:
    """The last line of what a program said on stderr, bounded."""
    return ending.stderr.decode(errors="replace").strip().rpartition("\n")[2][:_SHOWN]
