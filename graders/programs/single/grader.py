"""The grader `run`: a program is worth 1 if it ends well, and the grade tells what it wrote."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple, get_args

from pydantic import JsonValue

from graders.contract import Grade, Judges, Lane, Outcome, ScoreRange
from graders.extract import code_blocks, final_part, last_block, shortened
from graders.programs.builds import NotCompiled, build
from graders.programs.compiling import LIMITS, Program
from graders.programs.execution import Execution, executed_fairly
from graders.programs.languages import LANGUAGES
from graders.programs.limits import MIB, case_limits
from graders.programs.reports import isolation_detail
from graders.programs.results import SandboxUnavailable, ToolchainAbsent
from graders.programs.single.asking import RunOptions, RunReference
from graders.programs.single.telling import RunReason, compile_detail, reason_of, run_detail
from sandbox import Limits

__all__ = ["RunGrader"]

_NAME: Final = "run"
_VERSION: Final = "1"
_FETCH_BYTES: Final = 4 * MIB
_WALL_MULTIPLE: Final = 2.0
_TIMES: Final = frozenset({"cpu_time", "wall_time"})


class _Found(NamedTuple):
    """The program of a text, or the reason why there is none."""

    program: str
    reason: RunReason | None = None


class RunGrader:
    """Runs a program once and tells what it wrote; pays for the exit status 0."""

    name: str = _NAME
    version: str = _VERSION
    lane: Lane = "code"
    judges: Judges = "answer"
    score_range: ScoreRange = ScoreRange(0.0, 1.0)
    reasons: tuple[str, ...] = get_args(RunReason)
    Options = RunOptions
    Reference = RunReference

    def grade(self, text: str, reference: RunReference, options: RunOptions) -> Grade:
        """Run the program in the text; what is our fault ends as `failed`, never as a number."""
        found = _found(text, reference, options)
        if found.reason is not None:
            return _grade("graded", found.reason, score=0.0)
        clash = _clash(found.program, reference)
        return _unplaced(clash) if clash else _graded(found.program, reference)

    def validate(self, reference: RunReference, options: RunOptions) -> Grade:
        """Say whether a program can be given all of it; there is none to try."""
        clash = _clash("", reference)
        if clash:
            return _unplaced(clash)
        return _grade("graded", "finished", score=1.0, flags=("no_solution",))

    def lowest(self, options: RunOptions) -> float:
        """Nothing earns less than a program that crashes."""
        return self.score_range.low

    def essence(self, text: str, options: RunOptions) -> str:
        """The text, or the code of its final part: equal ones that run at once are run once."""
        if options.extract == "whole":
            return text
        part = final_part(text)
        return json.dumps(code_blocks(part.text)) if part.finished else "unfinished"

    def warm_up(self) -> None:
        """Nothing: a box is warm once the sandbox was tried out, and a language once it is used."""


def _found(text: str, reference: RunReference, options: RunOptions) -> _Found:
    program: str | None = text
    if options.extract == "last_block":
        part = final_part(text)
        if not part.finished:
            return _Found("", "unfinished")
        program = last_block(part.text, LANGUAGES[reference.language].tags)
    return _Found(program) if program and program.strip() else _Found("", "no_program")


def _clash(program: str, reference: RunReference) -> str:
    """Which file would have to be a folder, too, if one would."""
    language = LANGUAGES[reference.language]
    ours = {language.names_of(program).file, *language.tools, language.artifact} - {""}
    return _folder_and_file({*reference.files, *(ours if language.run else ())})


def _folder_and_file(names: Iterable[str]) -> str:
    names = set(names)
    for name in sorted(names):
        folder, slash, _ = name.rpartition("/")
        while slash:
            if folder in names:
                return f"{folder!r} is a file and the folder of {name!r}"[:300]
            folder, slash, _ = folder.rpartition("/")
    return ""


def _unplaced(clash: str) -> Grade:
    return _grade("ungradable", "bad_files", detail={"field": "files", "message": clash})


def _graded(source: str, reference: RunReference) -> Grade:
    try:
        program = _built(source, reference)
        execution = _executed(program, reference)
    except NotCompiled as error:
        return _of_fault(error, source)
    except ToolchainAbsent as error:
        return _grade("failed", "toolchain_absent", detail={"message": str(error)})
    except SandboxUnavailable as error:
        return _grade("failed", "sandbox_unavailable", detail={"message": str(error)})
    reason = reason_of(execution)
    return _grade(
        "graded",
        reason,
        score=float(reason == "finished"),
        extracted=shortened(source),
        flags=("near_limit",) if execution.was_near else (),
        detail={
            "language": reference.language,
            **run_detail(execution),
            "compile": compile_detail(program.compilation),
            "isolation": isolation_detail(),
        },
    )


def _built(source: str, reference: RunReference) -> Program:
    """The program, which at any rate has the files beside it."""
    limits = replace(
        LIMITS, cpu_s=reference.compile_s, wall_s=_WALL_MULTIPLE * max(1.0, reference.compile_s)
    )
    program = build(reference.language, source, files=reference.files, limits=limits)
    return replace(program, files={**reference.files, **program.files})


def _executed(program: Program, reference: RunReference) -> Execution:
    job = program.job(stdin=reference.stdin.encode(), limits=_limits(reference))
    job = replace(job, fetch=tuple(dict.fromkeys(reference.fetch_files)))
    return executed_fairly(job, within_s=reference.within_s)


def _limits(reference: RunReference) -> Limits:
    limits = case_limits(reference.limits, None, language=reference.language, expected="")
    return replace(limits, fetch_bytes=_FETCH_BYTES)


def _of_fault(error: NotCompiled, source: str) -> Grade:
    compilation = error.compilation
    is_late = compilation is not None and compilation.kind in _TIMES
    detail: dict[str, JsonValue] = {
        "message": str(error),
        "compile": compile_detail(compilation),
        "isolation": isolation_detail(),
    }
    reason: RunReason = "compile_time" if is_late else "compile_error"
    return _grade("graded", reason, score=0.0, detail=detail, extracted=shortened(source))


def _grade(
    outcome: Outcome,
    reason: RunReason,
    *,
    score: float | None = None,
    extracted: str | None = None,
    flags: tuple[str, ...] = (),
    detail: Mapping[str, JsonValue] | None = None,
) -> Grade:
    return Grade(
        grader=_NAME,
        version=_VERSION,
        score=score,
        outcome=outcome,
        reason=reason,
        extracted=extracted,
        flags=list(flags),
        detail=dict(detail or {}),
    )
