"""What may follow a value at the end of a side: a unit, a counted thing."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from graders.math_answers.formulas.reading.cursor import Cursor
from graders.math_answers.formulas.reading.lexer import END
from graders.math_answers.formulas.tree import Expression, Measured, Number, Product, Words
from graders.math_answers.units import COUNTED, Unit, conversion, unit_of

__all__ = ["compound", "degrees_ahead", "measured", "prose_behind", "unit_ahead"]

_TAIL: Final = re.compile(r"[A-Za-z](?:[A-Za-z.'\u2019/° ^{}0-9*-]|\\cdot ?(?=[A-Za-z])){0,59}")
_COMPOUND: Final = re.compile(
    r"([0-9]{1,9}) ([A-Za-z]{1,12}),? ?(?:and )?([0-9]{1,9}(?:\.[0-9]{1,9})?) ([A-Za-z]{1,12})"
)
_SIDE_STARTS: Final = frozenset(("=", ",", ";", "<", ">", "<=", ">=", "in"))
_MAX_LOOK_BACK: Final = 40
_AFTER: Final = frozenset(",;)]=<> \\&")
_COMPOSED: Final = re.compile(r"[/^]| per ")
_COPULA: Final = re.compile(r" (?:is|are|be)(?: an?)? ")
_PROSE_ENDS: Final = frozenset(("", ",", ";", ")", "]", "\\", "&", " "))
_TEMPERATURES: Final = {
    "C": "celsius", "celsius": "celsius", "centigrade": "celsius", "F": "fahrenheit",
    "fahrenheit": "fahrenheit",
}  # fmt: skip
_SIDE_END_TEXTS: Final = frozenset(("", "=", ",", ";", ")", "]", "\\approx", "and", "or"))
_LONG: Final = re.compile(r"(?<=[})])(?:cups?|days?|mol|gal|rad|min|sec|atm)(?![A-Za-z])")
"""Units that no product of letters is written like, behind a bracket that takes the space."""

_STOP: Final = re.compile(r" (?:and|or) ")


def unit_ahead(cursor: Cursor) -> bool:
    """Whether the rest of the side is a unit or counted things; if so, stand behind it."""
    if cursor.nesting > cursor.side_nesting or cursor.unit not in (None, "dollar", "%"):
        return False
    kind = cursor.kinds[cursor.at]
    if kind not in ("w", "u", "l", "f", "in"):
        return False
    start = cursor.starts[cursor.at]
    if kind in ("l", "f") and cursor.text[start - 1] != " " and not _LONG.match(cursor.text, start):
        return False
    tail = _tail(cursor, start)
    if tail is None or (kind == "l" and (_is_product(cursor, tail) or _has_letters(cursor))):
        return False
    unit = _unit(cursor, tail)
    if unit is None or (unit.name == COUNTED and _is_lone_symbol(cursor)):
        return False
    name = unit.name
    end = start + len(tail)
    while cursor.starts[cursor.at] < end and cursor.kinds[cursor.at] != END:
        cursor.at += 1
    cursor.unit = name if unit.multiplier == 1 else f"{unit.multiplier} {name}"
    return True


def measured(value: Expression, unit: str) -> Expression | Measured:
    """A value with its unit, multiplied out where the unit says "million"."""
    multiplier, _, name = unit.partition(" ")
    if not multiplier.isdigit():
        return Measured(value, unit) if unit else value
    factor = int(multiplier)
    if isinstance(value, Number):
        return measured(Number(value.value * factor), name)
    return measured(Product((value, Number(Fraction(factor)))), name)


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
    first, second = unit_of(match[2], single=True), unit_of(match[4], single=True)
    if first is None or second is None:
        return None
    factor = conversion(second.name, first.name)
    if factor is None or factor <= 1:
        return None
    value = Fraction(match[1]) * factor + Fraction(match[3])
    return Measured(Number(value), second.name)


def _is_product(cursor: Cursor, tail: str) -> bool:
    """Letters that are no known unit: `a b`, but not `m per second`."""
    unit = unit_of(tail, single=_is_single(cursor))
    if unit is None or not unit.name:
        return True
    if unit.name == COUNTED:
        return cursor.kinds[cursor.at - 1] != "n"
    return " " in tail and not _COMPOSED.search(tail)


def _unit(cursor: Cursor, tail: str) -> Unit | None:
    """The unit that a tail names, together with the money sign before the number."""
    unit = unit_of(tail, single=_is_single(cursor))
    if cursor.unit is None:
        return unit
    if cursor.unit == "%":
        is_whole = cursor.kinds[cursor.at - 1] == "%" and tail.startswith("of ")
        is_read = unit is not None or unit_of(tail.removeprefix("of ")) is not None
        return Unit("1 %") if is_whole and is_read else None
    if unit is not None and (unit.multiplier > 1 or unit.name == "dollar"):
        return unit._replace(name="dollar") if unit.name in ("", "dollar") else None
    return unit_of(f"dollars {tail}")


def _is_single(cursor: Cursor) -> bool:
    """Whether a lone 1 or a fraction stands before: one thing or a part of one."""
    at = cursor.at - 1
    is_one = cursor.texts[at] == "1" and (at == 0 or cursor.kinds[at - 1] in _SIDE_STARTS)
    is_half = cursor.kinds[at] == "}" and "frac" in cursor.kinds[:at]
    return is_one or is_half or (cursor.kinds[at - 1] == "/" and at > 1)


def _is_lone_symbol(cursor: Cursor) -> bool:
    """Whether one letter is all that stands before: what follows is a condition on it."""
    at = cursor.at - 1
    return cursor.kinds[at] == "l" and (at == 0 or cursor.kinds[at - 1] in _SIDE_STARTS)


def prose_behind(cursor: Cursor, start: int) -> Words | None:
    """A side that words go on behind its value, as words: `n odd`, `3 wrong`."""
    match = _TAIL.match(cursor.text, cursor.starts[cursor.at])
    if cursor.kinds[cursor.at] != "w" or match is None:
        return None
    stop = _STOP.search(match[0])
    end = match.start() + (stop.start() if stop else len(match[0]))
    if cursor.text[end : end + 1] not in _PROSE_ENDS:
        return None
    while cursor.starts[cursor.at] < end and cursor.kinds[cursor.at] != END:
        cursor.at += 1
    written = cursor.text[cursor.starts[start] : end].strip()
    return Words(_COPULA.sub(" ", written))


def degrees_ahead(cursor: Cursor) -> str:
    """What degrees are meant by the letter or word behind them; step over it."""
    name = cursor.texts[cursor.at]
    scale = _TEMPERATURES.get(name.lower() if len(name) > 1 else name)
    if scale is None or cursor.texts[cursor.at + 1] not in _SIDE_END_TEXTS:
        return "degree"
    cursor.at += 1
    return scale
