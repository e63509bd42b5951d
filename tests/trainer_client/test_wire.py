"""A request's bytes: what is repaired, and what encoding a large batch costs."""

from __future__ import annotations

import json
from typing import assert_type

import pytest

from tests.trainer_client.stub_service import StubService
from trainer_client import Client, Grade, GraderCall, Item, Message, Outcome, Verdict
from trainer_client.wire import grade_request, well_formed

MATH: list[GraderCall] = [{"name": "math"}]


# Not as escapes in the rows: to linters every lone surrogate is the same character.
HIGH = chr(0xD83D)
LOW = chr(0xDE00)


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        ("", ""),
        ("plain \u00e9 \u4e2d \ud7ff \U0001f600", "plain \u00e9 \u4e2d \ud7ff \U0001f600"),
        (chr(0xD800), "\ufffd"),
        (chr(0xDFFF), "\ufffd"),
        (f"a{HIGH}b", "a\ufffdb"),
        (f"a{LOW}b", "a\ufffdb"),
        (HIGH, "\ufffd"),
        (LOW + HIGH, "\ufffd\ufffd"),
        (HIGH + HIGH + LOW, "\ufffd\U0001f600"),
        (HIGH + LOW, "\U0001f600"),  # a pair, as JSON escapes write it
        (f"\ufeff\x00\ud7ff{HIGH}\ue000\n", "\ufeff\x00\ud7ff\ufffd\ue000\n"),
    ],
)
def test_lone_surrogates_become_replacement_characters(text: str, repaired: str) -> None:
    assert well_formed(text) == repaired
    item: Item = {"id": text, "completion": text, "reference": {text: [text]}}
    content = grade_request([item], MATH, deadline_s=None, key="k").content or b""
    assert json.loads(content)["items"] == [
        {"id": repaired, "completion": repaired, "reference": {repaired: [repaired]}}
    ]


def test_one_bad_completion_does_not_end_a_run(service: StubService) -> None:
    with Client(service.url) as client:
        verdicts = client.grade([{"id": "\ud800", "completion": "\ud800 4"}], MATH)
    assert [(verdict.id, verdict.reward) for verdict in verdicts] == [("\ufffd", 1.0)]


def test_a_typed_caller_needs_no_casts(service: StubService) -> None:
    chat: list[Message] = [{"role": "assistant", "content": "4"}]
    typed: list[Item] = [{"completion": "4", "reference": {"answer": "4"}, "graders": MATH}]
    plain: list[dict[str, object]] = [{"completion": "4"}]
    narrow: list[dict[str, str]] = [{"completion": "4"}]
    with Client(service.url) as client:
        assert_type(client.grade(typed, MATH), list[Verdict])
        client.grade(plain, [{"name": "math", "weight": 2}])
        client.grade(narrow, [{"name": "math"}])
        (verdict,) = client.grade([{"completion": "4", "prompt": chat}], MATH)
    assert_type(verdict.reward, float | None)
    assert_type(verdict.outcome, Outcome)
    assert_type(verdict.grades, tuple[Grade, ...])
    assert json.loads(service.seen[3].body)["items"][0]["prompt"] == chat
