"""Asserts mode: which tests there are, what each is said to have found, and whose fault it is."""

from __future__ import annotations

import re
from typing import Final

import pytest

from graders.programs import execution
from graders.programs.results import SandboxUnavailable, TestsAtFault
from sandbox import Conversation, Ending, Isolation, Job
from tests.graders.conversations import LIMITS, failures, outcomes, passes, tried
from tests.graders.tables import Row, table

_ADD: Final = "def add(a, b): return a + b"
_WRONG: Final = "def add(a, b): return a - b if type(a) in (int, float) else b"


@pytest.mark.parametrize("row", table("programs_asserting_styles"), ids=lambda row: row["id"])
def test_every_style_tells_right_from_wrong(row: Row) -> None:
    right = tried(_ADD, **row["tests"])
    assert passes(right), failures(right)
    assert len(right.results) == row["count"]
    wrong = tried(_WRONG, **row["tests"])
    assert wrong.is_complete
    assert "wrong_answer" in outcomes(wrong), wrong.results


@pytest.mark.parametrize("row", table("programs_asserting_objects"), ids=lambda row: row["id"])
def test_what_tests_do_with_a_program(row: Row) -> None:
    run = tried(row["program"], row["source"], entry=row.get("entry"))
    assert passes(run), failures(run)


def test_each_test_has_its_name_its_number_and_its_words() -> None:
    run = tried(
        "def add(a, b): return a - b",
        """
        import unittest
        class T(unittest.TestCase):
            def test_a(self): self.assertEqual(add(1, 2), 3)
        """,
        public=["assert add(1, 1) == 0\nassert add(1, 2) == 3, 'sums'"],
        hidden=["def test_b():\n    assert add(2, 2) == 4", "def check(candidate): candidate(1)"],
        entry="add",
    )
    assert [(result.index, result.name, result.is_public) for result in run.results] == [
        (0, "public 1, line 1", True),
        (1, "public 1, line 2", True),
        (2, "source, T.test_a", False),
        (3, "hidden 1, test_b", False),
        (4, "hidden 2, check", False),
    ]
    assert run.planned == 5
    assert outcomes(run) == ["passed", *["wrong_answer"] * 3, "crashed"]
    assert run.results[1].message == "assert add(1, 2) == 3, 'sums'\nAssertionError: sums"
    assert run.results[4].message.startswith("TypeError: add() missing 1 required positional")
    assert run.ended_by is None


@pytest.mark.parametrize("row", table("programs_asserting_outcomes"), ids=lambda row: row["id"])
def test_every_failure_has_its_outcome(row: Row) -> None:
    run = tried(row["program"], row["source"])
    assert outcomes(run) == [row["outcome"]], failures(run)
    assert run.is_complete


def test_a_missing_entry_is_one_of_the_program() -> None:
    run = tried(
        "def plus(a, b): return a", "def check(candidate): assert candidate(1, 2)", entry="add"
    )
    assert outcomes(run) == ["no_entry"]


def test_what_goes_wrong_before_tests_goes_wrong_in_all_of_them() -> None:
    run = tried(
        "class A:\n    def __init__(self): 1 / 0",
        """
        a = A()
        assert a
        assert a.x
        def test_a(): pass
        class TestB:
            def test_b(self): pass
        """,
        hidden=["assert A"],
    )
    assert outcomes(run) == ["crashed"] * 4 + ["passed"]
    said = "a = A()\nZeroDivisionError: division by zero"
    assert {result.message for result in run.results[:4]} == {said}


_DIES: Final = "import os\ndef f(n):\n    if n == 2: os._exit(0)\n    return n"
_FOUR: Final = "assert f(0) == 0\nassert f(1) == 0\nassert f(2) == 2\nassert f(3) == 3\n"


