"""What is wrong with the tests of a task, as far as can be told without running anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from graders.programs.comparing import output_difference
from graders.programs.limits import case_limits
from graders.programs.plain import NotPlain, difference, from_json, impossible
from graders.programs.tasks import (
    AssertTests,
    FunctionCase,
    FunctionTests,
    StdioCase,
    StdioTests,
    Tests,
    Tolerance,
)
from graders.programs.trials import Placed, placed

__all__ = ["faults_of"]

_MOST_NAMED: Final = 5


def faults_of(tests: Tests) -> str:
    """The cases that no program can pass, each with the reason; empty where there is none."""
    if isinstance(tests, AssertTests):
        return ""
    found = list(_stdio(tests) if isinstance(tests, StdioTests) else _function(tests))
    more = f"; and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return "; ".join(found[:_MOST_NAMED]) + more


def _stdio(tests: StdioTests) -> Iterator[str]:
    if tests.checker is not None:
        return
    first: dict[str, Placed[StdioCase]] = {}
    for one in placed(tests.public, tests.hidden):
        expected = one.case.stdout or ""
        limits = case_limits(
            tests.limits, one.case.limits, language=tests.language, expected=expected
        )
        if len(expected.encode()) > limits.output_bytes:
            yield f"{one.name}: the expected output is longer than output_bytes"
        earlier = first.setdefault(one.case.stdin, one)
        if output_difference((earlier.case.stdout or "").encode(), expected, tests.compare):
            yield f"{one.name}: asks for another output than {earlier.name} of the same stdin"


def _function(tests: FunctionTests) -> Iterator[str]:
    if not all(part.isidentifier() for part in tests.entry.split(".")):
        yield f"entry: {tests.entry[:60]!r} is no name of a function"
    first: dict[str, Placed[FunctionCase]] = {}
    for one in placed(tests.public, tests.hidden):
        fault = _unusable(one.case, tests)
        if fault:
            yield f"{one.name}: {fault}"
            continue
        asked = json.dumps([one.case.args, one.case.kwargs], sort_keys=True)
        earlier = first.setdefault(asked, one)
        if _contradict(earlier.case, one.case, tests):
            yield f"{one.name}: asks for another result than {earlier.name} of the same call"


def _unusable(case: FunctionCase, tests: FunctionTests) -> str:
    try:
        for value in (case.args, case.kwargs):
            from_json(value)
        if case.raises is not None:
            return ""
        return impossible(from_json(case.expected))
    except NotPlain as error:
        return str(error)


def _contradict(one: FunctionCase, other: FunctionCase, tests: FunctionTests) -> bool:
    if one is other:
        return False
    if one.raises is not None or other.raises is not None:
        # One exception may be a kind of the other.
        return (one.raises is None) != (other.raises is None)
    tolerance = tests.compare if isinstance(tests.compare, Tolerance) else None
    values = from_json(one.expected), from_json(other.expected)
    return bool(difference(*values, tolerance=tolerance, types=tests.types))
