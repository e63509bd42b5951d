"""Validation errors as one field and one sentence, without repeating the input."""

from __future__ import annotations

import re
from typing import Final

from pydantic import ValidationError

__all__ = ["FieldError", "first_error"]

FieldError = dict[str, str]
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_\[\]-]{0,47}")


def first_error(error: ValidationError, *, within: str = "", skip: int = 0) -> FieldError:
    """The first complaint: `field` is its path below `within`, `message` what was expected."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    message = "unknown field" if first["type"] == "extra_forbidden" else first["msg"]
    return {"field": _path(within, first["loc"][skip:]), "message": message}


def _path(within: str, location: tuple[int | str, ...]) -> str:
    path = within
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            # A key is the sender's text: only what looks like a name is said again.
            name = part if _PLAIN_NAME.fullmatch(part) else "?"
            path += f".{name}" if path else name
    return path
