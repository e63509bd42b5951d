"""The points where expressions are tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Final, NamedTuple, TypeAlias

__all__ = ["Place", "Plane", "Point", "kink_points", "points", "whole_points"]


class Plane(NamedTuple):
    """A complex number with rational parts."""

    re: Fraction
    im: Fraction


Place: TypeAlias = Fraction | Plane
Point: TypeAlias = Mapping[str, Place]
"""A number for every symbol."""

_SMALL, _MIDDLE, _LARGE = 0, 1, 2
_REGIONS: Final = (
    (_MIDDLE, 0b0000), (_MIDDLE, 0b1111), (_SMALL, 0b0000), (_LARGE, 0b0101), (_SMALL, 0b1010),
    (_LARGE, 0b0000), (_SMALL, 0b0000), (_MIDDLE, 0b0000), (_LARGE, 0b1111), (_SMALL, 0b0101),
    (_MIDDLE, 0b0110), (_SMALL, 0b1111), (_LARGE, 0b0000), (_SMALL, 0b0000),
)  # fmt: skip
"""Sizes, and which of each four symbols are negative."""
_INTEGERS: Final = (3, 8, 1, 6, 13, 22, 5, 12, 2, 15, 10, -3, 7, -8, 4, -5, 9)
"""All remainders by 4 and by 6 among the first; as many as a prime, so that all steps go round."""
_CORNERS: Final = 8


def points(names: tuple[str, ...], turned: frozenset[str] = frozenset()) -> Iterator[Point]:
    """Points of all signs and of three sizes, for each symbol another; one for constants.

    The symbols in `turned` get complex numbers.
    """
    if not names:
        yield {}
        return
    for row in range(len(_REGIONS)):
        yield {
            name: _turned(value, row) if name in turned else value
            for name, value in _regular(names, row).items()
        }


def whole_points(names: tuple[str, ...], whole: frozenset[str]) -> Iterator[Point]:
    """Points where the symbols in `whole` are integers of either parity, some negative."""
    for row in range(len(_INTEGERS)):
        point: dict[str, Place] = dict(_regular(names, row))
        for column, name in enumerate(sorted(whole)):
            step = row * (column + 1) + 5 * column
            point[name] = Fraction(_INTEGERS[step % len(_INTEGERS)])
        yield point


def kink_points(
    names: tuple[str, ...],
    places: tuple[Fraction, ...],
    *,
    whole: frozenset[str],
    turned: frozenset[str],
) -> Iterator[Point]:
    """Points on all sides of the places, far ones in every corner first."""
    for row in range(_CORNERS if len(names) > 1 else 2):
        yield _kept(names, [places[0] * (-1 if row >> c & 1 else 1) for c in range(len(names))],
                    whole=whole, turned=turned)  # fmt: skip
    for row in range(2, 2 * len(places)):
        values = []
        for column in range(len(names)):
            value = places[(row // 2 * (2 * column + 1) + 3 * column) % len(places)]
            values.append(-value if row >> column & 1 else value)
        yield _kept(names, values, whole=whole, turned=turned)


def _kept(
    names: tuple[str, ...],
    values: list[Fraction],
    *,
    whole: frozenset[str],
    turned: frozenset[str],
) -> Point:
    """The values as places, told apart a little so that no two symbols share one."""
    point: dict[str, Place] = {}
    for column, (name, value) in enumerate(zip(names, values, strict=True)):
        apart = value * Fraction(97 + column, 97)
        if name in whole:
            point[name] = Fraction(apart.__floor__())
        else:
            point[name] = _turned(apart, column) if name in turned else apart
    return point


def _regular(names: tuple[str, ...], row: int) -> dict[str, Fraction]:
    size, signs = _REGIONS[row % len(_REGIONS)]
    point: dict[str, Fraction] = {}
    for column, name in enumerate(names):
        # Coprime steps, so that no two symbols and no two points share a value.
        part = Fraction((37 * row + 71 * column + 13) % 89 + 5, 97)
        value = (part, 1 + 3 * part, 5 + 20 * part)[size]
        point[name] = -value if signs >> (column % 4) & 1 else value
    return point


def _turned(value: Fraction, row: int) -> Plane:
    """A complex number about as large, in one of four quadrants."""
    part = value * Fraction(2 * row + 5, 11 + row)
    return Plane(value, -part if row // 2 & 1 else part)
