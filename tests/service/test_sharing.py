"""Which items are the same to their graders, and what the second of them is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from graders.contract import GraderCall
from graders.exact import ExactGrader, ExactOptions
from graders.registry import GRADERS
from service.intake import take_items
from service.items import Answer, Batch, Errand, Ticket, Work
from service.queues import Queue
from service.settings import Settings
from service.sharing import Running, shared_reference, twin_answer
from tests.service.code_like import CodeLike

SETTINGS = Settings.model_validate({"text_chars": 40})
TESTS = {"answer": "a"}
# Any: JSON as a client sends it.
BASE: dict[str, Any] = {"completion": "a#prose", "reference": TESTS}


class Tail(ExactGrader):
    """Looks only at what stands after the first `#`."""

    def essence(self, text: str, options: ExactOptions) -> str:
        return text.partition("#")[2]


@pytest.fixture(autouse=True)
def _graders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GRADERS, "code", CodeLike())
    monkeypatch.setitem(GRADERS, "tail", Tail())


def _works(*items: Mapping[str, Any], calls: list[dict[str, Any]]) -> list[Work]:
    graders = [GraderCall.model_validate(call) for call in calls]
    named = {"same": TESTS, "other": {"answer": "b"}}
    intake = take_items(items, graders, references=named, deadline_s=1, settings=SETTINGS)
    return intake.works


def _essence(item: Mapping[str, Any], calls: list[dict[str, Any]]) -> bytes | None:
    (work,) = _works(item, calls=calls)
    return work.essence


CODE = [{"name": "code"}]
Row = tuple[dict[str, Any], list[dict[str, Any]]]

SAME: list[Row] = [
    ({"completion": "a#other prose"}, CODE),
    ({"completion": "a", "prefill": ""}, CODE),
    ({"completion": "", "prefill": "a#"}, CODE),
    ({"completion": [{"role": "assistant", "content": "a"}, {"role": "user"}]}, CODE),
    ({"id": "x", "group": "g", "prompt": "p", "completion_tokens": 3}, CODE),
    ({"reference": "same"}, CODE),
    ({"graders": CODE}, [{"name": "code", "weight": 2}]),
    ({"graders": [{"name": "code", "weight": 1.0, "role": "term", "options": {}}]}, CODE),
]  # fmt: skip

OTHER: list[Row] = [
    ({"completion": "b#prose"}, CODE),
    ({"completion": "a#prose", "prefill": "a"}, CODE),
    ({"reference": "other"}, CODE),
    ({"reference": {"answer": "a", "more": 1}}, CODE),
    ({}, [{"name": "code", "weight": 2}]),
    ({}, [{"name": "code", "options": {"ignore_case": True}}]),
    ({}, [{"name": "code"}, {"name": "exact"}]),
    ({}, [{"name": "code"}, {"name": "exact", "role": "gate"}]),
    ({"graders": [{"name": "code", "weight": 2}]}, CODE),
]

ALONE: list[Row] = [
    ({"completion": "a" * 41}, CODE),
    ({"completion": [{"role": "user", "content": "a"}]}, CODE),
    ({}, [{"name": "code", "options": {"no_such": 1}}]),
    ({}, [{"name": "code"}, {"name": "no-such"}]),
    ({}, [{"name": "code", "role": "gate"}]),
    ({}, [{"name": "exact"}]),
    ({"graders": []}, CODE),
    ({"reference": "same"}, [{"name": "exact"}]),
]


@pytest.mark.parametrize(("change", "calls"), SAME, ids=range(len(SAME)))
def test_what_graders_do_not_see_makes_no_difference(
    change: dict[str, Any], calls: list[dict[str, Any]]
) -> None:
    essence = _essence(BASE, CODE)
    assert essence is not None
    assert _essence(BASE | change, calls) == essence


@pytest.mark.parametrize(("change", "calls"), OTHER, ids=range(len(OTHER)))
def test_whatever_may_change_the_reward_makes_a_difference(
    change: dict[str, Any], calls: list[dict[str, Any]]
) -> None:
    essence = _essence(BASE | change, calls)
    assert essence is not None
    assert essence != _essence(BASE, CODE)


@pytest.mark.parametrize(("change", "calls"), ALONE, ids=range(len(ALONE)))
def test_what_is_refused_or_cheap_is_graded_by_itself(
    change: dict[str, Any], calls: list[dict[str, Any]]
) -> None:
    assert _essence(BASE | change, calls) is None


@pytest.mark.parametrize("name", ["exact", "math"])
def test_where_grading_is_cheap_the_essence_is_the_text(name: str) -> None:
    grader = GRADERS[name]
    assert grader.essence(" a#b \ud800", grader.Options()) == " a#b \ud800"


def test_a_text_at_the_limit_is_shared() -> None:
    assert _essence(BASE | {"completion": "a#" + "x" * 38}, CODE) == _essence(BASE, CODE)


def test_every_grader_of_the_list_has_its_say_and_none_lends_to_the_next() -> None:
    both = [{"name": "code"}, {"name": "tail"}]
    texts = ["ab#c", "a#bc", "abc#", "#abc", "ab#c"]
    works = _works(*({"completion": text, "reference": TESTS} for text in texts), calls=both)
    essences = [work.essence for work in works]
    assert len(set(essences)) == 4
    assert essences[0] == essences[4]


def test_equal_references_are_one_in_memory_and_named_on_the_wire() -> None:
    items = [BASE, BASE | {"reference": "same"}, BASE | {"reference": {"answer": "b"}}]
    first, second, third = _works(*items, calls=CODE)
    assert first.reference is second.reference
    assert first.reference == shared_reference(TESTS)
    assert first.reference is not None
    assert third.reference is not None
    assert orjson.loads(first.item) == {"completion": "a#prose", "reference": first.reference.name}
    assert third.reference.name != first.reference.name


def test_light_items_keep_their_own_reference() -> None:
    (work,) = _works(BASE, calls=[{"name": "exact"}])
    assert (work.reference, orjson.loads(work.item)) == (None, BASE)


VERDICT = {
    "id": 'a"\\é',
    "reward": 0.1,
    "outcome": "graded",
    "grades": [
        {"grader": "code", "outcome": "graded", "reason": "match", "score": 0.1},
        {"grader": "made up", "outcome": "graded", "reason": "match", "score": 1.0},
        {"grader": "code", "outcome": "graded", "reason": "match", "score": 0.1},
    ],
}


@pytest.mark.parametrize("item_id", [None, "", "b", '"}{\n\\', "\u007f\u2028😀"])
def test_an_answer_under_another_id_is_the_same_in_all_else(item_id: str | None) -> None:
    answer = Answer(orjson.dumps(VERDICT), 0.1, "g")
    twin = twin_answer(answer, item_id)
    assert orjson.loads(twin.answer.verdict) == VERDICT | {"id": item_id}
    assert list(orjson.loads(twin.answer.verdict)) == list(VERDICT)
    assert twin.answer[1:] == answer[1:]
    assert twin.tally == {("code", "graded", "match"): 2, ("service", "graded", "match"): 1}


@pytest.mark.anyio
async def test_twins_join_whoever_is_under_way() -> None:
    batch = Batch([], 0, asyncio.get_running_loop().create_future())

    def ticket(place: int, essence: bytes | None, expires_at: float) -> Ticket:
        work = Work(str(place), "code", b"[]", b"{}", None, essence)
        return Ticket(work, batch, place, expires_at, Errand(1.0), [])

    running, queue = Running(), Queue("code", "interactive", "a")
    essences = [b"x", None, b"y", b"x", None, b"x"]
    sent = running.joined(queue, [ticket(n, e, float(n)) for n, e in enumerate(essences)])
    assert [one.place for one in sent] == [5, 4, 2, 1]
    assert [[twin.place for twin in one.twins] for one in sent] == [[3, 0], [], [], []]
    # Under way: another may join, unless he is somebody else.
    assert running.joined(queue, [ticket(6, b"x", 5.0), ticket(8, b"x", 9.0)]) == []
    assert [twin.place for twin in sent[0].twins] == [3, 0, 8, 6]
    assert sent[0].survivors(2.0) == []
    assert [twin.place for twin in sent[0].survivors(5.0)] == [8]
    assert len(running.joined(queue._replace(tenant="b"), [ticket(7, b"x", 5.0)])) == 1
    assert len(running.joined(queue._replace(priority="batch"), [ticket(7, b"x", 5.0)])) == 1
    running.ended(queue, sent)
    assert len(running.joined(queue, [ticket(9, b"x", 1.0)])) == 1
