"""Function mode, in real boxes: one call in, one value out, and nothing else counts."""

from __future__ import annotations

import json
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.programs import boxed
from graders.programs.boxed.plaindata import NotPlain, Reader, Writer, json_bytes
from graders.programs.calling import (
    Garbled,
    NoAnswer,
    NotCompiled,
    Raised,
    Value,
    function_job,
    judge_call,
    read_answer,
)
from graders.programs.execution import outcome_of
from graders.programs.plain import difference, from_json, read_value, to_json
from graders.programs.results import CaseResult, TestsAtFault
from graders.programs.tasks import FunctionTests
from sandbox import Ending, Isolation, Limits, run
from tests.graders.tables import Row, table

_LIMITS: Final = Limits(cpu_s=1.0, wall_s=4.0, memory_bytes=256 * 2**20, output_bytes=2**20)
_NOWHERE: Final = Isolation(backend="none", layers=())
_Point = namedtuple("_Point", "x y")


# Any: a case as a client writes it.
def _tests(case: dict[str, Any], **more: Any) -> FunctionTests:
    written = {"mode": "function", "entry": "solve", "hidden": [case], **more}
    return FunctionTests.model_validate(written)


def _judged(program: str, case: dict[str, Any], **more: Any) -> CaseResult:
    tests = _tests(case, **more)
    ending = run(function_job(program, tests, tests.hidden[0], limits=_LIMITS))
    outcome = outcome_of(ending, cpu_s=_LIMITS.cpu_s)
    return judge_call(tests.hidden[0], tests, ending, outcome=outcome)


@pytest.mark.parametrize("row", table("programs_plain_calls"), ids=lambda row: row["id"])
def test_an_honest_program_passes(row: Row) -> None:
    result = _judged(row["program"], row["case"])
    assert (result.outcome, result.credit, result.difference) == ("passed", 1.0, "")


_TREE: Final = """
class Tree:
    def __init__(self): self.n = 3
    def size(self): return self.n
    class Leaf:
        @staticmethod
        def color(): return "green"
"""


def test_entries_may_be_dotted() -> None:
    assert _judged(_TREE, {"expected": 3}, entry="Tree.size").outcome == "passed"
    assert _judged(_TREE, {"expected": "green"}, entry="Tree.Leaf.color").outcome == "passed"
    assert _judged(_TREE, {"expected": 3}, entry="Tree.height").outcome == "no_entry"


def test_tolerance_and_loose_types_are_asked_for() -> None:
    case: dict[str, Any] = {"args": [], "expected": [0.3, [1]]}
    program = "def solve(): return (0.1 + 0.2, (1.0,))"
    assert _judged(program, case).outcome == "wrong_answer"
    assert _judged(program, case, types="loose").difference.startswith("[0]: expected 0.3")
    found = _judged(program, case, types="loose", compare={"abs_tol": 1e-9})
    assert found.outcome == "passed"


@pytest.mark.parametrize("row", table("programs_plain_hacks"), ids=lambda row: row["id"])
def test_no_hack_is_paid(row: Row) -> None:
    result = _judged(row["program"], {"args": [5], "expected": 40961})
    assert result.outcome in row["outcomes"], result.difference
    assert result.credit == 0.0
    assert len(result.difference) < 700


def test_a_program_that_writes_its_own_frame_has_chosen_a_value() -> None:
    program = """import os\nos.write(201, b'{"value": 8}')\nos._exit(0)"""
    for expected, outcome in ((8, "passed"), (9, "wrong_answer")):
        assert _judged(program, {"expected": expected}).outcome == outcome


def test_no_program_passes_for_raising_where_a_value_is_asked_for() -> None:
    assert _judged("def solve(): raise ValueError", {"expected": None}).outcome == "crashed"
    assert (
        _judged("def solve(): return ValueError", {"raises": "ValueError"}).outcome == "not_plain"
    )
    found = _judged("def solve(): return 1", {"raises": "ValueError"})
    assert (found.outcome, found.difference) == ("wrong_answer", "expected ValueError, got a value")
    found = _judged("def solve(): raise KeyError('k')", {"raises": "ValueError"})
    assert found.difference == "expected ValueError, got KeyError: 'k'"


