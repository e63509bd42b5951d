from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from graders.contract import GraderCall, Item
from graders.math_answers import MathGrader
from service.field_errors import first_error

ROWS: list[tuple[type[BaseModel], object, str, str]] = [
    (Item, {}, "completion", "Field required"),
    (Item, {"completion": 3}, "completion", "Input should be a valid string or a valid list"),
    (Item, {"completion": [{"role": 1}]}, "completion", "Input should be a valid string"),
    (Item, {"completion": "a", "gold": 1}, "gold", "unknown field"),
    (Item, {"completion": "a", "g" * 99: 1}, "?", "unknown field"),
    (Item, {"completion": "a", "a\nb": 1}, "?", "unknown field"),
    (Item, 7, "", "Input should be a valid dictionary or instance of Item"),
    (GraderCall, {"name": "x", "weight": float("inf")}, "weight", "finite number"),
    (MathGrader.Reference, {"answer": None}, "answer",
     "Input should be a valid string or a valid integer or a valid number or a valid list"),
    (MathGrader.Options, {"tolerance": {"abs": "x"}}, "tolerance.abs", "valid number"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "value", "field", "words"), ROWS, ids=range(len(ROWS)))
def test_the_field_is_named_and_the_input_is_not(
    model: type[BaseModel], value: Any, field: str, words: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(value, strict=True)
    problem = first_error(caught.value)
    assert problem["field"] == field
    assert words in problem["message"]


def test_a_field_may_lie_within_another() -> None:
    with pytest.raises(ValidationError) as caught:
        GraderCall.model_validate({})
    assert first_error(caught.value, within="graders[0]")["field"] == "graders[0].name"
