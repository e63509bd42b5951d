"""Values of a user against the annotations of what takes them."""

from __future__ import annotations

import types
import typing

from trainer_client.train.errors import BadConfig

__all__ = ["check_kind"]


def check_kind(name: str, value: object, hint: object) -> None:
    """Refuse what no later check would name: a text for a number, a number for a claim."""
    kinds = set(_kinds(hint))
    if not isinstance(value, str | bool | int | float) or not kinds <= {str, bool, int, float}:
        return
    fits = type(value) in kinds or (isinstance(value, int) and float in kinds)
    if not fits or (isinstance(value, bool) and bool not in kinds):
        wanted = " or ".join(sorted(kind.__name__ for kind in kinds))
        raise BadConfig(f"{name} is {value!r}: give {wanted}")


def _kinds(hint: object) -> list[type]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [kind for one in typing.get_args(hint) for kind in _kinds(one)]
    if hint is type(None):
        return []
    return [hint] if isinstance(hint, type) else [object]
