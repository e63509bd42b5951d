"""Function mode: one call into a box, one value out of it, compared here."""

from __future__ import annotations

import json
from typing import Final, NamedTuple, TypeAlias, assert_never

from pydantic import JsonValue

from graders.programs.boxed import driver
from graders.programs.plain import (
    NotPlain,
    Tree,
    difference,
    from_json,
    read_json,
    read_tree,
    to_json,
)
from graders.programs.results import SHOWN_BYTES, CaseOutcome, CaseResult, TestsAtFault
from graders.programs.tasks import FunctionCase, FunctionTests, Tolerance
from sandbox import Ending, Job, Limits

__all__ = [
    "Answer",
    "Garbled",
    "NoAnswer",
    "NoEntry",
    "NotCompiled",
    "Raised",
    "Unwritable",
    "Value",
    "function_job",
    "judge_call",
    "read_answer",
]

_MOST_SAID: Final = 300
_MOST_CLASSES: Final = 32


class Value(NamedTuple):
    """The function returned this."""

    tree: Tree


class Raised(NamedTuple):
    """It, or the program before it, raised an exception of these classes, its own one first."""

    classes: tuple[str, ...]
    message: str


class NoEntry(NamedTuple):
    """The program does not define it."""

    reason: str


class Unwritable(NamedTuple):
    """It returned what is not plain data."""

    reason: str


class NotCompiled(NamedTuple):
    """The program is no Python."""

    reason: str


class Garbled(NamedTuple):
    """What came out of the box is no answer."""

    reason: str


class NoAnswer(NamedTuple):
    """The program did not end by itself with status 0."""


Answer: TypeAlias = Value | Raised | NoEntry | Unwritable | NotCompiled | Garbled | NoAnswer


def function_job(program: str, tests: FunctionTests, case: FunctionCase, *, limits: Limits) -> Job:
    """The job that makes the call; TestsAtFault where an argument is no plain data."""
    try:
        args: JsonValue = [to_json(from_json(value)) for value in case.args]
        kwargs: JsonValue = {k: to_json(from_json(value)) for k, value in case.kwargs.items()}
    except NotPlain as error:
        raise TestsAtFault(str(error)) from None
    request = json.dumps(
        {"setup": tests.setup, "entry": tests.entry, "args": args, "kwargs": kwargs}
    )
    once = driver("once")
    return Job(
        source=once.source,
        files={**once.files, "solution.py": program.encode("utf-8", "surrogatepass")},
        stdin=request.encode(),
        limits=limits,
    )


def read_answer(ending: Ending) -> Answer:
    """What the box answered; never raises for what a program writes."""
    if (ending.kind, ending.status) != ("exited", 0):
        return NoAnswer()
    try:
        return _read(read_json(ending.stdout))
    except NotPlain as error:
        return Garbled(str(error))


def _read(frame: JsonValue) -> Answer:
    if not isinstance(frame, dict) or len(frame) != 1:
        return Garbled("not an object with one key")
    ((kind, body),) = frame.items()
    if kind == "value":
        return Value(read_tree(body))
    if kind == "raised":
        return _read_raised(body)
    reason = _text(body)
    match kind:
        case "no_entry":
            return NoEntry(reason)
        case "not_plain":
            return Unwritable(reason)
        case "compile_error":
            return NotCompiled(reason)
        case _:
            return Garbled("an object with an unknown key")


def _read_raised(body: JsonValue) -> Answer:
    said = body if isinstance(body, dict) else {}
    classes = said.get("classes")
    if not isinstance(classes, list):
        return Garbled("an exception without classes")
    names = tuple(_text(name) for name in classes[:_MOST_CLASSES])
    return Raised(names, _text(said.get("message")))


def _text(body: JsonValue) -> str:
    text = body[:_MOST_SAID] if isinstance(body, str) else ""
    return text.encode("utf-8", "backslashreplace").decode()


def judge_call(
    case: FunctionCase, tests: FunctionTests, ending: Ending, *, outcome: CaseOutcome | None
) -> CaseResult:
    """What the case says of a program that ended so; `outcome` where the ending says it already."""
    verdict = _Verdict(outcome, "") if outcome else _judged(case, tests, read_answer(ending))
    return CaseResult(
        outcome=verdict.outcome,
        credit=float(verdict.outcome == "passed"),
        cpu_s=ending.cpu_s,
        wall_s=ending.wall_s,
        memory_bytes=ending.peak_memory_bytes,
        difference=verdict.difference,
        stderr=ending.stderr[-SHOWN_BYTES:],
    )


class _Verdict(NamedTuple):
    outcome: CaseOutcome
    difference: str


def _judged(case: FunctionCase, tests: FunctionTests, answer: Answer) -> _Verdict:
    match answer:
        case Value(tree):
            return _judged_value(case, tests, tree)
        case Raised(classes, message):
            return _judged_exception(case, classes, message=message)
        case NoEntry(reason):
            return _Verdict("no_entry", reason)
        case Unwritable(reason):
            return _Verdict("not_plain", reason)
        case NotCompiled(reason):
            return _Verdict("crashed", reason)
        case Garbled(reason):
            return _Verdict("wrong_answer", f"no answer: {reason}")
        case NoAnswer():
            return _Verdict("crashed", "no answer")
        case _:
            assert_never(answer)


def _judged_value(case: FunctionCase, tests: FunctionTests, tree: Tree) -> _Verdict:
    if case.raises is not None:
        return _Verdict("wrong_answer", f"expected {case.raises[:_MOST_SAID]}, got a value")
    try:
        expected = from_json(case.expected)
    except NotPlain as error:
        raise TestsAtFault(str(error)) from None
    tolerance = tests.compare if isinstance(tests.compare, Tolerance) else None
    found = difference(tree, expected, tolerance=tolerance, types=tests.types)
    if found and tests.unwrap and isinstance(case.expected, list) and len(case.expected) == 1:
        only = from_json(case.expected[0])
        if not difference(tree, only, tolerance=tolerance, types=tests.types):
            return _Verdict("passed", "")
    return _Verdict("wrong_answer" if found else "passed", found)


def _judged_exception(case: FunctionCase, classes: tuple[str, ...], *, message: str) -> _Verdict:
    if case.raises is not None and case.raises.rpartition(".")[2] in classes:
        return _Verdict("passed", "")
    got = f"{classes[0] if classes else 'an exception'}: {message}"
    if case.raises is None:
        return _Verdict("crashed", got)
    return _Verdict("wrong_answer", f"expected {case.raises[:_MOST_SAID]}, got {got}")
