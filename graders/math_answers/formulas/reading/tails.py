"""What may follow a value at the end of a side: a unit, a counted thing."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from graders.math_answers.formulas.reading.cursor import Cursor
from graders.math_answers.formulas.reading.lexer import END
from graders.math_answers.formulas.tree import Expression, Measured, Number, Product
from graders.math_answers.units import SCALES, unit_of

__all__ = ["compound", "measured", "unit_ahead"]

_TAIL: Final = re.compile(r"[A-Za-z][A-Za-z.'/° ^{}0-9-]{0,59}")
_COMPOUND: Final = re.compile(
    r"([0-9]{1,9}) ([A-Za-z]{1,12}),? ?(?:and )?([0-9]{1,9}(?:\.[0-9]{1,9})?) ([A-Za-z]{1,12})"
)
_SIDE_STARTS: Final = frozenset(("=", ",", ";", "<", ">", "<=", ">=", "in"))
_MAX_LOOK_BACK: Final = 40
_AFTER: Final = frozenset(",;)]=<> \\&")
_STOP: Final = re.compile(r" (?:and|or) ")


def unit_ahead(cursor: Cursor) -> bool:
    """Whether the rest of the side is a unit or counted things; if so, stand behind it."""
    if cursor.nesting > cursor.side_nesting or cursor.unit not in (None, "dollar"):
        return False
    kind = cursor.kinds[cursor.at]
    if kind not in ("w", "u", "l", "f", "in"):
        return False
    start = cursor.starts[cursor.at]
    if kind in ("l", "f") and cursor.text[start - 1] != " ":
        return False
    tail = _tail(cursor, start)
    if tail is None or (kind == "l" and (_is_product(tail) or _has_letters(cursor))):
        return False
    unit = unit_of(f" {tail}")
    if unit is None or (cursor.unit and (unit.multiplier == 1 or unit.name not in ("", "dollar"))):
        return False
    name = cursor.unit or unit.name
    end = start + len(tail)
    while cursor.starts[cursor.at] < end and cursor.kinds[cursor.at] != END:
        cursor.at += 1
    cursor.unit = name if unit.multiplier == 1 else f"{unit.multiplier} {name}"
    return True


def measured(value: Expression, unit: str) -> Measured:
    """A value with its unit, multiplied out where the unit says "million"."""
    multiplier, _, name = unit.rpartition(" ")
    if not multiplier.isdigit():
        return Measured(value, unit)
    factor = int(multiplier)
    if isinstance(value, Number):
        return Measured(Number(value.value * factor), name)
    return Measured(Product((value, Number(Fraction(factor)))), name)


def _tail(cursor: Cursor, start: int) -> str | None:
    """The text up to the end of the side, if it could be words."""
    match = _TAIL.match(cursor.text, start)
    if match is None:
        return None
    tail = match[0]
    stop = _STOP.search(tail)
    if stop:
        tail = tail[: stop.start()]
    following = cursor.text[start + len(tail) : start + len(tail) + 1]
    return tail.rstrip(" ") if following == "" or following in _AFTER else None


def _has_letters(cursor: Cursor) -> bool:
    r"""Whether unknowns stand before: the last letter of `2\pi r h` is one of them, no unit."""
    at = cursor.at - 1
    while at >= 0 and cursor.at - at < _MAX_LOOK_BACK and cursor.kinds[at] not in _SIDE_STARTS:
        if cursor.kinds[at] == "l":
            return True
        at -= 1
    return False


def compound(normal: str) -> Measured | None:
    """`4 hours 30 minutes` and `5 feet and 3 inches`, in the smaller of the two units."""
    match = _COMPOUND.fullmatch(normal)
    if match is None:
        return None
    first, second = unit_of(f" {match[2]}"), unit_of(f" {match[4]}")
    if first is None or second is None:
        return None
    large, small = SCALES.get(first.name), SCALES.get(second.name)
    if large is None or small is None or large.dimension != small.dimension:
        return None
    if large.factor <= small.factor:
        return None
    value = Fraction(match[1]) * large.factor / small.factor + Fraction(match[3])
    return Measured(Number(value), second.name)


def _is_product(tail: str) -> bool:
    """Letters that are no known unit and no word."""
    if " " in tail:
        return True
    unit = unit_of(f" {tail}")
    return unit is None or (not unit.name and unit.multiplier == 1)
