"""A request's bytes: what is repaired, and what encoding a large batch costs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, assert_type

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.trainer_client.stub_service import StubService
from trainer_client import Client, Grade, GraderCall, Item, Message, Outcome, Verdict
from trainer_client.items import Items
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
    content = _sent_bytes([item])
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


TESTS = {"tests": {"hidden": [{"stdin": f"{n}", "stdout": "\u00e9"} for n in range(50)]}}
OTHER = {"tests": {"hidden": [{"stdin": f"{n}", "stdout": "z"} for n in range(50)]}}
SMALL = {"answer": "4"}


def _sent_bytes(items: Items) -> bytes:
    content = grade_request(items, MATH, deadline_s=5.0, key="k").content
    return content if isinstance(content, bytes) else b"".join(content or ())


# Any: the JSON of a request, as a service reads it.
def _sent(references: Sequence[object]) -> Any:
    items: list[dict[str, object]] = [
        {"id": str(n), "reference": reference, "completion": "4"}
        for n, reference in enumerate(references)
    ]
    before = json.dumps(items, default=dict)
    content = _sent_bytes(items)
    assert _sent_bytes(items) == content
    assert json.dumps(items, default=dict) == before
    return json.loads(content)


def _named(body: Mapping[str, Any]) -> list[object]:
    """What the items carry, with names looked up."""
    carried = [item["reference"] for item in body["items"]]
    return [body["references"][one] if isinstance(one, str) else one for one in carried]


SHARED: list[tuple[list[object], list[object]]] = [
    ([TESTS] * 3, [TESTS]),
    ([TESTS, json.loads(json.dumps(TESTS)), MappingProxyType(TESTS)], [TESTS]),
    ([TESTS, OTHER, TESTS, SMALL, OTHER, None], [TESTS, OTHER]),
    ([{"k": "x" * 1_016}] * 2, [{"k": "x" * 1_016}]),  # 1,024 characters of JSON
    ([{"k": "x" * 1_015}] * 2, []),
    ([SMALL] * 50, []),
    ([TESTS, OTHER], []),
    ([TESTS | {"more": [1, 2]}, {"more": [1, 2]} | TESTS], []),  # the order of keys may matter
    ([], []),
]


@pytest.mark.parametrize(("references", "shared"), SHARED, ids=range(len(SHARED)))
def test_a_large_reference_of_several_items_is_sent_once(
    references: list[object], shared: list[object]
) -> None:
    body = _sent(references)
    assert list(body.get("references", {}).values()) == shared
    assert _named(body) == references
    assert [list(item) for item in body["items"]] == [["id", "reference", "completion"]] * len(
        references
    )


def test_a_shared_reference_goes_by_the_hash_of_its_json() -> None:
    text = json.dumps(TESTS, ensure_ascii=False, separators=(",", ":"))
    assert list(_sent([TESTS, TESTS])["references"]) == [hashlib.sha256(text.encode()).hexdigest()]


def test_sixty_four_items_with_a_megabyte_of_tests_make_a_body_of_one() -> None:
    tests = {"tests": "x" * 2**20}
    items = [{"completion": str(n), "reference": dict(tests)} for n in range(64)]
    assert len(_sent_bytes(items)) < 2**20 + 64 * 120


_AWKWARD = st.text(
    alphabet='ab "\\\\\n\r\t\x00\x1f\x7f\u2028\u00e9\U0001f600' + HIGH + LOW, max_size=12
)


@settings(max_examples=150, deadline=None)
@given(_AWKWARD, st.sampled_from([1, 30, 100]))
@example('a"\\\n\x00\u00e9', 100_000)
@example("a" + HIGH, 300_000)
def test_long_texts_arrive_as_short_ones_do(text: str, times: int) -> None:
    long = text * times
    messages = [{"role": "user", "content": long}, {"role": "assistant", "content": text}]
    items: list[dict[str, object]] = [
        {"id": "a", "prompt": long, "completion": messages, "reference": {"content": text}},
        {"prompt": messages, "completion": long, "prefill": text, "completion_tokens": 3},
        {"completion": None, "prompt": 5},
    ]
    arrived = json.loads(_sent_bytes(items))["items"]
    assert arrived == json.loads(well_formed(json.dumps(items, ensure_ascii=False)))


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, b"x"])
def test_a_reference_that_json_cannot_hold_is_still_named(value: object) -> None:
    items = [{"completion": "4"}] + [
        {"completion": "4", "reference": {"k": "x" * 2_000, "v": value}} for _ in range(2)
    ]
    with pytest.raises((TypeError, ValueError), match=r"items\[1\] cannot be sent as JSON"):
        grade_request(items, MATH, deadline_s=None, key="k")


def test_halves_of_surrogate_pairs_are_repaired_in_what_is_shared() -> None:
    torn = {"tests": HIGH + "x" * 2_000}
    body = _sent([torn, dict(torn)])
    assert _named(body) == [{"tests": "\ufffd" + "x" * 2_000}] * 2
    assert len(body["references"]) == 1
