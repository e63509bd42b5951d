"""Validation errors as one field and one sentence, without repeating the input."""

from __future__ import annotations

import re
from typing import Final, TypeAlias

from pydantic import ValidationError

__all__ = ["FieldError", "crowded", "first_error"]

FieldError: TypeAlias = dict[str, str]

_Location: TypeAlias = tuple[int | str, ...]
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,47}")
# How pydantic names the members of a union in a location; no field of ours is called so.
_UNION_MEMBER: Final = re.compile(r"(constrained-)?(str|int|float|bool|list|dict)(\[.*\])?")
_MOST_COMPLAINTS: Final = 100
# Far more than any object has whose fields are ours to name.
_MOST_FIELDS: Final = 32
_EXPECTED: Final = "Input should be "
# The name of a class says nothing to a sender of JSON.
_CLASS: Final = re.compile(r" or instance of \w+$")


def first_error(error: ValidationError, *, within: str = "") -> FieldError:
    """The first complaint: `field` is its path below `within`, `message` what was expected.

    Of very many none is looked at: each would become an object first.
    """
    if error.error_count() > _MOST_COMPLAINTS:
        return {"field": within, "message": f"{error.error_count()} faults: too many to name one"}
    complaints = error.errors(include_input=False, include_url=False, include_context=False)
    first = complaints[0]
    if first["type"] == "extra_forbidden":
        return {"field": _path(within, first["loc"]), "message": "unknown field"}
    field = _path(within, first["loc"])
    # A union complains once per member.
    messages = [_CLASS.sub("", c["msg"]) for c in complaints if _path(within, c["loc"]) == field]
    expected = [m.removeprefix(_EXPECTED) for m in messages if m.startswith(_EXPECTED)]
    if len(expected) > 1:
        return {"field": field, "message": _EXPECTED + " or ".join(dict.fromkeys(expected))}
    return {"field": field, "message": messages[0]}


def crowded(value: object) -> FieldError | None:
    """What is wrong with JSON of which some object has more fields than any of ours.

    Asked before it is validated, where every unknown field would make a complaint.
    """
    if not isinstance(value, dict):
        return None
    calls = value.get("graders")
    named = [("", value), ("group_tokens", value.get("group_tokens"))]
    if isinstance(calls, list):
        named += [(f"graders[{place}]", call) for place, call in enumerate(calls)]
    for field, fields in named:
        if isinstance(fields, dict) and len(fields) > _MOST_FIELDS:
            return {"field": field, "message": f"{len(fields)} fields: most of them unknown"}
    return None


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
