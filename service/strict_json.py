"""JSON as strict as we need it: nothing that one reader takes for this and another for that."""

from __future__ import annotations

import itertools
import json
import math
import re
from typing import Any, Final, NamedTuple, TypeAlias

from pydantic import JsonValue

__all__ = ["BadJson", "SpoiledItem", "loads", "loads_batch"]

_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_LONGEST_INTEGER: Final = 20
# Each becomes an object, which may take fifty times its text: `[]` is three bytes with its comma.
# A list or an object counts twice, and so does each member of an object, for its name.
_MOST_VALUES: Final = 2**22
_INT64: Final = range(-(2**63), 2**63)
# The body's own object and the list of its items.
_LEVELS_ABOVE_ITEMS: Final = 2


class BadJson(ValueError):
    """The bytes are not the JSON we accept; the message says why and repeats none of them."""


class SpoiledItem(NamedTuple):
    """What stands for an item that is not the JSON we accept, and why it is not."""

    item_id: str | None
    message: str


class _Fault(NamedTuple):
    """What stands for a value that is not the JSON we accept."""

    message: str


# Any: JSON that may hold faults.
_Read: TypeAlias = Any


def loads(body: bytes, *, nesting: int) -> JsonValue:
    """The value of the body.

    Refused: what is not UTF-8, duplicate keys, NaN and infinities (also as 1e999), integers beyond
    64 bits, lone surrogates, nesting deeper than `nesting`, and millions of values.
    """
    read = _read(body, nesting=nesting)
    _check(read, nesting=nesting, surrogates=_SURROGATE.search(body) is not None)
    value: JsonValue = read
    return value


# Any: the JSON of a request, but for a SpoiledItem in place of some items.
def loads_batch(body: bytes, *, nesting: int) -> Any:
    """The value of the body as `loads` has it; a fault within one of its `items` spoils only that.

    In its place is a SpoiledItem.
    """
    read = _read(body, nesting=nesting)
    surrogates = _SURROGATE.search(body) is not None
    try:
        _check(read, nesting=nesting, surrogates=surrogates)
    except BadJson:
        items = read.get("items") if isinstance(read, dict) else None
        if not isinstance(items, list):
            raise
        _check(read | {"items": []}, nesting=nesting, surrogates=surrogates)
        sound = [_item(item, nesting=nesting, surrogates=surrogates) for item in items]
        return read | {"items": sound}
    return read


def _item(read: _Read, *, nesting: int, surrogates: bool) -> JsonValue | SpoiledItem:
    try:
        _check(read, nesting=nesting, surrogates=surrogates, levels=_LEVELS_ABOVE_ITEMS)
    except BadJson as error:
        return SpoiledItem(_item_id(read), str(error))
    item: JsonValue = read
    return item


def _item_id(read: _Read) -> str | None:
    item_id = read.get("id") if isinstance(read, dict) else None
    if not isinstance(item_id, str) or not _is_text(item_id):
        return None
    return item_id


def _has_too_many_values(body: bytes) -> bool:
    """Whether there are more than may be, without reading the body as JSON."""
    if _values(body) <= _MOST_VALUES:
        return False
    # Of a large batch nearly all commas and braces are in texts: what is between quotes goes.
    body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    # Each string is a value or a name, and has two quotes.
    if body.count(b'"') > 2 * (_MOST_VALUES + 1):
        return True
    return _values(b"".join(body.split(b'"')[::2])) > _MOST_VALUES


def _values(body: bytes) -> int:
    return sum(map(body.count, (b",", b":", b"[", b"{")))


def _read(body: bytes, *, nesting: int) -> _Read:
    if _has_too_many_values(body):
        raise BadJson(f"the body holds over {_MOST_VALUES} values: send it as several requests")
    try:
        return _DECODER.decode(body.decode())
    except UnicodeDecodeError as error:
        raise BadJson(f"the body is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise BadJson(f"the body is not JSON: {error.msg} at {place}") from None
    except RecursionError:
        raise BadJson(_too_deep(nesting)) from None


def _object(pairs: list[tuple[str, _Read]]) -> dict[str, _Read] | _Fault:
    value = dict(pairs)
    return value if len(value) == len(pairs) else _Fault("an object has the same key twice")


def _constant(_: str) -> _Fault:
    return _Fault("NaN and Infinity are not JSON: write null or leave the field out")


def _float(text: str) -> float | _Fault:
    number = float(text)
    if math.isfinite(number):
        return number
    return _Fault("a number is too large for a double: write it as a string")


def _integer(text: str) -> int | _Fault:
    if len(text) > _LONGEST_INTEGER or (number := int(text)) not in _INT64:
        return _Fault("an integer has more than 64 bits: write it as a string")
    return number


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_float=_float, parse_int=_integer
)


def _too_deep(nesting: int) -> str:
    return f"the body is nested deeper than {nesting} levels"


def _check(read: _Read, *, nesting: int, surrogates: bool, levels: int = 0) -> None:
    """Raise BadJson at a fault; `levels` are above what is looked at."""
    level = [] if isinstance(read, _SCALARS) else [read]
    if surrogates and isinstance(read, str) and not _is_text(read):
        raise BadJson(_HALF_A_PAIR)
    for depth in itertools.count(levels):
        deeper: list[_Read] = []
        for container in level:
            if isinstance(container, _Fault):
                raise BadJson(container.message)
            if depth == nesting:
                raise BadJson(_too_deep(nesting))
            if surrogates:
                _check_strings(container)
            values = container.values() if isinstance(container, dict) else container
            deeper += [value for value in values if not isinstance(value, _SCALARS)]
        if not deeper:
            return
        level = deeper


_SCALARS: Final = (str, int, float, type(None))
_HALF_A_PAIR: Final = "a string holds half of a surrogate pair"


def _check_strings(container: dict[str, _Read] | list[_Read]) -> None:
    texts = [*container, *container.values()] if isinstance(container, dict) else container
    if not all(_is_text(text) for text in texts if isinstance(text, str)):
        raise BadJson(_HALF_A_PAIR)


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
