"""A trainer's columns into items."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence, Sized
from typing import NamedTuple, NoReturn, TypeVar

from trainer_client.remote_reward.messages import conversation, holds_reasoning
from trainer_client.remote_reward.references import ReferenceKeys, columns_by_key

__all__ = ["Layout", "Samples", "items_of"]

_Result = TypeVar("_Result")


class Layout(NamedTuple):
    """Where in a trainer's columns the parts of an item lie, and which of them are sent."""

    columns: Mapping[str, str]
    graders_column: str | None = None
    prefill: str = ""
    send_prompts: bool = True
    drop_nulls: bool = False
    """Whether a key that is None in an object is the padding of a table, and no value."""


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
            if isinstance(one, Sized):
                item["completion_tokens"] = len(one)
    _add_references(items, samples.columns, layout, keys)
    if layout.graders_column is not None:
        _add_graders(items, samples.columns, layout, layout.graders_column)
    if samples.prompts is not None:
        prompts = _column(samples.prompts, "prompts", len(items))
        _add_prompts(items, prompts, send=layout.send_prompts)
    return items


def _answer(completion: object, prefill: str) -> dict[str, object]:
    item: dict[str, object] = {"completion": conversation(completion)}
    if prefill and not holds_reasoning(completion):
        item["prefill"] = prefill
    return item


def _add_prompts(items: list[dict[str, object]], prompts: Sequence[object], *, send: bool) -> None:
    """A group for each prompt with its reference: two tasks may ask the same of other pictures."""
    groups: dict[Hashable, str] = {}
    for item, prompt in zip(items, prompts, strict=True):
        sent = conversation(prompt)
        # Equal references are one object.
        key = (_key(sent), *_pictures(prompt), id(item["reference"]))
        item["group"] = groups.setdefault(key, str(len(groups)))
        if send:
            item["prompt"] = sent


def _key(value: object) -> Hashable:
    return value if isinstance(value, str) else (type(value), repr(value))


def _pictures(prompt: object) -> Iterator[str]:
    """What tells apart the pictures of a prompt, which are not sent."""
    for message in prompt if isinstance(prompt, list | tuple) else ():
        content = message.get("content") if isinstance(message, Mapping) else None
        for block in content if isinstance(content, list | tuple) else ():
            for part in block.values() if isinstance(block, Mapping) else ():
                if callable(pixels := getattr(part, "tobytes", None)):
                    yield hashlib.sha256(pixels()).hexdigest()


def _add_references(
    items: list[dict[str, object]],
    columns: Mapping[str, object],
    layout: Layout,
    keys: ReferenceKeys,
) -> None:
    sources = columns_by_key(keys, layout.columns, columns)
    found = {key: _column(columns[column], column, len(items)) for key, column in sources.items()}
    structured = _once(lambda value: _structure(value, drop_nulls=layout.drop_nulls))
    plain = _once(lambda value: _unpadded(value) if layout.drop_nulls else value)
    key_of = _once(_key)
    read = {
        key: [*map(structured if key in keys.structured else plain, values)]
        for key, values in found.items()
    }
    known: dict[Hashable, Mapping[str, object]] = {}
    for place, item in enumerate(items):
        # A dataset fills in None where a row lacks the column.
        reference = {
            key: values[place] for key, values in read.items() if values[place] is not None
        }
        name = tuple([(key, key_of(value)) for key, value in reference.items()])
        item["reference"] = known.setdefault(name, reference)


def _add_graders(
    items: list[dict[str, object]], columns: Mapping[str, object], layout: Layout, name: str
) -> None:
    if name not in columns:
        raise ValueError(
            f"graders_column={name!r}: the dataset has no such column; it has "
            f"{', '.join(sorted(columns)) or 'none beside the prompt'}"
        )
    for item, value in zip(items, _column(columns[name], name, len(items)), strict=True):
        if value is not None:
            item["graders"] = _structure(value, drop_nulls=layout.drop_nulls)


def _once(work: Callable[[object], _Result]) -> Callable[[object], _Result]:
    """The work done once for each value: a batch holds each of its tasks many times over."""
    done: dict[Hashable, tuple[object, _Result]] = {}

    def result(value: object) -> _Result:
        key = value if isinstance(value, str) else id(value)
        if key not in done:
            done[key] = value, work(value)  # holding the value keeps its id its own
        return done[key][1]

    return result


def _structure(value: object, *, drop_nulls: bool) -> object:
    """What a text of JSON holds; anything else as it is, for the service to judge."""
    if not isinstance(value, str):
        return _unpadded(value) if drop_nulls else value
    try:
        return json.loads(value, parse_constant=_no_such_number)
    except (ValueError, RecursionError):
        return value


def _unpadded(value: object) -> object:
    """The value without the keys that are None: Arrow gives all objects of a column all keys."""
    if isinstance(value, Mapping):
        return {key: _unpadded(part) for key, part in value.items() if part is not None}
    return [_unpadded(part) for part in value] if isinstance(value, list) else value


def _no_such_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _column(values: object, name: str, count: int) -> Sequence[object]:
    if not isinstance(values, Sequence) or isinstance(values, str):
        if not callable(to_list := getattr(values, "tolist", None)):
            raise ValueError(f"{name} is of type {type(values).__name__}: pass a list")
        return _column(to_list(), name, count)
    if len(values) != count:
        raise ValueError(f"{name} has {len(values)} values for {count} completions")
    return values
