"""Runs in the box of the tests: `approx` as pytest has it, for plain data alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from graders.programs.boxed.mirrors import state_of

__all__ = ["Approx"]

# Any: numbers, and what holds them.
_Value = Any

_REL = 1e-6
_ABS = 1e-12


def _is_number(value: _Value) -> bool:
    kind = type(value)
    return kind in (int, float, complex) or (kind.__module__, kind.__name__) in _NUMBER_CLASSES


_NUMBER_CLASSES = (("decimal", "Decimal"), ("fractions", "Fraction"))


class Approx:
    """Equal to numbers near the expected one, and to lists, tuples and dicts of such."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        expected: _Value,
        rel: _Value = None,
        abs: _Value = None,
        nan_ok: bool = False,
    ) -> None:
        self._expected = expected
        self._rel = rel
        self._abs = abs
        self._nan_ok = nan_ok

    def __eq__(self, actual: object) -> bool:
        return self._is_near(actual, self._expected)

    def __repr__(self) -> str:
        return f"approx({self._expected!r})"

    def _is_near(self, actual: _Value, expected: _Value) -> bool:
        if state_of(actual) is not None or state_of(expected) is not None:
            # Nothing that lives with the program is asked how far it is from a value of the tests.
            return False
        if isinstance(expected, (list, tuple)):
            return (
                isinstance(actual, (list, tuple))
                and len(actual) == len(expected)
                and all(map(self._is_near, actual, expected))
            )
        if isinstance(expected, Mapping):
            return (
                isinstance(actual, Mapping)
                and actual.keys() == expected.keys()
                and all(self._is_near(actual[key], expected[key]) for key in expected)
            )
        if _is_number(expected) and _is_number(actual):
            return self._is_near_number(actual, expected)
        return bool(actual == expected)

    def _is_near_number(self, actual: _Value, expected: _Value) -> bool:
        if actual == expected:
            return True
        if expected != expected:
            return self._nan_ok and bool(actual != actual)
        if not math.isfinite(abs(expected)):
            return False
        return bool(abs(expected - actual) <= self._tolerance(expected))

    def _tolerance(self, expected: _Value) -> _Value:
        kind = float if type(expected) is int else type(abs(expected))
        absolute = kind(_ABS if self._abs is None else self._abs)
        if self._rel is None and self._abs is not None:
            return absolute
        return max(kind(_REL if self._rel is None else self._rel) * abs(expected), absolute)
