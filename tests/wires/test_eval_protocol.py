"""eval-protocol's wire, by its own `RewardFunction` and TRL adapter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests

from graders.contract import GraderCall
from service.items import Answer
from service.wires.contract import Recipe
from service.wires.eval_protocol import ROUTES
from tests.live import LiveService
from tests.wires.clients import eval_protocol
from tests.wires.failing_worker import SLOW_S
from tests.wires.faults import BODY_BYTES, SECRET, address, faulty_service

MATH = "/compat/eval_protocol/math/evaluate"
EXACT = "/compat/eval_protocol/exact/evaluate"
ASKED = {"role": "user", "content": "1+1"}


@pytest.fixture(scope="module")
def service() -> Iterator[LiveService]:
    with faulty_service() as service:
        yield service


def _said(text: str) -> list[dict[str, str]]:
    return [ASKED, {"role": "assistant", "content": text}]


@pytest.mark.parametrize(
    ("answer", "score", "reason"),
    [(r"\boxed{2}", 1.0, "math: equivalent"), (r"\boxed{3}", 0.0, "math: different")],
)
def test_its_client_gets_the_score_and_why(
    service: LiveService, answer: str, score: float, reason: str
) -> None:
    result = eval_protocol.evaluate(address(service, MATH), _said(answer), "2")
    assert (result.score, result.is_score_valid, result.reason) == (score, True, reason)
    metric = result.metrics["math"]
    assert (metric.score, metric.is_score_valid) == (score, True)


def test_its_bearer_key_is_a_credential(
    service: LiveService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIREWORKS_API_KEY", SECRET)
    address_ = address(service, MATH, secret=None)
    assert eval_protocol.evaluate(address_, _said(r"\boxed{2}"), "2").score == 1.0


def test_its_empty_header_is_no_credential(service: LiveService) -> None:
    with pytest.raises(requests.HTTPError, match="401"):
        eval_protocol.evaluate(address(service, MATH, secret=None), _said(r"\boxed{2}"), "2")


def test_its_further_arguments_are_fields_of_the_reference(service: LiveService) -> None:
    tests = {"mode": "stdio", "hidden": [{"stdin": "3\n", "stdout": "6\n"}]}
    program = _said("```python\nprint(int(input())*2)\n```")
    where = address(service, "/compat/eval_protocol/code/evaluate")
    assert eval_protocol.evaluate(where, program, tests=tests).score == 1.0


def test_its_adapter_for_trl_gets_a_reward_for_each_completion(service: LiveService) -> None:
    rewards = eval_protocol.trl_adapter(address(service, MATH))(
        prompts=[[ASKED]] * 2,
        completions=[r"\boxed{2}", [{"role": "assistant", "content": r"\boxed{3}"}]],
        solution=["2", "2"],
    )
    assert rewards == [1.0, 0.0]


def test_its_client_raises_where_our_grader_fails(service: LiveService) -> None:
    with pytest.raises(requests.HTTPError, match="503"):
        eval_protocol.evaluate(address(service, EXACT), _said("fault"), "2")


def test_it_waits_as_long_as_we_grade(service: LiveService) -> None:
    assert ROUTES[0].patience_s > SLOW_S
    assert eval_protocol.evaluate(address(service, EXACT), _said("slow"), "2").score == 0.0


def test_a_body_too_large_is_413(service: LiveService) -> None:
    with pytest.raises(requests.HTTPError, match="413"):
        eval_protocol.evaluate(address(service, MATH), _said("x" * BODY_BYTES), "2")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ([], "messages"),
        ({}, "messages"),
        ({"messages": ["text"]}, "messages"),
        ({"messages": [ASKED], "ground_truth": "2"}, "messages"),
        ({"messages": [{"role": "assistant", "content": 2}]}, "messages"),
        ({"messages": _said("2"), "ground_truth": "2", "kwargs": []}, "kwargs"),
        ({"messages": _said("2"), "ground_truth": [ASKED]}, "answer"),
        ({"messages": _said("2")}, "answer"),
    ],
)
def test_what_cannot_be_evaluated_is_422_and_names_the_field(
    service: LiveService, body: object, named: str
) -> None:
    headers = {"Authorization": f"Bearer {SECRET}"}
    told = service.client.post(MATH, json=body, headers=headers)
    assert told.status_code == 422
    assert named in told.json()["detail"]


# The mapping

READ = ROUTES[0].read


@pytest.mark.parametrize(
    ("message", "completion", "prefill"),
    [
        ({"content": "so"}, "so", "<think>\n"),
        ({"content": None}, "", "<think>\n"),
        ({"content": [{"type": "text", "text": "s"}, {"text": "o"}]}, "so", "<think>\n"),
        ({"content": "so", "reasoning_content": "why"}, "<think>\nwhy\n</think>\n\nso", ""),
        ({"content": "so", "reasoning_content": None}, "so", "<think>\n"),
    ],
)
def test_the_last_message_of_the_assistant_is_graded(
    message: Mapping[str, Any], completion: str, prefill: str
) -> None:
    messages = [ASKED, {"role": "assistant", "content": "first"}, ASKED]
    body = {"messages": [*messages, {"role": "assistant", **message}, {"role": "tool"}]}
    (item,) = READ(body, Recipe(prefill="<think>\n")).items
    assert (item["completion"], item["prefill"]) == (completion, prefill)


@pytest.mark.parametrize(
    ("more", "reference"),
    [
        ({"ground_truth": "2"}, {"answer": "2"}),
        ({"ground_truth": None, "answer": "2"}, {"answer": "2"}),
        ({"ground_truth": "2", "kwargs": {"language": "de"}}, {"answer": "2", "language": "de"}),
        ({"ground_truth": [ASKED], "kwargs": {"answer": "2"}, "answer": "3"}, {"answer": "3"}),
        ({"ground_truth": [], "temperature": 1}, {}),
        ({"ground_truth": ["2", "two"]}, {"answer": ["2", "two"]}),
    ],
)
def test_the_ground_truth_and_what_graders_read_is_the_reference(
    more: Mapping[str, Any], reference: Mapping[str, Any]
) -> None:
    graders = [GraderCall(name="math"), GraderCall(name="language")]
    (item,) = READ({"messages": _said("2"), **more}, Recipe(graders, "answer")).items
    assert item["reference"] == reference


def test_a_number_chosen_for_what_has_no_score_is_told_as_not_valid() -> None:
    verdict = (
        b'{"outcome":"failed","grades":[{"grader":"touchstone","score":null,"reason":"deadline"}]}'
    )
    told = READ({"messages": _said("2")}, Recipe()).tell([Answer(verdict, 0.5, "f")])
    assert told == (
        b'{"score":0.5,"is_score_valid":false,"reason":"touchstone: deadline","metrics":{}}'
    )
