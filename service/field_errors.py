"""Validation errors as one field and one sentence, without repeating the input."""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from pydantic import ValidationError

__all__ = ["FieldError", "first_error"]

FieldError: TypeAlias = dict[str, str]

_Location: TypeAlias = tuple[int | str, ...]
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,47}")
# How pydantic names the members of a union in a location; no field of ours is called so.
_UNION_MEMBER: Final = re.compile(r"(constrained-)?(str|int|float|bool|list|dict)(\[.*\])?")
_EXPECTED: Final = "Input should be "


def first_error(error: ValidationError, *, within: str = "") -> FieldError:
    """The first complaint: `field` is its path below `within`, `message` what was expected."""
    complaints = error.errors(include_input=False, include_url=False, include_context=False)
    first = complaints[0]
    if first["type"] == "extra_forbidden":
        return {"field": _path(within, first["loc"]), "message": "unknown field"}
    field = _path(within, first["loc"])
    # A union complains once per member.
    messages = [c["msg"] for c in complaints if _path(within, c["loc"]) == field]
    expected = [m.removeprefix(_EXPECTED) for m in messages if m.startswith(_EXPECTED)]
    if len(expected) > 1:
        return {"field": field, "message": _EXPECTED + " or ".join(dict.fromkeys(expected))}
    return {"field": field, "message": messages[0]}


def _path(within: str, location: _Location) -> str:
    path = within
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif _UNION_MEMBER.fullmatch(part) is None:
            # A key is the sender's text: only what looks like a name is said again.
            name = part if _PLAIN_NAME.fullmatch(part) else "?"
            path += f".{name}" if path else name
    return path
