"""Tests as APPS, TACO, PRIME and LiveCodeBench write them, read by the code grader."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from graders.programs.tasks import CodeReference, FunctionTests, StdioTests
from tests.graders.programs import grade
from tests.graders.tables import Row, table

ROWS = table("programs_inputs_outputs")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_the_solution_is_paid_and_no_wrong_program(row: Row) -> None:
    found = grade(row["solution"], row["tests"])
    assert (found.score, found.reason) == (1.0, "passed"), found.detail
    for mutant in row["mutants"]:
        assert grade(mutant, row["tests"]).score == 0.0, mutant


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_as_json_text_they_are_the_same(row: Row) -> None:
    as_object = CodeReference.model_validate({"tests": row["tests"]})
    assert CodeReference.model_validate({"tests": json.dumps(row["tests"])}) == as_object


def test_a_name_makes_them_calls() -> None:
    by_name = {"inputs": ["1"], "outputs": ["1"], "fn_name": "f"}
    assert isinstance(CodeReference.model_validate({"tests": by_name}).tests, FunctionTests)
    by_stream = {"inputs": ["1"], "outputs": ["1"], "fn_name": ""}
    assert isinstance(CodeReference.model_validate({"tests": by_stream}).tests, StdioTests)


@pytest.mark.parametrize(
    ("tests", "named"),
    [
        ({"inputs": ["1"], "outputs": []}, "1 inputs and 0 outputs"),
        ({"inputs": ["1"]}, "inputs and outputs"),
        ({"inputs": "1", "outputs": "1"}, "inputs and outputs"),
        ({"inputs": [], "outputs": []}, "hold"),
        ({"inputs": [1], "outputs": ["1"]}, "inputs.0"),
        ({"inputs": ["1"], "outputs": [1]}, "outputs.0"),
        ({"inputs": ["x"], "outputs": ["1"], "fn_name": "f"}, "inputs.0"),
        ({"inputs": [2], "outputs": ["1"], "fn_name": "f"}, "inputs.0"),
        ({"inputs": ["1"], "outputs": ["x"], "fn_name": "f"}, "outputs.0"),
        ({"inputs": ["1"], "outputs": ["1"], "fn_name": 3}, "entry"),
        ({"inputs": ["1"], "outputs": ["1"], "more": 3}, "more"),
    ],
)
def test_what_cannot_be_read_is_named(tests: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        CodeReference.model_validate({"tests": tests})