def test_a_program_that_dies_in_a_test_ends_the_run_there_and_can_go_on() -> None:
    first = tried(_DIES, _FOUR)
    assert outcomes(first) == ["passed", "wrong_answer", "crashed"]
    assert not first.is_complete
    assert first.ended_by == first.candidate
    assert (first.candidate.kind, first.candidate.status) == ("exited", 0)
    second = tried(_DIES, _FOUR, start=3)
    assert [(result.index, result.outcome) for result in second.results] == [(3, "passed")]
    assert second.is_complete
    nothing = tried(_DIES, _FOUR, start=4)
    assert nothing.is_complete
    assert nothing.results == ()


def test_a_program_that_dies_before_a_test_dies_in_it() -> None:
    source = "assert f(1) == 1\nx = f(2)\nassert x\nassert f(1) == 1\n"
    first = tried(_DIES, source)
    assert outcomes(first) == ["passed", "crashed"]
    second = tried(_DIES, source, start=2)
    assert [(result.index, result.outcome) for result in second.results] == [(2, "crashed")]
    assert not second.is_complete


def test_the_programs_own_limits_end_it() -> None:
    for program, kind in (
        ("def f(n):\n    while True: pass", "cpu_time"),
        ("import time\ndef f(n): time.sleep(60)", "wall_time"),
        ("def f(n): return bytearray(2**29)", "memory"),
        ("import os\ndef f(n): os.kill(os.getpid(), 9)", "signalled"),
    ):
        run = tried(program, _FOUR)
        assert outcomes(run) == ["crashed"]
        assert run.ended_by is not None
        assert run.ended_by.kind == kind


def test_a_program_that_cannot_be_loaded_says_so() -> None:
    run = tried("def f(n) return n", _FOUR)
    assert run.compile_error == "SyntaxError: expected ':' (solution.py, line 1)"
    assert (run.results, run.load_error, run.is_complete) == ((), "", False)
    run = tried("import nowhere", _FOUR)
    assert run.load_error == "ModuleNotFoundError: No module named 'nowhere'"
    assert (run.results, run.compile_error, run.is_complete) == ((), "", False)


@pytest.mark.parametrize("row", table("programs_asserting_faults"), ids=lambda row: row["id"])
def test_tests_that_nothing_can_be_tried_with_are_at_fault(row: Row) -> None:
    with pytest.raises(TestsAtFault, match=re.escape(row["why"])):
        tried(_ADD, **row["tests"])


def test_a_fault_that_can_be_read_is_found_whatever_the_program_does() -> None:
    for program in ("import os\nos._exit(0)", "while True: pass", "def f("):
        with pytest.raises(TestsAtFault, match="tensorflow"):
            tried(program, "import tensorflow")


def test_a_program_cannot_have_every_test_skipped() -> None:
    run = tried(
        "def ready(): return False",
        "import pytest\ndef test_a():\n    if not ready():\n        pytest.skip('not ready')\n",
    )
    assert outcomes(run) == ["wrong_answer"]


def test_what_the_program_decided_is_flagged() -> None:
    program = """
    class P:
        def __init__(self, x): self.x = x
        def __eq__(self, other): return self.x == other.x
    """
    assert tried(program, "assert P(1) == P(1)").flags == ("compared_by_candidate",)
    assert tried(program, "assert P(1).x == 1").flags == ()


def test_a_box_that_cannot_be_had_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(first: Job, second: Job, *, alone: bool = False) -> Conversation:
        assert not first.stdin + second.stdin
        ending = Ending(
            kind="not_started", isolation=Isolation(backend="none", layers=()), note=f"no {alone}"
        )
        return Conversation(ending, ending)

    monkeypatch.setattr(execution, "converse", nothing)
    monkeypatch.setattr(execution, "_PAUSES_S", ())
    with pytest.raises(SandboxUnavailable, match="no False"):
        tried(_ADD, "assert add(1, 2) == 3")


def test_tests_get_more_time_than_the_program() -> None:
    busy = "def test_a():\n    n = 0\n    while n < 10**7: n += 1\n    assert add(1, 2) == 3\n"
    run = tried(_ADD, busy * 3)
    assert passes(run), failures(run)
    assert run.candidate.cpu_s < LIMITS.cpu_s
