"""Rows of data sets that come with a sample: what of their fields is its reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import JsonValue

from graders.contract import GraderCall
from graders.registry import GRADERS

__all__ = ["fields_read", "reference_in", "with_thinking"]

_ANSWER: Final = "answer"


def fields_read(graders: Sequence[GraderCall]) -> Mapping[str, bool]:
    """The fields of a reference that the graders read, and whether one must have it."""
    fields: dict[str, bool] = {}
    for call in graders:
        if call.name in GRADERS:
            for name, field in GRADERS[call.name].Reference.model_fields.items():
                written = field.alias or name
                fields[written] = fields.get(written, False) or field.is_required()
    return fields


def reference_in(
    row: Mapping[str, JsonValue],
    graders: Sequence[GraderCall],
    *,
    label: str | None = None,
    answer: JsonValue = None,
) -> dict[str, JsonValue]:
    """The row's fields that the graders read; an answer under the row's own name is the label.

    It never takes the place of what a grader may do without, such as a language.
    """
    fields = fields_read(graders)
    reference = {name: row[name] for name in fields if row.get(name) is not None}
    if answer is not None:
        if label is not None and fields.get(label, True):
            reference[label] = answer
        elif _ANSWER in fields:
            reference[_ANSWER] = answer
    return reference


def with_thinking(thoughts: str, text: str) -> str:
    """The text as the model wrote it, before its server took the thoughts out.

    Thoughts that nothing follows were cut off: they are left open.
    """
    if not thoughts.strip():
        return text
    return f"<think>\n{thoughts}\n</think>\n\n{text}" if text.strip() else f"<think>\n{thoughts}"
