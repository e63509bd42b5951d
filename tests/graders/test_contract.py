from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from graders.contract import (
    Grade,
    GraderCall,
    Item,
    Outcome,
    Role,
    ScoreRange,
    conclude,
    graded_text,
)


def _grade(score: float | None, outcome: Outcome = "graded") -> Grade:
    return Grade(grader="x", version="1", score=score, outcome=outcome, reason="r")


Part = tuple[Role, float, float | None, Outcome]

REWARDS: list[tuple[list[Part], float | None, Outcome]] = [
    ([("term", 1.0, 1.0, "graded")], 1.0, "graded"),
    ([("term", 2.0, 0.5, "graded"), ("term", -1.0, 1.0, "graded")], 0.0, "graded"),
    ([("term", 1.0, 1.0, "graded"), ("gate", 1.0, 0.0, "graded")], 0.0, "graded"),
    ([("term", 1.0, 1.0, "graded"), ("gate", 5.0, 0.2, "graded")], 1.0, "graded"),
    ([("term", 1.0, -1.0, "graded"), ("gate", 1.0, 0.0, "graded")], 0.0, "graded"),
    ([("term", 1.0, 1.0, "graded"), ("term", 1.0, None, "ungradable")], None, "ungradable"),
    ([("term", 1.0, 1.0, "graded"), ("gate", 1.0, None, "failed")], None, "failed"),
    ([("term", 0.0, None, "failed"), ("term", 1.0, 1.0, "graded")], None, "failed"),
    ([("gate", 1.0, 0.0, "graded"), ("term", 1.0, None, "failed")], None, "failed"),
    ([("term", 1.0, None, "ungradable"), ("term", 1.0, None, "failed")], None, "failed"),
]


@pytest.mark.parametrize(("parts", "reward", "outcome"), REWARDS, ids=range(len(REWARDS)))
def test_the_reward_rule(parts: list[Part], reward: float | None, outcome: Outcome) -> None:
    calls = [GraderCall(name="x", weight=weight, role=role) for role, weight, _, _ in parts]
    grades = [_grade(score, result) for _, _, score, result in parts]
    assert conclude(calls, grades) == (reward, outcome)


@pytest.mark.parametrize(
    ("score", "outcome"),
    [(None, "graded"), (0.0, "failed"), (0.0, "ungradable"), (float("nan"), "graded"),
     (float("inf"), "graded")],
)  # fmt: skip
def test_a_grade_cannot_lie_about_its_score(score: float | None, outcome: Outcome) -> None:
    with pytest.raises(ValidationError):
        _grade(score, outcome)


@pytest.mark.parametrize(
    ("score", "held"),
    [(-0.1, False), (0.0, True), (1.0, True), (1.1, False), (float("nan"), False),
     (float("inf"), False)],
)  # fmt: skip
def test_a_range_holds_finite_scores_between_its_ends(score: float, *, held: bool) -> None:
    assert ScoreRange(0, 1).holds(score) is held


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), 1e7])
def test_a_weight_is_finite_and_bounded(weight: float) -> None:
    with pytest.raises(ValidationError):
        GraderCall(name="x", weight=weight)


TEXTS: list[tuple[dict[str, Any], str | None]] = [
    ({"completion": "a"}, "a"),
    ({"completion": "a</think>b", "prefill": "<think>\n"}, "<think>\na</think>b"),
    ({"completion": [{"role": "assistant", "content": "a"}]}, "a"),
    ({"completion": [
        {"role": "assistant", "content": "a"},
        {"role": "tool", "content": "t", "name": "search"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
    ]}, "b"),
    ({"completion": [{"role": "assistant", "content": None}], "prefill": "p"}, "p"),
    ({"completion": [{"role": "user", "content": "a"}]}, None),
    ({"completion": []}, None),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "text"), TEXTS, ids=range(len(TEXTS)))
def test_what_is_graded_of_an_item(fields: dict[str, Any], text: str | None) -> None:
    assert graded_text(Item.model_validate(fields)) == text


def test_an_item_takes_no_unknown_field() -> None:
    with pytest.raises(ValidationError, match="gold"):
        Item.model_validate({"completion": "a", "gold": "7"})
