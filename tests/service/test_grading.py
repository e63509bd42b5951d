"""What a worker makes of items when graders are missing, broken or out of range."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import ClassVar

import pytest
from pydantic import BaseModel, model_validator

from graders.contract import Grade, GraderCall, Item, SharedReason, Verdict
from graders.exact import ExactGrader, ExactReference
from graders.registry import GRADERS
from sandbox import CallUnavailable
from service.grading import Graded, GradingLimits, grade_cargo
from service.streams import Cargo, Parcel

LIMITS = GradingLimits(text_chars=100)
Grading = Callable[[str], Grade]


class ScriptedGrader(ExactGrader):
    """Grades as its script says."""

    def __init__(self, script: Grading) -> None:
        self.script = script
        self.calls = 0

    def grade(self, text: str, reference: BaseModel, options: BaseModel) -> Grade:
        self.calls += 1
        return self.script(text)


def _grade(score: float | None, reason: str = "match") -> Grade:
    return Grade(grader="exact", version="1", score=score, outcome="graded", reason=reason)


def _raise(error: Exception) -> Grading:
    def script(text: str) -> Grade:
        raise error

    return script


def _item(completion: str = "a", **fields: object) -> Item:
    return Item.model_validate({"completion": completion, "reference": {"answer": "a"}} | fields)


CALLS = [GraderCall(name="exact")]


def _never(_: int) -> None:
    return None


def _graded(
    *items: Item,
    calls: list[GraderCall] = CALLS,
    references: Mapping[str, dict[str, object]] | None = None,
    halted: Callable[[int], SharedReason | None] = _never,
) -> Graded:
    cargo = Cargo.model_validate(
        {"references": references or {}, "parcels": [Parcel(graders=calls, items=list(items))]}
    )
    return grade_cargo(cargo, limits=LIMITS, halted=halted)


def _verdict(item: Item, calls: list[GraderCall]) -> Verdict:
    return Verdict.model_validate_json(_graded(item, calls=calls).verdicts[0])


OURS: list[tuple[str, Grading]] = [
    ("raises", _raise(LookupError("secret gold"))),
    ("no child to be had", _raise(CallUnavailable("overloaded"))),
    ("above its range", lambda _: _grade(1.5)),
    ("below its range", lambda _: _grade(-0.1)),
    ("a reason of its own making", lambda _: _grade(1.0, "because")),
]


@pytest.mark.parametrize("script", [row[1] for row in OURS], ids=[row[0] for row in OURS])
def test_a_grader_at_fault_is_tried_again_and_then_failed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, script: Grading
) -> None:
    grader = ScriptedGrader(script)
    monkeypatch.setitem(GRADERS, "exact", grader)
    with caplog.at_level(logging.ERROR):
        verdict = _verdict(_item("the completion"), CALLS)
    assert (verdict.reward, verdict.outcome) == (None, "failed")
    assert verdict.grades[0].reason == "internal_error"
    assert grader.calls == 3
    assert "secret gold" not in caplog.text
    assert "the completion" not in caplog.text


def test_a_fault_that_passes_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = iter([CallUnavailable("once"), CallUnavailable("twice")])

    def script(text: str) -> Grade:
        for fault in faults:
            raise fault
        return _grade(1.0)

    monkeypatch.setitem(GRADERS, "exact", ScriptedGrader(script))
    verdict = _verdict(_item(), CALLS)
    assert (verdict.reward, verdict.outcome) == (1.0, "graded")


@pytest.mark.parametrize(("length", "reason"), [(99, "match"), (100, "match"), (101, "too_long")])
def test_the_limit_of_a_text(length: int, reason: str) -> None:
    item = _item("a" * length, reference={"answer": "a" * length})
    verdict = _verdict(item, CALLS)
    assert verdict.grades[0].reason == reason
    assert verdict.reward == float(reason == "match")


def test_an_items_own_graders_go_before_the_requests() -> None:
    item = _item(graders=[{"name": "exact", "weight": 3}])
    assert _verdict(item, []).reward == 3.0


def test_a_slow_grade_says_how_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 10.25])
    monkeypatch.setattr("service.grading.time.perf_counter", lambda: next(clock))
    assert _verdict(_item(), CALLS).grades[0].seconds == 0.25


def test_what_expires_on_the_way_is_not_run() -> None:
    why: list[SharedReason | None] = [None, "deadline", "cancelled"]
    items = [_item(id=str(n)) for n in range(3)]
    graded = _graded(*items, halted=why.__getitem__)
    assert (graded.rewards, graded.marks) == ([1.0, None, None], "pff")
    assert [json.loads(line)["id"] for line in graded.verdicts] == ["0", "1", "2"]
    assert graded.tally == {
        ("exact", "graded", "match"): 1,
        ("service", "failed", "deadline"): 1,
        ("service", "failed", "cancelled"): 1,
    }


def test_marks_tell_full_marks_from_less() -> None:
    items = [_item(), _item("b"), _item(reference={}), _item(graders=[])]
    assert _graded(*items).marks == "pguu"


class CountingReference(ExactReference):
    """Notes every time that one is read."""

    read: ClassVar[list[object]] = []

    @model_validator(mode="before")
    @classmethod
    def _note(cls, value: object) -> object:
        cls.read.append(value)
        return value


def test_a_shared_reference_is_read_once_for_each_grader(monkeypatch: pytest.MonkeyPatch) -> None:
    grader = ExactGrader()
    monkeypatch.setattr(grader, "Reference", CountingReference)
    monkeypatch.setattr(CountingReference, "read", [])
    monkeypatch.setitem(GRADERS, "exact", grader)
    calls = [*CALLS, GraderCall(name="math")]
    texts = ["a", "b", "a", "a"]
    items = [_item(text, reference="r1") for text in texts]
    graded = _graded(*items, _item("a", reference="r2"), _item("a"), calls=calls,
                     references={"r1": {"answer": "a"}, "r2": {"answer": "b"}})  # fmt: skip
    exact = [json.loads(line)["grades"][0]["score"] for line in graded.verdicts]
    assert exact == [1.0, 0.0, 1.0, 1.0, 0.0, 1.0]
    assert CountingReference.read == [{"answer": "a"}, {"answer": "b"}, {"answer": "a"}]


def test_a_bad_shared_reference_is_said_of_every_item_and_read_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    grader = ExactGrader()
    monkeypatch.setattr(grader, "Reference", CountingReference)
    monkeypatch.setattr(CountingReference, "read", [])
    monkeypatch.setitem(GRADERS, "exact", grader)
    graded = _graded(*[_item(reference="r")] * 3, references={"r": {"gold": "a"}})
    assert graded.marks == "uuu"
    assert graded.tally == {("exact", "ungradable", "bad_reference"): 3}
    assert CountingReference.read == [{"gold": "a"}]
