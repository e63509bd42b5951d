"""The words that may follow a number: units, currencies, counted things, multipliers."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final, NamedTuple

__all__ = ["SCALES", "Scale", "Unit", "unit_of"]


class Unit(NamedTuple):
    """A known unit's name, empty for counted things, and what "million" multiplies by."""

    name: str
    multiplier: int = 1


class Scale(NamedTuple):
    """How many of its dimension's first unit a unit holds."""

    dimension: str
    factor: Fraction


_FACTORS: Final = {
    "length": {"m": "1", "mm": "0.001", "cm": "0.01", "km": "1000", "inch": "0.0254",
               "foot": "0.3048", "yard": "0.9144", "mile": "1609.344"},
    "mass": {"kg": "1", "g": "0.001", "mg": "0.000001", "pound": "0.45359237",
             "ounce": "0.028349523125", "ton": "1000"},
    "time": {"second": "1", "minute": "60", "hour": "3600", "day": "86400", "week": "604800"},
    "volume": {"liter": "1", "ml": "0.001"},
    "money": {"dollar": "1", "cent": "0.01"},
    "angle": {"degree": "1"},
}  # fmt: skip
SCALES: Final = {
    name: Scale(dimension, Fraction(factor))
    for dimension, units in _FACTORS.items()
    for name, factor in units.items()
} | {
    f"{name}^{power}": Scale(f"length^{power}", Fraction(factor) ** power)
    for name, factor in _FACTORS["length"].items()
    for power in (2, 3)
}
_SPELLINGS: Final = {
    "meter": "m", "metre": "m", "millimeter": "mm", "millimetre": "mm", "centimeter": "cm",
    "centimetre": "cm", "kilometer": "km", "kilometre": "km", "inche": "inch", "in": "inch",
    "feet": "foot", "ft": "foot", "yd": "yard", "mi": "mile", "kilogram": "kg", "gram": "g",
    "gm": "g", "milligram": "mg", "lb": "pound", "oz": "ounce", "sec": "second", "s": "second",
    "min": "minute", "h": "hour", "hr": "hour", "l": "liter", "litre": "liter",
    "milliliter": "ml", "millilitre": "ml", "usd": "dollar", "percent": "%", "pct": "%",
    "deg": "degree", "mile per hour": "mph", "miles per hour": "mph", "euro": "euro", "€": "euro",
    "£": "pound sterling", "mph": "mph", "km/h": "km/h", "kph": "km/h", "m/s": "m/s",
    "radian": "radian", "rad": "radian", "unit": "", "°": "degree", "%": "%",
}  # fmt: skip
_MULTIPLIERS: Final = {
    "hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12,
    "dozen": 12,
}  # fmt: skip
_NOT_UNITS: Final = frozenset((
    "and", "are", "at", "between", "cos", "cubed", "either", "equals", "except", "exp", "if", "is",
    "least", "less", "ln", "log", "maybe", "minus", "mod", "more", "most", "no", "not", "or",
    "over", "perhaps", "pi", "plus", "sin", "sqrt", "squared", "tan", "than", "times", "to", "wait",
))  # fmt: skip
_TAIL: Final = re.compile(
    r"( ?)([A-Za-z°%€£][A-Za-z.'\u2019/°-]*(?: [A-Za-z.'\u2019/-]+){0,5})(?:\^\{?([23])\}?)?"
)
_MAX_TAIL_CHARS: Final = 60


def unit_of(tail: str) -> Unit | None:
    """Read what follows a number; None where it is more than a unit or a counted thing."""
    if len(tail) > _MAX_TAIL_CHARS:
        return None
    match = _TAIL.fullmatch(tail)
    if match is None:
        return None
    words = match[2].lower().replace(".", "").split()
    if not words or not _NOT_UNITS.isdisjoint(words):
        return None
    multiplier = _MULTIPLIERS.get(_singular(words[0]), 1)
    if multiplier != 1:
        words = words[1:]
    if len(words) > 1 and words[0] in ("square", "sq", "cubic", "cu"):
        name = _known(words[1:])
        power = "2" if words[0].startswith("sq") else "3"
        return Unit(f"{name}^{power}" if name else "", multiplier)
    name = _known(words)
    if not name:
        is_word = not words or multiplier != 1 or len(words[0]) > 2 or "unit" in words[0]
        spaced = bool(match[1]) or words[:1] == ["units"]
        return Unit("", multiplier) if is_word and spaced else None
    if len(words[0]) == 1 and words[0].isalpha() and not match[1]:
        return None
    return Unit(f"{name}^{match[3]}" if match[3] else name, multiplier)


def _known(words: list[str]) -> str:
    """The standard name of a unit that the words begin with, empty without one."""
    for text in (" ".join(words), *words[:1]):
        name = _singular(text)
        name = _SPELLINGS.get(name, name)
        if name in SCALES or name in _SPELLINGS.values():
            return name
    return ""


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") else word
