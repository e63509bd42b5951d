"""Graders that look beyond the text: at tokens, at the group, at what the item's others say."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from graders.contract import GraderCall, Item
from graders.registry import GRADERS
from service import grade_file
from service.grade_file import Line
from service.grading import GradingLimits, grade_cargo
from service.intake import take_items
from service.settings import Settings
from service.streams import Cargo, Parcel
from tests.live import LiveService
from tests.service.code_like import CodeLike

SETTINGS: Final = Settings()
MATH: Final = {"name": "math"}
KIMI: Final = {"name": "length", "options": {"style": "kimi"}}
COSINE: Final = {"name": "length", "options": {"style": "cosine", "max_len": 100}}
OVERLONG: Final = {
    "name": "length",
    "options": {"style": "overlong", "max_len": 100, "buffer_len": 20},
}
# Any: JSON as a client sends it, and as it comes back.
Json = dict[str, Any]


def _item(said: str = "4", gold: str = "4", **fields: object) -> Json:
    return {"completion": f"\\boxed{{{said}}}", "reference": {"answer": gold}, **fields}


def _verdicts(items: list[Json], calls: list[Json], text_chars: int = 1_000) -> list[Json]:
    """What a worker says of them, after they have come through the API's intake."""
    graders = [GraderCall.model_validate(call) for call in calls]
    intake = take_items(items, graders, deadline_s=1, settings=SETTINGS)
    read = [Item.model_validate_json(work.item) for work in intake.works]
    graded = grade_cargo(
        Cargo(references={}, parcels=[Parcel(graders=graders, items=read)]),
        limits=GradingLimits(text_chars=text_chars),
        halted=lambda _: None,
    )
    return [json.loads(verdict) | {"mark": m} for verdict, m in zip(*graded[::2], strict=True)]


def _rewards(items: list[Json], calls: list[Json]) -> list[float | None]:
    return [verdict["reward"] for verdict in _verdicts(items, calls)]


@pytest.mark.parametrize("calls", [[MATH, COSINE], [COSINE, MATH]], ids=["after", "before"])
def test_the_order_of_the_calls_does_not_matter(calls: list[Json]) -> None:
    items = [_item(completion_tokens=50), _item("5", completion_tokens=50)]
    assert _rewards(items, calls) == [1.75, -0.75]
    names = [grade["grader"] for grade in _verdicts(items, calls)[0]["grades"]]
    assert names == [call["name"] for call in calls]


