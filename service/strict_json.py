"""JSON as strict as we need it: nothing that one reader takes for this and another for that."""

from __future__ import annotations

import json
import math
import re
from typing import Final, NoReturn

from pydantic import JsonValue

__all__ = ["BadJson", "loads"]

_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_LONGEST_INTEGER: Final = 20
_INT64: Final = range(-(2**63), 2**63)


class BadJson(ValueError):
    """The bytes are not the JSON we accept; the message says why and repeats none of them."""


def loads(body: bytes, *, nesting: int) -> JsonValue:
    """The value of the body.

    Refused: what is not UTF-8, duplicate keys, NaN and infinities (also as 1e999), integers beyond
    64 bits, lone surrogates, nesting deeper than `nesting`.
    """
    try:
        value: JsonValue = json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
            parse_int=_integer,
        )
    except UnicodeDecodeError as error:
        raise BadJson(f"the body is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise BadJson(f"the body is not JSON: {error.msg} at {place}") from None
    except RecursionError:
        raise _too_deep(nesting) from None
    _check(value, nesting=nesting, surrogates=_SURROGATE.search(body) is not None)
    return value


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise BadJson("an object has the same key twice")
    return value


def _constant(_: str) -> NoReturn:
    raise BadJson("NaN and Infinity are not JSON: write null or leave the field out")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise BadJson("a number is too large for a double: write it as a string")
    return number


def _integer(text: str) -> int:
    if len(text) > _LONGEST_INTEGER or int(text) not in _INT64:
        raise BadJson("an integer has more than 64 bits: write it as a string")
    return int(text)


def _too_deep(nesting: int) -> BadJson:
    return BadJson(f"the body is nested deeper than {nesting} levels")


def _check(value: JsonValue, *, nesting: int, surrogates: bool) -> None:
    level: list[JsonValue] = [value]
    for _ in range(nesting):
        deeper: list[JsonValue] = []
        for container in level:
            if isinstance(container, dict):
                if surrogates:
                    _check_strings(container)
                deeper += [v for v in container.values() if not isinstance(v, _SCALARS)]
            elif isinstance(container, list):
                if surrogates:
                    _check_strings(container)
                deeper += [v for v in container if not isinstance(v, _SCALARS)]
        if not deeper:
            return
        level = deeper
    raise _too_deep(nesting)


_SCALARS: Final = (str, int, float, type(None))


def _check_strings(container: dict[str, JsonValue] | list[JsonValue]) -> None:
    texts = [*container, *container.values()] if isinstance(container, dict) else container
    try:
        for text in texts:
            if isinstance(text, str):
                text.encode()
    except UnicodeEncodeError:
        raise BadJson("a string holds half of a surrogate pair") from None
