"""From what `ast.literal_eval` makes of a reference's text to the notation."""

from __future__ import annotations

import binascii
import math

from pydantic import JsonValue

from graders.programs.plain.trees import MOST_DEPTH

__all__ = ["LiteralOfOthers", "json_of_literal"]


class LiteralOfOthers(Exception):
    """A value that no Python literal has, or one that is too deep."""


def json_of_literal(value: object, depth: int = 0) -> JsonValue:
    """The notation of a value made of builtin ones."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return {"$int": f"{value:x}"}
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, complex):
        return {"$complex": [json_of_literal(value.real), json_of_literal(value.imag)]}
    if isinstance(value, bytes):
        return {"$bytes": binascii.b2a_base64(value, newline=False).decode()}
    if value is ...:
        return {"$ellipsis": None}
    return _container(value, depth + 1)


def _container(value: object, depth: int) -> JsonValue:
    if depth > MOST_DEPTH:
        raise LiteralOfOthers(f"deeper than {MOST_DEPTH}")
    if isinstance(value, dict):
        pairs: list[JsonValue] = [
            [json_of_literal(key, depth), json_of_literal(item, depth)]
            for key, item in value.items()
        ]
        return {"$dict": pairs}
    if not isinstance(value, list | tuple | set):
        raise LiteralOfOthers(f"{type(value).__name__} is no literal")
    items = [json_of_literal(item, depth) for item in value]
    return items if isinstance(value, list) else {f"${type(value).__name__}": items}