def test_a_group_is_measured_over_the_whole_request() -> None:
    lengths = [100, 200, 300, 50, 60]
    items = [
        _item(group="abc"[n // 3], completion_tokens=tokens) for n, tokens in enumerate(lengths)
    ]
    assert _rewards(items, [MATH, KIMI]) == [1.5, 1.0, 0.5, 1.5, 0.5]
    wrong = [item | {"completion": "\\boxed{5}"} for item in items]
    assert _rewards(wrong, [MATH, KIMI]) == [0.0, 0.0, -0.5, 0.0, -0.5]


def test_uncounted_lengths_of_a_group_are_estimated() -> None:
    texts = ["\\boxed{4}" + " " * pad for pad in (0, 100, 200)]
    items: list[Json] = [_item(group="g") | {"completion": text} for text in texts]
    items[2]["completion"] = [{"role": "assistant", "content": texts[2]}]
    assert _rewards(items, [MATH, KIMI]) == [1.5, 1.0, 0.5]


def test_only_completions_of_the_group_count() -> None:
    silent = [{"role": "user", "content": "?"}]
    items = [
        _item(group="", completion_tokens=100),
        _item(group="") | {"completion": silent},
        _item(group="", completion_tokens=300),
        _item(completion_tokens=200),
    ]
    assert _rewards(items, [MATH, KIMI]) == [1.5, None, 0.5, None]


def test_a_trainer_that_sends_one_sample_a_call_names_the_group_itself() -> None:
    ends = {"least": 100, "most": 300}
    items = [_item(group_tokens=ends, completion_tokens=n) for n in (100, 150, 300)]
    assert _rewards(items, [MATH, KIMI]) == [1.5, 1.25, 0.5]
    (bad,) = _intake_refuses(_item(group_tokens={"least": 3, "most": 2}))
    assert (bad["reason"], bad["detail"]["field"]) == ("bad_item", "group_tokens")


def _intake_refuses(item: Json) -> list[Json]:
    intake = take_items([item], [], deadline_s=1, settings=SETTINGS)
    answers = [answer for answer in intake.answers if answer is not None]
    return [json.loads(answer.verdict)["grades"][0] for answer in answers]


@pytest.mark.parametrize(
    ("calls", "field", "said"),
    [
        ([MATH, KIMI], "group", "name the item's group"),
        ([COSINE], "options.correct_by", "none does"),
        ([MATH, {"name": "exact"}, COSINE], "options.correct_by", "several do (math, exact)"),
        ([MATH, {**OVERLONG, "role": "gate"}], "graders.role", "make it a term"),
        ([{**OVERLONG, "options": {"style": "kimi", "len": 1}}], "options.kimi.len",
         "the options are alpha, buffer_len, clamp, correct_by"),
        ([{"name": "math", "options": {"tol": 1}}], "options.tol",
         "the options are evaluated, last_number, ordered, percent, styles, tolerance, units"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(calls: list[Json], field: str, said: str) -> None:
    (verdict,) = _verdicts([_item(completion_tokens=5)], calls)
    assert (verdict["reward"], verdict["outcome"]) == (None, "ungradable")
    (detail,) = [grade["detail"] for grade in verdict["grades"] if grade["score"] is None]
    assert detail["field"] == field
    assert said in detail["message"]


def test_a_gold_that_cannot_be_read_leaves_no_number() -> None:
    (verdict,) = _verdicts([_item(gold="", completion_tokens=5)], [MATH, COSINE])
    assert (verdict["reward"], verdict["outcome"]) == (None, "ungradable")
    assert [grade["reason"] for grade in verdict["grades"]] == ["unparsed_gold", "not_judged"]


def test_a_text_over_the_limit_earns_the_least_that_its_options_give() -> None:
    long = _item(completion_tokens=5) | {"completion": "x" * 1_001}
    (verdict,) = _verdicts([long], [MATH, OVERLONG])
    assert [grade["score"] for grade in verdict["grades"]] == [0.0, -1.0]
    assert {grade["reason"] for grade in verdict["grades"]} == {"too_long"}


@pytest.mark.parametrize(
    ("said", "calls", "mark"),
    [("4", [MATH, OVERLONG], "p"), ("5", [MATH, OVERLONG], "g"),
     ("4", [MATH, {"name": "exact"}], "g"), ("4", [OVERLONG], "g"),
     ("5", [{"name": "length_only", "options": {"full_len": 1}}], "p")],
)  # fmt: skip
def test_an_item_passes_by_its_answer_not_by_its_form(
    said: str, calls: list[Json], mark: str
) -> None:
    (verdict,) = _verdicts([_item(said, completion_tokens=90)], calls)
    assert verdict["mark"] == mark


def test_lengths_tell_equal_programs_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GRADERS, "code", CodeLike())
    items = [_item(completion_tokens=n, id=f"{n}") for n in (5, 90)]
    for calls, distinct in (([{"name": "code"}], 1), ([{"name": "code"}, OVERLONG], 2)):
        graders = [GraderCall.model_validate(call) for call in calls]
        intake = take_items(items, graders, deadline_s=1, settings=SETTINGS)
        assert len({work.essence for work in intake.works}) == distinct
        assert None not in {work.essence for work in intake.works}


def test_requests_without_such_graders_travel_as_they_came() -> None:
    items = [_item(group="g", completion_tokens=5)]
    for calls, spans in (([MATH], False), ([MATH, KIMI], True)):
        graders = [GraderCall.model_validate(call) for call in calls]
        (work,) = take_items(items, graders, deadline_s=1, settings=SETTINGS).works
        assert (b"group_tokens" in work.item) is spans
    own = [_item(group="g", completion_tokens=5, graders=[MATH, KIMI]), {"completion": 7}]
    (work,) = take_items(own, [], deadline_s=1, settings=SETTINGS).works
    assert b'"group_tokens":{"least":5,"most":5}' in work.item


def test_a_group_is_measured_over_http(live: LiveService) -> None:
    items = [_item(group="g", completion_tokens=100 + n) for n in range(600)]
    rewards = [
        verdict["reward"] for verdict in live.grade({"graders": [MATH, KIMI], "items": items})
    ]
    assert rewards == pytest.approx([1.5 - n / 599 for n in range(600)])


def test_a_file_keeps_neighbours_of_one_group_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grade_file, "_WINDOW", 4)
    groups = ["a", "a", "b", "b", "b", "b", None, None, "c", *["d"] * 20]
    lines = [Line({"group": group}, 1) for group in groups]
    sizes = [len(window) for window in grade_file._windows(lines)]
    assert sizes == [6, 8, 8, 7]
    assert sum(sizes) == len(groups)
