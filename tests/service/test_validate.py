"""`POST /v1/validate`: what a client learns of its references before it trains on them."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from graders.contract import Grade, GraderCall, Item
from graders.exact import ExactGrader, ExactOptions, ExactReference
from graders.registry import GRADERS
from service.grading import GradingLimits, grade_cargo
from service.streams import Cargo, Chunk, Parcel, load_cargo
from tests.live import LiveService, start_service

MATH: Final = [{"name": "math"}]
TESTS: Final = {"hidden": [{"stdin": "3\n", "stdout": "9\n"}]}
SQUARE: Final = "print(int(input()) ** 2)"


# Any: JSON, as a client sends and gets it.
def _validate(live: LiveService, body: object) -> dict[str, Any]:
    response = live.client.post("/v1/validate", content=json.dumps(body))
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def _golds(*golds: object, **fields: object) -> dict[str, Any]:
    items = [{"id": f"i{n}", "reference": {"answer": gold}} for n, gold in enumerate(golds)]
    return {"graders": MATH, "items": items} | fields


# A grader's options, a reference it can grade by, one that it cannot, and the reason.
REFERENCES: Final[dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]]] = {
    "arithmetic_steps": ({}, {}, {}, ""),
    "choice": ({}, {"answer": "B"}, {"answer": "perhaps"}, "unparsed_gold"),
    "code": ({}, {"tests": TESTS, "solution": SQUARE}, {"tests": TESTS, "solution": "print(3)"},
             "wrong_answer"),
    "constant": ({}, {}, {}, ""),
    "constraints": ({}, {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}, {},
                    "bad_reference"),
    "exact": ({}, {"answer": "a"}, {"answer": " "}, "unparsed_gold"),
    "format": ({}, {}, {}, ""),
    "json": ({}, {"schema": True}, {}, "no_demand"),
    "language": ({}, {"language": "en"}, {}, "no_target"),
    "length": ({"style": "lcpo_max"}, {"target_len": 9}, {}, "no_target"),
    "length_only": ({}, {}, {}, ""),
    "math": ({}, {"answer": "\\frac12"}, {"answer": "$$"}, "unparsed_gold"),
    "random": ({}, {}, {}, ""),
    "regex": ({}, {"pattern": "a+"}, {"pattern": "a*"}, "matches_empty"),
    "repetition": ({}, {}, {}, ""),
    "run": ({}, {"stdin": "3"}, {"files": {"a": "", "a/b": ""}}, "bad_files"),
    "token_f1": ({}, {"answer": "a word"}, {"answer": " "}, "unparsed_gold"),
    "tool_call": ({}, {"tool_calls": [{"name": "f", "arguments": {}}]}, {}, "bad_reference"),
}  # fmt: skip


def test_every_grader_validates_in_one_mixed_batch(live: LiveService) -> None:
    assert set(REFERENCES) == set(GRADERS)
    items = [
        {"id": name, "reference": reference, "graders": [{"name": name, "options": options}]}
        for name, (options, good, bad, reason) in REFERENCES.items()
        for reference in ([good, bad] if reason else [good])
    ]
    answer = _validate(live, {"items": items})
    assert [verdict["id"] for verdict in answer["verdicts"]] == [item["id"] for item in items]
    verdicts = iter(answer["verdicts"])
    for name, (*_, reason) in REFERENCES.items():
        assert (name, next(verdicts)["outcome"]) == (name, "gradable")
        if reason:
            bad = next(verdicts)
            found = (bad["outcome"], [grade["reason"] for grade in bad["grades"]])
            assert (name, *found) == (name, "ungradable", [reason])
    summary = answer["summary"]
    assert (summary["items"], summary["failed"]) == (len(items), 0)
    assert (summary["gradable"], summary["ungradable"]) == (18, 12)
    assert summary["reasons"]["code"] == {"wrong_answer": 1}


def test_one_reference_cannot_spoil_another(live: LiveService) -> None:
    bad: list[object] = ["", None, {}, [], "$"]
    golds = [gold for n in range(300) for gold in (str(n), bad[n % 5])]
    verdicts = _validate(live, _golds(*golds))["verdicts"]
    outcomes = [verdict["outcome"] for verdict in verdicts]
    assert outcomes == ["gradable", "ungradable"] * 300
    assert [verdict["id"] for verdict in verdicts] == [f"i{n}" for n in range(600)]


def test_a_file_for_grading_may_be_sent_as_it_is(live: LiveService) -> None:
    item = {"completion": [], "prompt": "2+2?", "group": "g", "reference": {"answer": "4"}}
    answer = _validate(live, {"graders": MATH, "items": [item, {"reference": {"answer": "4"}}]})
    assert [verdict["outcome"] for verdict in answer["verdicts"]] == ["gradable"] * 2


def test_shared_references_and_weights(live: LiveService) -> None:
    calls = [{"name": "math", "weight": 0.25}, {"name": "exact", "role": "gate"}]
    items = [{"reference": name} for name in ("four", "blank", "absent")]
    body = {"references": {"four": {"answer": "4"}, "blank": {"answer": ""}}, "items": items}
    four, blank, absent = _validate(live, body | {"graders": calls})["verdicts"]
    assert (four["outcome"], len(four["grades"])) == ("gradable", 2)
    assert [grade["reason"] for grade in blank["grades"]] == ["unparsed_gold"] * 2
    assert absent["grades"][0]["reason"] == "bad_reference"
    assert "absent" in absent["grades"][0]["detail"]["message"]


BAD_ITEMS: Final[list[tuple[object, str, str]]] = [
    (7, "bad_item", ""),
    ({"reference": ["7"]}, "bad_item", "reference"),
    ({"id": 7, "reference": {"answer": "7"}}, "bad_item", "id"),
    ({"gold": "7"}, "bad_item", "gold"),
    ({}, "bad_reference", "reference.answer"),
    ({"completion": 3, "reference": {"answer": "7"}}, "bad_item", "completion"),
    ({"reference": {"answer": "7"}, "graders": [{"name": "mth"}]}, "unknown_grader",
     "graders.name"),
    ({"reference": {"answer": "7"}, "graders": []}, "no_graders", "graders"),
    ({"reference": {"answer": "7"}, "graders": [{"name": "math", "options": {"tolerence": 1}}]},
     "bad_options", "options.tolerence"),
]  # fmt: skip


def test_a_bad_item_gets_its_own_verdict(live: LiveService) -> None:
    good = {"reference": {"answer": "42"}}
    items = [item for bad, *_ in BAD_ITEMS for item in (bad, good)]
    verdicts = _validate(live, {"graders": MATH, "items": items})["verdicts"]
    assert [verdict["outcome"] for verdict in verdicts] == ["ungradable", "gradable"] * len(
        BAD_ITEMS
    )
    for verdict, (_, reason, field) in zip(verdicts[::2], BAD_ITEMS, strict=True):
        grade = verdict["grades"][0]
        assert (grade["reason"], grade["detail"].get("field", "")) == (reason, field)


REFUSED: Final[list[tuple[bytes, int, str]]] = [
    (b"", 400, "not JSON"),
    (b"[]", 422, "body"),
    (b'{"graders":[]}', 422, "items"),
    (b'{"items":[],"extra":1}', 422, "extra: unknown field"),
    (b'{"items":[],"graders":[{"name":1}]}', 422, "graders[0].name"),
    (b'{"items":[],"deadline_s":1e9}', 422, "deadline_s: at most 3600"),
    (b'{"items":[' + b"{}," * 16_384 + b"{}]}", 413, "16385 items"),
]


@pytest.mark.parametrize(("body", "status", "words"), REFUSED, ids=range(len(REFUSED)))
def test_a_malformed_request_is_refused(
    live: LiveService, body: bytes, status: int, words: str
) -> None:
    response = live.client.post("/v1/validate", content=body)
    assert (response.status_code, words in response.json()["detail"]) == (status, True)


def test_nothing_to_validate_is_answered(live: LiveService) -> None:
    answer = _validate(live, {"items": []})
    figures = {"items": 0, "gradable": 0, "ungradable": 0, "failed": 0, "reasons": {}, "types": {}}
    assert answer == {"verdicts": [], "summary": figures}


def test_what_was_not_reached_in_time_has_failed(live: LiveService) -> None:
    answer = _validate(live, _golds("1", "", deadline_s=1e-6))
    assert [verdict["outcome"] for verdict in answer["verdicts"]] == ["failed"] * 2
    assert answer["summary"]["reasons"] == {"service": {"deadline": 2}}


def test_a_key_is_needed() -> None:
    with start_service({"API_KEYS": "ann:s3cret", "WORKERS": "1"}) as service:
        assert service.client.post("/v1/validate", content=b"{}").status_code == 401


def test_no_metric_counts_a_reference_as_a_completion(live: LiveService) -> None:
    def counted() -> list[str]:
        text = live.client.get("/metrics").text
        names = ("touchstone_grades_total", "touchstone_items_total", "touchstone_requests_total")
        lines = [line for line in text.splitlines() if line.startswith(names)]
        return [line for line in lines if "grader=" in line or 'route="/v1/grade"' in line]

    before = counted()
    _validate(live, _golds("1", "$$"))
    assert counted() == before


class Counting(ExactGrader):
    """Says what it was asked for, and raises when the reference says so."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def grade(self, text: str, reference: ExactReference, options: ExactOptions) -> Grade:
        self.asked.append("grade")
        return super().grade(text, reference, options)

    def validate(self, reference: ExactReference, options: ExactOptions) -> Grade:
        self.asked.append("validate")
        if reference.answer == "raise":
            raise OSError
        grade = super().validate(reference, options)
        return grade.model_copy(update={"detail": {"type": "text"}})


