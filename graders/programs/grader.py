"""The code grader: a program is worth what it does in the cases of its task."""

from __future__ import annotations

import json
from typing import Final, NamedTuple, get_args

from pydantic import JsonValue

from graders.contract import Grade, Judges, Lane, Outcome, ScoreRange
from graders.extract import code_blocks, final_part, last_block, shortened
from graders.programs.builds import NotCompiled
from graders.programs.faults import faults_of
from graders.programs.languages import LANGUAGES
from graders.programs.offers import known_version
from graders.programs.options import CodeOptions
from graders.programs.reports import detail_of
from graders.programs.results import (
    CASE_OUTCOMES,
    CodeReason,
    OtherReason,
    SandboxUnavailable,
    TestsAtFault,
    ToolchainAbsent,
)
from graders.programs.running import trial_of
from graders.programs.tasks import Checker, CodeReference, LanguageName, Scoring, Tests
from graders.programs.trials import Trial, score_of

__all__ = ["CodeGrader"]

_NAME: Final = "code"
_VERSION: Final = "1"
_SHOWN_CHARS: Final = 2_000


class _Found(NamedTuple):
    """The program of a text, or the reason why there is none."""

    program: str
    reason: CodeReason | None = None


class CodeGrader:
    """Pays for a program that passes its task's tests, of which it never holds an answer."""

    name: str = _NAME
    version: str = _VERSION
    lane: Lane = "code"
    judges: Judges = "answer"
    score_range: ScoreRange = ScoreRange(0.0, 1.0)
    reasons: tuple[str, ...] = (*CASE_OUTCOMES, *get_args(OtherReason))
    Options = CodeOptions
    Reference = CodeReference

    def grade(self, text: str, reference: CodeReference, options: CodeOptions) -> Grade:
        """Grade the program in the text; what is our fault ends as `failed`, never as a number."""
        found = _found(text, options, tests=reference.tests)
        if found.reason is not None:
            return _grade("graded", found.reason, score=0.0)
        return _graded(found.program, reference.tests, options)

    def validate(self, reference: CodeReference, options: CodeOptions) -> Grade:
        """Have the solution pass every case; without one, name the tests that nothing can pass."""
        if reference.solution is None:
            fault = faults_of(reference.tests)
            if fault:
                return _grade("ungradable", "bad_tests", detail={"message": fault})
            return _grade("graded", "passed", score=1.0, flags=("no_solution",))
        program = reference.solution
        if code_blocks(program):
            found = _found(program, CodeOptions(), tests=reference.tests)
            program = found.program or program
        return _graded(program, reference.tests, options.model_copy(update={"run_all": True}))

    def lowest(self, options: CodeOptions) -> float:
        """Nothing earns less than a wrong answer."""
        return self.score_range.low

    def essence(self, text: str, options: CodeOptions) -> str:
        """The code of the final part: texts that hold the same get the same grade."""
        part = final_part(text)
        if not part.finished:
            return "unfinished"
        # With every block, as which one is the program depends on the task's language.
        return json.dumps([part.text] if options.extract == "whole" else code_blocks(part.text))

    def tools(self, reference: CodeReference) -> str:
        """The versions of the toolchains of the program and of its checker."""
        languages: list[LanguageName] = [reference.tests.language]
        checker = getattr(reference.tests, "checker", None)
        if isinstance(checker, Checker):
            languages.append(checker.language)
        try:
            return "\n".join(known_version(language) for language in languages)
        except (SandboxUnavailable, ToolchainAbsent):
            return ""

    def warm_up(self) -> None:
        """Nothing: a box is warm once the sandbox was tried out, and a language once it is used."""


def _found(text: str, options: CodeOptions, *, tests: Tests) -> _Found:
    part = final_part(text)
    if not part.finished:
        return _Found("", "unfinished")
    program: str | None = part.text.replace("\r\n", "\n")
    if options.extract == "last_block":
        program = last_block(part.text, LANGUAGES[tests.language].tags)
    if program is None or not program.strip():
        return _Found("", "no_program")
    return _Found(program)


def _graded(program: str, tests: Tests, options: CodeOptions) -> Grade:
    try:
        fault = faults_of(tests)
        if fault:
            raise TestsAtFault(fault)
        trial = trial_of(program, tests, to_the_end=options.run_all or _counts_all(tests, options))
    except TestsAtFault as error:
        return _grade("ungradable", "bad_tests", detail={"message": shortened(str(error), 1_000)})
    except NotCompiled as error:
        message: dict[str, JsonValue] = {"message": shortened(str(error), _SHOWN_CHARS)}
        shown = shortened(program)
        return _grade("graded", "compile_error", score=0.0, detail=message, extracted=shown)
    except ToolchainAbsent as error:
        return _grade("failed", "toolchain_absent", detail={"message": str(error)})
    except SandboxUnavailable as error:
        return _grade("failed", "sandbox_unavailable", detail={"message": str(error)})
    return _of_trial(program, trial, tests=tests, options=options)


def _scoring(tests: Tests, options: CodeOptions) -> Scoring:
    return options.scoring or tests.scoring or "all"


def _counts_all(tests: Tests, options: CodeOptions) -> bool:
    return _scoring(tests, options) != "all"


def _of_trial(program: str, trial: Trial, *, tests: Tests, options: CodeOptions) -> Grade:
    scoring = _scoring(tests, options)
    failure = trial.first_failure
    flags = set(trial.flags)
    if trial.is_public_only:
        flags.add("public_only")
    if any(one.result.near_limit for one in trial.tried):
        flags.add("near_limit")
    return _grade(
        "graded",
        "passed" if failure is None else failure.result.outcome,
        score=score_of(trial, scoring),
        extracted=shortened(program),
        flags=tuple(sorted(flags)),
        detail=detail_of(trial, tests=tests, scoring=scoring, show_output=options.show_output),
    )


def _grade(
    outcome: Outcome,
    reason: CodeReason,
    *,
    score: float | None = None,
    extracted: str | None = None,
    flags: tuple[str, ...] = (),
    detail: dict[str, JsonValue] | None = None,
) -> Grade:
    return Grade(
        grader=_NAME,
        version=_VERSION,
        score=score,
        outcome=outcome,
        reason=reason,
        extracted=extracted,
        flags=list(flags),
        detail=detail or {},
    )
