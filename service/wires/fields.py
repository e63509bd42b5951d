"""What stands in a field of a request, where it is what is expected there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import JsonValue

from service.strict_json import BadJson, loads
from service.wires.contract import NotForUs

__all__ = ["list_at", "number_at", "object_at", "object_of", "unquoted"]

_NESTING = 32


# Any: the JSON of a request, here and below.
def object_of(body: Any, expected: str) -> Mapping[str, Any]:
    """The body, which must be an object with what is expected in it; raises NotForUs."""
    if not isinstance(body, dict):
        raise NotForUs(f"an object is expected: {expected}")
    return body


def object_at(body: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    """The object in the field, an empty one where there is none; raises NotForUs."""
    value = _there(body, field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise NotForUs(f"{field}: an object is expected")
    return value


def list_at(body: Mapping[str, Any], field: str) -> list[Any]:
    """The list in the field, an empty one where there is none; raises NotForUs."""
    value = _there(body, field)
    if value is None:
        return []
    if not isinstance(value, list):
        raise NotForUs(f"{field}: a list is expected")
    return value


def number_at(
    body: Mapping[str, Any], field: str, *, usual: float, within: Callable[[float], bool]
) -> float:
    """The number in the field, the usual one where there is none; raises NotForUs."""
    value = _there(body, field)
    if value is None:
        return usual
    if isinstance(value, bool) or not isinstance(value, int | float) or not within(value):
        raise NotForUs(f"{field}: a number is expected, such as {usual:g}")
    return float(value)


def unquoted(field: str, value: JsonValue, remedy: str) -> JsonValue:
    """The value, or what a text that is JSON says; raises NotForUs with the remedy."""
    if not isinstance(value, str):
        return value
    try:
        return loads(value.encode(), nesting=_NESTING)
    except BadJson:
        raise NotForUs(f"{field}: {remedy}") from None


def _there(body: Mapping[str, Any], field: str) -> Any:
    """What the last part of the field's name is in this object."""
    return body.get(field.rpartition(".")[2])
