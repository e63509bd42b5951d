"""One field of an answer, of the type it must have, or a BadResponse that names it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NoReturn

from trainer_client.errors import BadResponse
from trainer_client.verdicts import Outcome, ReferenceOutcome

__all__ = [
    "as_object",
    "claim_at",
    "list_at",
    "number_at",
    "number_or_none_at",
    "numbers_or_none_at",
    "object_at",
    "outcome_at",
    "places_at",
    "reference_outcome_at",
    "text_at",
    "text_or_none_at",
    "texts_at",
]


def outcome_at(fields: Mapping[str, object], where: str) -> Outcome:
    """The field `outcome`."""
    match _at(fields, "outcome", where):
        case "graded" | "ungradable" | "failed" as outcome:
            return outcome
        case _:
            return _wrong(f"{where}.outcome", "graded, ungradable or failed")


def reference_outcome_at(fields: Mapping[str, object], where: str) -> ReferenceOutcome:
    """The field `outcome` of a verdict on a reference."""
    match _at(fields, "outcome", where):
        case "gradable" | "ungradable" | "failed" as outcome:
            return outcome
        case _:
            return _wrong(f"{where}.outcome", "gradable, ungradable or failed")


def text_at(fields: Mapping[str, object], key: str, where: str) -> str:
    """A string."""
    value = fields.get(key)
    if isinstance(value, str):  # before all else, for there are thousands of them in an answer
        return value
    return _wrong_at(fields, key, where, wanted="a string")


def text_or_none_at(fields: Mapping[str, object], key: str, where: str) -> str | None:
    """A string or null."""
    value = fields.get(key)
    if isinstance(value, str) or (value is None and key in fields):
        return value
    return _wrong_at(fields, key, where, wanted="a string or null")


def claim_at(fields: Mapping[str, object], key: str, where: str) -> bool:
    """True or false."""
    value = fields.get(key)
    if isinstance(value, bool):
        return value
    return _wrong_at(fields, key, where, wanted="true or false")


def number_or_none_at(fields: Mapping[str, object], key: str, where: str) -> float | None:
    """A finite number or null."""
    return _finite_or_none(_at(fields, key, where), f"{where}.{key}")


def _finite_or_none(value: object, where: str) -> float | None:
    # bool is an int to Python; 1e999 is JSON, and an infinity to Python.
    if value is None or (type(value) is float and math.isfinite(value)):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:  # more than 308 digits
            pass
    return _wrong(where, "a finite number or null")


def numbers_or_none_at(
    fields: Mapping[str, object], key: str, where: str
) -> tuple[float | None, ...]:
    """A list of finite numbers and nulls."""
    values = list_at(fields, key, where)
    return tuple(
        _finite_or_none(value, f"{where}.{key}[{index}]") for index, value in enumerate(values)
    )


def places_at(fields: Mapping[str, object], key: str, where: str) -> tuple[int, ...]:
    """A list of integers from 0 up."""
    values = list_at(fields, key, where)
    places = tuple(
        one for one in values if isinstance(one, int) and not isinstance(one, bool) and one >= 0
    )
    return places if len(places) == len(values) else _wrong(f"{where}.{key}", "a list of places")


def list_at(fields: Mapping[str, object], key: str, where: str) -> list[object]:
    """A list."""
    value = fields.get(key)
    if isinstance(value, list):
        return value
    return _wrong_at(fields, key, where, wanted="a list")


def object_at(fields: Mapping[str, object], key: str, where: str) -> dict[str, object]:
    """An object."""
    return as_object(_at(fields, key, where), f"{where}.{key}")


def as_object(value: object, where: str) -> dict[str, object]:
    """An object, not from a field but as it is."""
    return value if isinstance(value, dict) else _wrong(where, "an object")


def texts_at(fields: Mapping[str, object], key: str, where: str) -> tuple[str, ...]:
    """A list of strings."""
    values = list_at(fields, key, where)
    if not values:
        return ()
    texts = tuple(value for value in values if isinstance(value, str))
    return texts if len(texts) == len(values) else _wrong(f"{where}.{key}", "a list of strings")


def number_at(fields: Mapping[str, object], key: str, where: str) -> float:
    """A finite number."""
    value = number_or_none_at(fields, key, where)
    return _wrong(f"{where}.{key}", "a finite number") if value is None else value


def _at(fields: Mapping[str, object], key: str, where: str) -> object:
    if key not in fields:
        raise BadResponse(f"{where} lacks {key!r}: is the service of another version?")
    return fields[key]


def _wrong_at(fields: Mapping[str, object], key: str, where: str, *, wanted: str) -> NoReturn:
    _at(fields, key, where)
    _wrong(f"{where}.{key}", wanted)


def _wrong(where: str, wanted: str) -> NoReturn:
    raise BadResponse(f"{where} is not {wanted}: is the service of another version?")
