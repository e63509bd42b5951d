"""The client against the service itself: both sides of the wire agree on every shape."""

from __future__ import annotations

import pytest

from tests.live import LiveService
from tests.trainer_client.conftest import Ask
from trainer_client import RequestRefused

MATH = [{"name": "math"}]


def test_verdicts_and_groups_come_back_typed(ask: Ask, live: LiveService) -> None:
    four = {"reference": {"answer": "4"}, "group": "two and two"}
    items = [
        {"id": "right", "completion": r"so \boxed{4}"} | four,
        {"id": "wrong", "completion": r"so \boxed{5}"} | four,
        {"id": "torn", "completion": "so \ud83d \\boxed{4}"} | four,
        {"id": "no task", "completion": r"\boxed{4}", "reference": {}},
    ]
    result = ask(live.url, "grade_with_groups", items, MATH, deadline_s=60.0)
    assert [(verdict.id, verdict.reward) for verdict in result.verdicts] == [
        ("right", 1.0),
        ("wrong", 0.0),
        ("torn", 1.0),
        ("no task", None),
    ]
    group = result.groups["two and two"]
    assert (group.items, group.degenerate) == ((0, 1, 2), False)
    assert len(group.advantages) == 3


def test_a_reference_that_is_sent_once_grades_every_item(ask: Ask, live: LiveService) -> None:
    large = {"answer": "4", "notes": "x" * 2_000}
    items = [
        {"id": str(n), "completion": rf"\boxed{{{n}}}", "reference": dict(large)} for n in range(8)
    ]
    verdicts = ask(live.url, "grade", items, MATH)
    assert [(v.id, v.reward) for v in verdicts] == [(str(n), float(n == 4)) for n in range(8)]


def test_the_service_is_ready_and_names_its_graders(ask: Ask, live: LiveService) -> None:
    live.await_ready()
    assert ask(live.url, "ready") is True
    graders = {grader.name: grader for grader in ask(live.url, "graders")}
    assert graders["math"].score_range == (0.0, 1.0)
    assert "equivalent" in graders["math"].reasons


def test_references_are_validated_without_completions(ask: Ask, live: LiveService) -> None:
    golds = ("4", "$$", "\\frac12")
    items = [{"id": gold, "reference": {"answer": gold}} for gold in golds]
    verdicts = ask(live.url, "validate", items, MATH, deadline_s=60.0)
    assert [verdict.id for verdict in verdicts] == list(golds)
    assert [verdict.outcome for verdict in verdicts] == ["gradable", "ungradable", "gradable"]
    assert verdicts[1].grades[0].told() == "math unparsed_gold"
    assert ask(live.url, "validate", []) == []


def test_a_refusal_names_the_field_and_not_the_completion(ask: Ask, live: LiveService) -> None:
    with pytest.raises(RequestRefused, match=r"HTTP 422: graders\[0\]") as caught:
        ask(live.url, "grade", [{"completion": "the-completion-itself"}], [{"nam": "math"}])
    assert "the-completion-itself" not in str(caught.value)
