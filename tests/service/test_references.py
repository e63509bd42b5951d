"""References that items of a request share, as a client of the HTTP interface meets them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from service.intake import take_items
from service.settings import Settings
from tests.live import LiveService

MATH = [{"name": "math"}]
REFERENCES = {"two and two": {"answer": "4"}, "": {"answer": "5"}, "torn": {"gold": "4"}}


# Any: JSON, as a client sends and gets it.
def _item(answer: str, reference: object, **fields: object) -> dict[str, Any]:
    return {"completion": f"\\boxed{{{answer}}}", "reference": reference} | fields


def _batch(*items: object, **fields: object) -> dict[str, Any]:
    return {"graders": MATH, "references": REFERENCES, "items": list(items)} | fields


def test_items_that_name_a_reference_are_graded_by_it(live: LiveService) -> None:
    verdicts = live.grade(
        _batch(
            _item("4", "two and two", id="named"),
            _item("4", {"answer": "4"}, id="of its own"),
            _item("4", "", id="the empty name"),
            _item("5", ""),
            _item("4", "two and two", graders=[{"name": "exact"}, {"name": "math", "weight": 2}]),
        )
    )
    assert [verdict["reward"] for verdict in verdicts] == [1.0, 1.0, 0.0, 1.0, 2.0]
    assert [verdict["id"] for verdict in verdicts[:3]] == ["named", "of its own", "the empty name"]


ABSENT: list[tuple[object, str, str, str]] = [
    ("three", "bad_reference", "reference", "'three'"),
    ("x" * 300, "bad_reference", "reference", repr("x" * 256)),
    ("two\n", "bad_reference", "reference", r"'two\n'"),
    ("torn", "bad_reference", "reference.answer", "Field required"),
    (["two and two"], "bad_item", "reference", "valid dictionary or a valid string"),
    (None, "bad_item", "reference", "valid dictionary or a valid string"),
]


def test_a_name_of_nothing_is_its_own_items_affair(live: LiveService) -> None:
    bad = [_item("4", row[0], id=f"i{n}") for n, row in enumerate(ABSENT)]
    good = [_item("4", "two and two")] * len(bad)
    verdicts = live.grade(_batch(*(one for pair in zip(bad, good, strict=True) for one in pair)))
    assert [verdict["reward"] for verdict in verdicts[1::2]] == [1.0] * len(bad)
    for place, (verdict, row) in enumerate(zip(verdicts[::2], ABSENT, strict=True)):
        _, reason, field, words = row
        (grade,) = verdict["grades"]
        assert (verdict["id"], verdict["reward"]) == (f"i{place}", None)
        assert (verdict["outcome"], grade["reason"]) == ("ungradable", reason)
        assert grade["detail"]["field"] == field
        assert words in grade["detail"]["message"]


@pytest.mark.parametrize(
    ("references", "words"),
    [
        ([], "references: Input should be a valid dictionary"),
        (None, "references: Input should be a valid dictionary"),
        ({"canary": "4"}, "references.canary: Input should be a valid dictionary"),
        ({"canary! " * 33: {}}, "references.?.?: String should have at most 256 characters"),
    ],
)
def test_references_of_a_wrong_shape_are_refused(
    live: LiveService, references: object, words: str
) -> None:
    body = json.dumps(_batch(_item("4", {"answer": "4"}), references=references))
    response = live.client.post("/v1/grade", content=body)
    assert response.status_code == 422
    assert words in response.json()["detail"]


def test_a_name_of_256_characters_will_do_and_what_nobody_names_does_no_harm(
    live: LiveService,
) -> None:
    name = "é" * 256
    references = {name: {"answer": "4"}, "nobody's": {}}
    (verdict,) = live.grade(_batch(_item("4", name), references=references))
    assert verdict["reward"] == 1.0


def test_one_reference_of_a_megabyte_serves_a_whole_batch(live: LiveService) -> None:
    references = {"large": {"answer": "7", "tests": ["x" * 100] * 10_000}}
    items = [_item(str(n % 10), "large", id=str(n)) for n in range(600)]
    verdicts = live.grade(_batch(*items, references=references))
    assert [verdict["id"] for verdict in verdicts] == [str(n) for n in range(600)]
    assert [verdict["reward"] for verdict in verdicts] == [float(n % 10 == 7) for n in range(600)]


def test_a_file_of_items_has_no_references_to_name() -> None:
    intake = take_items([_item("4", "two and two")], [], deadline_s=1, settings=Settings())
    assert intake.works == []
    assert intake.answers[0] is not None
    assert b"bad_reference" in intake.answers[0].verdict