def _ending(stdout: bytes, *, status: int = 0) -> Ending:
    return Ending(kind="exited", isolation=_NOWHERE, status=status, stdout=stdout)


FRAMES: list[tuple[bytes, type[Any]]] = [
    (b'{"value": [1]}', Value),
    (b'{"value": 1}\n', Value),
    (b'{"raised": {"classes": ["E", 5], "message": null}}', Raised),
    (b'{"compile_error": "SyntaxError"}', NotCompiled),
    (b'{"value": 1}{"value": 1}', Garbled),
    (b'{"value": 1, "raised": 1}', Garbled),
    (b'{"value": 1, "value": 1}', Garbled),
    (b'{"value": {"$py": "1"}}', Garbled),
    (b'{"passed": true}', Garbled),
    (b'{"raised": {"classes": "ValueError"}}', Garbled),
    (b'{"raised": []}', Garbled),
    (b"[1]", Garbled),
    (b"\xff", Garbled),
    (b"", Garbled),
]


@pytest.mark.parametrize(("stdout", "kind"), FRAMES)
def test_what_a_frame_is(stdout: bytes, kind: type[Any]) -> None:
    assert type(read_answer(_ending(stdout))) is kind
    assert type(read_answer(_ending(stdout, status=1))) is NoAnswer


@given(st.binary())
def test_no_frame_raises(stdout: bytes) -> None:
    read_answer(_ending(stdout))


@pytest.mark.parametrize(
    ("case", "why"),
    [
        ({"args": [{"$sett": [1]}], "expected": 1}, "is no tag"),
        ({"kwargs": {"a": {"$py": "x"}}, "expected": 1}, "no Python literal"),
    ],
)
def test_arguments_that_are_no_plain_data_are_the_tasks_fault(
    case: dict[str, Any], why: str
) -> None:
    tests = _tests(case)
    with pytest.raises(TestsAtFault, match=why):
        function_job("", tests, tests.hidden[0], limits=_LIMITS)


def test_an_expected_value_that_is_no_plain_data_is_the_tasks_fault() -> None:
    tests = _tests({"expected": {"$tuple": 1}})
    with pytest.raises(TestsAtFault, match="holds no list"):
        judge_call(tests.hidden[0], tests, _ending(b'{"value": 1}'), outcome=None)


VALUES: list[Any] = [
    [1, -(2**53), 2**53 + 1, -(2**70), 1.5, -0.0, True, None, "a\ud83dé"],
    {"a": {1: [()]}, "$x": 1},
    {"$x": 1},
    {(1, frozenset({2})): {3}},
    [b"\0\xff", bytearray(b"ab"), 2j, range(1, 9, 3), ..., deque([1, [2]])],
    [Decimal("1.50"), Decimal("-Infinity"), Fraction(-3, 9)],
    [date(2024, 2, 29), time(1, 2, 3, 4), timedelta(-1, 5)],
    [datetime(2024, 1, 1, tzinfo=UTC), datetime(1, 1, 1)],
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_the_box_and_we_have_one_notation(value: Any) -> None:
    data = json_bytes(Writer().tree(value))
    tree = read_value(data)
    again = Reader().value(to_json(tree))
    assert repr(again) == repr(value)
    assert not difference(tree, from_json(to_json(tree)), tolerance=None, types="exact")


def test_subclasses_of_the_standard_library_are_what_they_stand_for() -> None:
    values: list[Any] = [Counter("aab"), OrderedDict(a=1), defaultdict(int, a=1), _Point(1, 2)]
    written = [Writer().tree(value) for value in values]
    assert written == [{"a": 2, "b": 1}, {"a": 1}, {"a": 1}, {"$tuple": [1, 2]}]
    for odd in (object(), int, iter([]), {1: object()}, type("Own", (int,), {})(1)):
        with pytest.raises(NotPlain, match="is not plain data"):
            Writer().tree(odd)


def test_drivers_know_nothing_but_the_standard_library() -> None:
    for name in ("once", "candidate", "tester"):
        files = boxed.driver(name).files
        (text,) = [data.decode() for path, data in files.items() if path.endswith(".py")]
        assert "graders" not in text
        assert boxed.driver(name) is boxed.driver(name)
    assert json.loads(json_bytes([1])) == [1]
