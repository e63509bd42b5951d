"""A trainer's columns into items."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from trainer_client.remote_reward.messages import conversation, holds_reasoning
from trainer_client.remote_reward.references import ReferenceKeys, columns_by_key

__all__ = ["Layout", "Samples", "items_of"]


class Layout(NamedTuple):
    """Where the parts of an item lie in a trainer's columns, and which of them are sent."""

    columns: Mapping[str, str]
    graders_column: str | None
    prefill: str
    send_prompts: bool


class Samples(NamedTuple):
    """One batch as a trainer hands it over."""

    completions: Sequence[object]
    prompts: Sequence[object] | None
    completion_ids: Sequence[Sequence[int]] | None
    columns: Mapping[str, object]


def items_of(samples: Samples, layout: Layout, *, keys: ReferenceKeys) -> list[dict[str, object]]:
    """The items of a batch, or a ValueError that names the column that is missing or misshapen."""
    items = [_answer(completion, layout.prefill) for completion in samples.completions]
    if samples.completion_ids is not None:
        ids = _column(samples.completion_ids, "completion_ids", len(items))
        for item, one in zip(items, ids, strict=True):
            if isinstance(one, Sequence):
                item["completion_tokens"] = len(one)
    if samples.prompts is not None:
        prompts = _column(samples.prompts, "prompts", len(items))
        _add_prompts(items, prompts, send=layout.send_prompts)
    _add_references(
        items, samples.columns, columns_by_key(keys, layout.columns, samples.columns), keys
    )
    if layout.graders_column is not None:
        _add_graders(items, samples.columns, layout.graders_column)
    return items


def _answer(completion: object, prefill: str) -> dict[str, object]:
    item: dict[str, object] = {"completion": conversation(completion)}
    if prefill and not holds_reasoning(completion):
        item["prefill"] = prefill
    return item


def _add_prompts(items: list[dict[str, object]], prompts: Sequence[object], *, send: bool) -> None:
    groups: dict[str, str] = {}
    for item, prompt in zip(items, prompts, strict=True):
        text = prompt if isinstance(prompt, str) else repr(prompt)
        item["group"] = groups.setdefault(text, str(len(groups)))
        if send:
            item["prompt"] = conversation(prompt)


def _add_references(
    items: list[dict[str, object]],
    columns: Mapping[str, object],
    sources: Mapping[str, str],
    keys: ReferenceKeys,
) -> None:
    found = {key: _column(columns[column], column, len(items)) for key, column in sources.items()}
    for place, item in enumerate(items):
        reference = {key: values[place] for key, values in found.items()}
        # A dataset fills in None where a row lacks the column.
        item["reference"] = {
            key: _structure(value) if key in keys.structured else value
            for key, value in reference.items()
            if value is not None
        }


def _add_graders(items: list[dict[str, object]], columns: Mapping[str, object], name: str) -> None:
    if name not in columns:
        raise ValueError(
            f"graders_column={name!r}: the dataset has no such column; it has "
            f"{', '.join(sorted(columns)) or 'none beside the prompt'}"
        )
    for item, value in zip(items, _column(columns[name], name, len(items)), strict=True):
        if value is not None:
            item["graders"] = _structure(value)


def _structure(value: object) -> object:
    """What a text of JSON holds; anything else as it is, for the service to judge."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _column(values: object, name: str, count: int) -> Sequence[object]:
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise ValueError(f"{name} is of type {type(values).__name__}: pass a list")
    if len(values) != count:
        raise ValueError(f"{name} has {len(values)} values for {count} completions")
    return values
