from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from graders.contract import GraderCall, Item
from graders.math_answers import MathGrader
from service.field_errors import crowded, first_error

ROWS: list[tuple[type[BaseModel], object, str, str]] = [
    (Item, {}, "completion", "Field required"),
    (Item, {"completion": 3}, "completion", "Input should be a valid string or a valid list"),
    (Item, {"completion": [{"role": 1}]}, "completion", "Input should be a valid string"),
    (Item, {"completion": "a", "gold": 1}, "gold", "unknown field"),
    (Item, {"completion": "a", "g" * 99: 1}, "?", "unknown field"),
    (Item, {"completion": "a", "a\nb": 1}, "?", "unknown field"),
    (Item, 7, "", "Input should be a valid dictionary"),
    (GraderCall, {"name": "x", "weight": float("inf")}, "weight", "finite number"),
    (MathGrader.Reference, {"answer": None}, "answer",
     "Input should be a valid string or a valid integer or a valid number or a valid list"),
    (Item, {"completion": [0] * 10_000}, "completion", "Input should be a valid string"),
    (Item, {"completion": "a", "graders": [0] * 10_000}, "graders[0]", "valid dictionary"),
    (Item, {"completion": "a", **dict.fromkeys(map(str, range(10_000)), 0)}, "", "10000 faults"),
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
    assert "instance of" not in problem["message"]


NAMES = dict.fromkeys(map(str, range(10_000)), 0)
CROWDED: list[tuple[object, str]] = [
    (NAMES, ""),
    ({"graders": [{}, NAMES]}, "graders[1]"),
    ({"group_tokens": NAMES}, "group_tokens"),
]


@pytest.mark.parametrize(("value", "field"), CROWDED, ids=range(len(CROWDED)))
def test_an_object_of_thousands_of_fields_is_told_before_it_is_looked_at(
    value: object, field: str
) -> None:
    assert crowded(value) == {"field": field, "message": "10000 fields: most of them unknown"}


@pytest.mark.parametrize("value", [{"reference": NAMES}, {"references": NAMES}, [NAMES], 7])
def test_what_is_named_freely_may_be_many(value: object) -> None:
    assert crowded(value) is None


def test_a_field_may_lie_within_another() -> None:
    with pytest.raises(ValidationError) as caught:
        GraderCall.model_validate({})
    assert first_error(caught.value, within="graders[0]")["field"] == "graders[0].name"
