"""What a request's references become: each distinct one is work once, whatever else differs."""

from __future__ import annotations

import orjson
import pytest

from graders.contract import Grade, GraderCall, Outcome
from service.intake import Asked
from service.items import Answer
from service.settings import Settings
from service.validation import ReferenceVerdict, summed, take_references

CALLS = [GraderCall(name="math")]


def _asked(*items: object) -> Asked:
    return Asked(CALLS, {"four": {"answer": "4"}}, items, 1.0)


def _answer(mark: str, reason: str) -> Answer:
    outcome: Outcome = "graded" if mark == "p" else "ungradable"
    grade = Grade(
        grader="math",
        version="1",
        score=1.0 if mark == "p" else None,
        outcome=outcome,
        reason=reason,
        detail={"type": "number"} if mark == "p" else {},
    )
    verdict = {"id": None, "reward": None, "outcome": outcome, "grades": [grade.model_dump()]}
    return Answer(orjson.dumps(verdict), None, mark)


def _verdicts() -> list[ReferenceVerdict]:
    four = {"answer": "4"}
    asked = _asked(
        {"id": "a", "reference": four, "prompt": "2+2", "completion": "4", "group": "g"},
        {"id": "b", "reference": four, "completion": "5", "completion_tokens": 3},
        7,
        {"id": "c", "reference": {"answer": "$"}},
        {"reference": four},
    )
    validation = take_references(asked, settings=Settings())
    works = validation.intake.works
    assert [orjson.loads(work.item)["reference"]["answer"] for work in works] == ["4", "$"]
    assert {work.task for work in works} == {"validate"}
    return validation.verdicts([_answer("p", "equivalent"), _answer("u", "unparsed_gold")])


def test_equal_references_are_validated_once_and_answered_each() -> None:
    verdicts = _verdicts()
    assert [verdict.id for verdict in verdicts] == ["a", "b", None, "c", None]
    assert [verdict.outcome for verdict in verdicts] == [
        "gradable", "gradable", "ungradable", "ungradable", "gradable",
    ]  # fmt: skip


def test_the_summary_counts_items_and_not_references() -> None:
    summary = summed(_verdicts())
    assert (summary.items, summary.gradable, summary.ungradable, summary.failed) == (5, 3, 2, 0)
    assert summary.reasons == {"service": {"bad_item": 1}, "math": {"unparsed_gold": 1}}
    assert summary.types == {"math": {"number": 3}}


@pytest.mark.parametrize("other", [{"reference": "four"}, {"graders": [{"name": "exact"}]}])
def test_what_may_decide_keeps_references_apart(other: dict[str, object]) -> None:
    item: dict[str, object] = {"reference": {"answer": "4"}}
    validation = take_references(_asked(item, item | other, item), settings=Settings())
    assert len(validation.intake.works) == 2
