"""open-instruct's code API: `--code_api_url`, a program and its tests a request."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import orjson
from pydantic import JsonValue

from graders.contract import GraderCall
from service.items import Answer
from service.wires.contract import NotForUs, Question, Recipe, Route
from service.wires.fields import number_at, object_of, unquoted
from service.wires.texts import text_at

__all__ = ["ROUTES"]

_GRADERS: Final = (
    GraderCall(name="code", options={"extract": "whole", "scoring": "fraction", "run_all": True}),
)
_EXPECTED: Final = "program, tests, max_execution_time"
_AS_JSON: Final = (
    "write a list of tests, or its JSON text: what is pickled is code and not read, so turn it into"
    " JSON once, by open_instruct's decode_tests and json.dumps"
)
_LONGEST_S: Final = 300.0
_MOST_TESTS: Final = 1_000
_TOGETHER: Final = 10
"""Cases that are run in a row, each in a process and with a time of its own."""
_MARGIN_S: Final = 3.0
_NO_TIME_S: Final = -1.0


class _Found(NamedTuple):
    """What one test found, and how long the program took."""

    passed: bool
    cpu_s: float


# Any: the JSON of a request.
def _read_asserts(body: Any, _recipe: Recipe) -> Question:
    """Each test by itself: the time that a caller names is for one."""
    body = object_of(body, _EXPECTED)
    tests = [text_at(f"tests.{n}", test) for n, test in enumerate(_tests(body))]
    return _question(body, [{"mode": "asserts", "hidden": [test]} for test in tests])


# Any: the JSON of a request.
def _read_stdio(body: Any, _recipe: Recipe) -> Question:
    body = object_of(body, _EXPECTED)
    cases = [_case(f"tests.{n}", test) for n, test in enumerate(_tests(body))]
    parts = [cases[start : start + _TOGETHER] for start in range(0, len(cases), _TOGETHER)]
    return _question(body, [{"mode": "stdio", "hidden": part} for part in parts])


# Any: the JSON of a request.
def _tests(body: Mapping[str, Any]) -> list[Any]:
    tests = unquoted("tests", body.get("tests"), _AS_JSON)
    if not isinstance(tests, list):
        raise NotForUs(f"tests: {_AS_JSON}")
    if not 0 < len(tests) <= _MOST_TESTS:
        raise NotForUs(f"tests: {len(tests)} of them, 1 to {_MOST_TESTS} are expected")
    return tests


# Any: the JSON of a test.
def _case(field: str, value: Any) -> Mapping[str, JsonValue]:
    case = object_of(value, f"{field}: input and output")
    return {
        "stdin": text_at(f"{field}.input", case.get("input")),
        "stdout": text_at(f"{field}.output", case.get("output")),
    }


def _question(body: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> Question:
    program = text_at("program", body.get("program"))
    most_s = number_at(body, "max_execution_time", usual=1.0, within=(0.0).__lt__)
    limits = {"cpu_s": min(most_s, _LONGEST_S)}
    items = [
        {"completion": program, "reference": {"tests": {**part, "limits": limits}}}
        for part in parts
    ]
    tell = partial(_told, [len(part["hidden"]) for part in parts])
    # As long as its caller waits.
    clock_s = max(30.0, min(300.0, 10 * most_s))
    return Question(items, tell, _GRADERS, patience_s=clock_s - _MARGIN_S)


def _told(lengths: Sequence[int], answers: Sequence[Answer]) -> bytes:
    found = [
        one for length, answer in zip(lengths, answers, strict=True) for one in _of(answer, length)
    ]
    results = [int(one.passed) for one in found]
    runtimes = [one.cpu_s if one.passed else _NO_TIME_S for one in found]
    return orjson.dumps({"results": results, "runtimes": runtimes})


def _of(answer: Answer, length: int) -> list[_Found]:
    """Whether each test has passed: all of its results have, and there is one."""
    grade = orjson.loads(answer.verdict)["grades"][0]
    by_test: dict[str, list[Mapping[str, Any]]] = {
        name: list(results)
        for name, results in itertools.groupby(grade["detail"].get("results", []), key=_name)
    }
    return [_summed(by_test.get(f"hidden {n}", [])) for n in range(1, length + 1)]


# Any: a test's result in a grade of `code`.
def _name(result: Mapping[str, Any]) -> str:
    return str(result["case"]).partition(",")[0]


def _summed(results: Sequence[Mapping[str, Any]]) -> _Found:
    passed = bool(results) and all(result["outcome"] == "passed" for result in results)
    return _Found(passed, max((result["cpu_s"] for result in results), default=0.0))


def _routes(prefix: str) -> tuple[Route, Route]:
    wire = "open_instruct"
    return (
        Route(wire, f"{prefix}/test_program", _read_asserts, patience_s=27.0),
        Route(wire, f"{prefix}/test_program_stdio", _read_stdio, patience_s=27.0),
    )


ROUTES: Final = (*_routes(""), *_routes("/compat/open_instruct"))