def _cargo(*answers: str) -> Cargo:
    items = [Item(completion="x", reference={"answer": answer}) for answer in answers]
    return Cargo(
        references={},
        parcels=[Parcel(graders=[GraderCall(name="exact")], items=items, task="validate")],
    )


def test_what_a_grader_raises_is_tried_again_and_then_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    grader = Counting()
    monkeypatch.setitem(GRADERS, "exact", grader)
    limits = GradingLimits(text_chars=0)
    graded = grade_cargo(_cargo("raise", "a"), limits=limits, halted=lambda _: None)
    assert (graded.marks, graded.tally.total()) == ("fp", 0)
    assert grader.asked == ["validate"] * 4
    assert json.loads(graded.verdicts[1])["grades"][0]["detail"] == {"type": "text"}


def test_a_chunk_that_is_split_is_still_validated() -> None:
    payload = _cargo("a", "b").model_dump_json(exclude_unset=True).encode()
    chunk = Chunk(chunk_id=b"1", reply_to=b"r", deadline_ms=1, items=2, payload=payload)
    split = chunk.split(deaths=1)
    assert [load_cargo(one.payload).parcels[0].task for one in split] == ["validate"] * 2
    assert [len(load_cargo(one.payload).parcels[0].items) for one in split] == [1, 1]
