"""The shortest and the longest completion of every group of a request."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from graders.contract import CircumstantialGrader, GraderCall, Item, graded_text
from graders.registry import GRADERS
from graders.tokens import length_of

__all__ = ["Span", "spans_of"]

Span: TypeAlias = dict[str, int]
"""The JSON of a GroupTokens."""


def spans_of(
    # Any: the JSON of Items, but for what stands in the places left out.
    raw_items: Sequence[Any],
    graders: Iterable[GraderCall],
    *,
    leave_out: Collection[int],
) -> dict[str, Span]:
    """By group, the least and the most tokens of its items; none where no grader asks for it."""
    items = [raw for place, raw in enumerate(raw_items) if place not in leave_out]
    if not any(raw.get("group") is not None for raw in items):
        return {}
    if not any(map(_asks, {*(call.name for call in graders), *_own_names(items)})):
        return {}
    tokens: dict[str, list[int]] = {}
    for raw in items:
        length = None if raw.get("group") is None else _tokens(raw)
        if length is not None:
            tokens.setdefault(raw["group"], []).append(length)
    return {group: {"least": min(n), "most": max(n)} for group, n in tokens.items()}


def _asks(name: str) -> bool:
    return isinstance(GRADERS.get(name), CircumstantialGrader)


def _own_names(items: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    return (call["name"] for raw in items if raw.get("graders") for call in raw["graders"])


def _tokens(raw: Mapping[str, Any]) -> int | None:
    """The item's length; None where the assistant says nothing, which is no completion."""
    counted: int | None = raw.get("completion_tokens")
    if counted is not None:
        return counted
    fields = {key: raw[key] for key in ("completion", "prefill") if key in raw}
    text = graded_text(Item.model_validate(fields))
    return None if text is None else length_of(text, None).tokens
