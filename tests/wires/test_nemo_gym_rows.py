"""NeMo Gym's wire: what of a rollout and its row is graded, and what is told of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
import yaml

from graders.contract import GraderCall
from service.items import Answer
from service.wires.contract import NotForUs, Recipe
from service.wires.nemo_gym import ROUTES, head_config
from tests.wires.test_nemo_gym import PARAMS, RIGHT, ROW, answered, message

READ = ROUTES[0].read


def _thought(text: str, field: str = "summary") -> dict[str, Any]:
    return {"type": "reasoning", field: [{"type": f"{field}_text", "text": text}]}


def _item(
    body: Mapping[str, Any], *graders: str, prefill: str = "", label: str | None = None
) -> Any:
    recipe = Recipe([GraderCall(name=name) for name in graders], label, prefill)
    (item,) = READ(dict(body), recipe).items
    return item


@pytest.mark.parametrize(
    ("output", "completion", "prefill"),
    [
        ([message("a", "b"), message("c")], "abc", "<think>\n"),
        ([_thought("why"), message("so")], "<think>\nwhy\n</think>\n\nso", ""),
        ([_thought("why", "content"), message("so")], "<think>\nwhy\n</think>\n\nso", ""),
        (
            [_thought("a"), {"type": "function_call", "name": "f"}, _thought("b"), message("so")],
            "<think>\na\n\nb\n</think>\n\nso",
            "",
        ),
        ([_thought("cut off")], "<think>\ncut off", ""),
        ([_thought(""), message("so")], "so", "<think>\n"),
        ([{"type": "reasoning", "summary": [], "encrypted_content": "x"}], "", "<think>\n"),
        ([{"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}], "", "<think>\n"),
        ([{"role": "assistant", "content": "plain"}], "plain", "<think>\n"),
        ([message("a"), message("it is b") | {"role": "user"}], "a", "<think>\n"),
        ([], "", "<think>\n"),
    ],
)
def test_thoughts_and_texts_become_one_completion(
    output: list[dict[str, Any]], completion: str, prefill: str
) -> None:
    item = _item(answered(*output), "math", prefill="<think>\n", label="answer")
    assert (item["completion"], item["prefill"]) == (completion, prefill)


TESTS = {"inputs": ["1"], "outputs": ["2"], "fn_name": None}


@pytest.mark.parametrize(
    ("graders", "label", "row", "reference"),
    [
        (["math"], "answer", ROW, {"answer": "2"}),
        (["math"], "answer", ROW | {"answer": "so it is #### 2"}, {"answer": "2"}),
        (["math"], "answer", {"answer": "2"}, {"answer": "2"}),
        (
            ["math", "language"],
            "answer",
            ROW | {"language": "de"},
            {"answer": "2", "language": "de"},
        ),
        (["language"], "language", ROW, {}),
        (["format"], None, ROW, {}),
        (["code"], "tests", {"verifier_metadata": {"unit_tests": TESTS}}, {"tests": TESTS}),
        (["code"], "tests", {"tests": TESTS}, {"tests": TESTS}),
        (
            ["choice"],
            "answer",
            {"expected_answer": "B", "options": [{"A": "x"}, {"B": "y"}]},
            {"answer": "B", "choices": {"A": "x", "B": "y"}},
        ),
        (
            ["constraints"],
            "instruction_id_list",
            {"verifier_metadata": {"instruction_id_list": ["a:b"], "kwargs": [{}]}},
            {"instruction_id_list": ["a:b"], "kwargs": [{}]},
        ),
        (
            ["json"],
            "schema",
            {"schema": True, "expected_answer": "{}"},
            {"schema": True, "answer": "{}"},
        ),
    ],
)
def test_the_fields_of_a_row_that_graders_read_are_its_reference(
    graders: list[str], label: str | None, row: dict[str, Any], reference: dict[str, Any]
) -> None:
    body = {"responses_create_params": PARAMS, "response": {"output": []}} | row
    assert _item(body, *graders, label=label)["reference"] == reference


def test_what_is_told_wins_over_a_field_of_the_row_with_its_name() -> None:
    row = answered(message(RIGHT)) | {"reward": 9, "reason": "of the row"}
    grade = {"grader": "math", "score": 1.0, "reason": "equivalent", "extracted": "2"}
    verdict = orjson.dumps({"outcome": "graded", "grades": [grade]})
    told = orjson.loads(READ(row, Recipe()).tell([Answer(verdict, 1.0, "g")]))
    assert (told["reward"], told["reason"]) == (1.0, "equivalent")
    assert told["response"] == row["response"]


@pytest.mark.parametrize(
    ("host", "known_host", "known_port"),
    [
        ("127.0.0.1:8000", "127.0.0.1", "8000"),
        ("grading.example", "grading.example", "80"),
        ("[::1]:8000", "[::1]", "8000"),
    ],
)
def test_the_head_server_tells_of_itself_as_it_was_asked(
    host: str, known_host: str, known_port: str
) -> None:
    told = yaml.safe_load(json.loads(head_config(host, ["math", "p/r1"])))
    assert told["p/r1"]["resources_servers"] == {
        "p/r1": {"host": known_host, "port": f"{known_port}/compat/nemo_gym/p/r1"}
    }


@pytest.mark.parametrize("host", ["", "a b", "a/b", "user@host", "a:1:2", "::1"])
def test_a_host_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(NotForUs, match="Host"):
        head_config(host, ["math"])
