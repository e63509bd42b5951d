"""The words that may follow a number: units, currencies, counted things, multipliers."""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from graders.math_answers.counted import is_counted, is_denied, is_qualifier
from graders.math_answers.unit_tables import NAMES, SCALES, SYMBOLS

__all__ = ["COUNTED", "Unit", "conversion", "unit_of"]

COUNTED: Final = "things"
"""The unit of all counted things, "apples" as well as "ways"."""


class Unit(NamedTuple):
    """A unit's standard name, COUNTED, or nothing; and what "million" multiplies by."""

    name: str
    multiplier: int = 1


_MULTIPLIERS: Final = {
    "hundred": 10**2, "thousand": 10**3, "lakh": 10**5, "million": 10**6, "crore": 10**7,
    "billion": 10**9, "trillion": 10**12, "quadrillion": 10**15, "quintillion": 10**18,
    "dozen": 12,
}  # fmt: skip
_PIECE: Final = re.compile(
    r"([A-Za-z°%€£][A-Za-z'\u2019]*\.?(?:-[A-Za-z]+)*)|\^(?:\{(-?[1-9])\}|(-?[1-9]))"
    r"|(/)|(\\cdot ?|\*|-)|[ ()]"
)
_MAX_CHARS: Final = 60
_POWERS_OF_UNITS: Final = frozenset(("unit^2", "unit^3"))
_MAX_CACHED: Final = 2_048
_BEFORE: Final = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
_BEHIND: Final = {"squared": 2, "cubed": 3}
_PHRASES: Final = {
    "mile per hour": "mph", "light year": "lightyear", "pound sterling": "pound sterling",
    "metric ton": "tonne", "degree celsius": "celsius", "degree fahrenheit": "fahrenheit",
    "degree c": "celsius", "degree f": "fahrenheit", "u s dollar": "dollar",
    "electron volt": "eV", "kilowatt hour": "kWh",
}  # fmt: skip
_ADJECTIVES: Final = frozenset((
    "total", "full", "whole", "extra", "additional", "more", "us", "american", "linear",
))  # fmt: skip
_EACH: Final = frozenset(("a", "an", "each", "every"))
_TEMPERATURES: Final = frozenset(("celsius", "fahrenheit"))


@lru_cache(maxsize=_MAX_CACHED)
def unit_of(tail: str, *, single: bool = False) -> Unit | None:
    """Read what follows a number; None where it is more than a unit or a counted thing.

    `single` is for what follows a 1, where a counted thing has no plural.
    """
    pieces = _pieces(tail.strip())
    if not pieces:
        return None
    multiplier = 1
    while pieces and (factor := _MULTIPLIERS.get(_singular(pieces[0].lower()))) is not None:
        multiplier *= factor
        pieces = pieces[1:]
    if not pieces:
        return Unit("", multiplier)
    if any(piece[0].isalpha() and is_denied(piece) for piece in pieces):
        return None
    name = _Units(pieces).read()
    if name:
        return Unit(name, multiplier)
    words = [piece.lower() for piece in pieces]
    if is_qualifier(words):
        return Unit("", multiplier)
    is_many = is_counted(words, single=single or multiplier > 1)
    return Unit(COUNTED, multiplier) if is_many else None


@lru_cache(maxsize=_MAX_CACHED)
def conversion(gold: str, answer: str) -> Fraction | None:
    """What a value in the answer's unit is multiplied by to be in the gold's; None for no way."""
    if not gold or not answer or gold == answer:
        return Fraction(1)
    if "unit" in (gold, answer) and _POWERS_OF_UNITS.isdisjoint((gold, answer)):
        return Fraction(1)
    if {gold, answer} & _TEMPERATURES and "degree" in (gold, answer):
        return Fraction(1)
    if COUNTED in (gold, answer):
        return None
    wanted, given = _expanded(gold), _expanded(answer)
    lengths = [{"length": powers.get("unit", 0)} for powers in (wanted.powers, given.powers)]
    if wanted.powers == given.powers:
        return given.factor / wanted.factor
    # Square units stand for square centimetres as well.
    is_unspecific = wanted.powers == lengths[1] or given.powers == lengths[0]
    return Fraction(1) if is_unspecific else None


class _Expanded(NamedTuple):
    powers: dict[str, int]
    factor: Fraction


def _expanded(unit: str) -> _Expanded:
    """A unit in base units; one that no table knows is its own dimension."""
    powers, factor = Counter[str](), Fraction(1)
    for sign, part in _parts(unit):
        name, _, written = part.partition("^")
        power = sign * int(written or 1)
        scale = SCALES.get(name)
        if scale is None:
            powers[name] += power
            continue
        factor *= scale.factor**power
        for dimension, one in scale.dimensions:
            powers[dimension] += one * power
    return _Expanded({name: power for name, power in powers.items() if power}, factor)


def _parts(unit: str) -> list[tuple[int, str]]:
    above, *below = unit.split("/")
    return [(1, part) for part in above.split("*") if part != "1"] + [(-1, one) for one in below]


class _Units:
    """Reads products and quotients of units, as far as the words name units."""

    def __init__(self, pieces: list[str]) -> None:
        self.pieces = pieces
        self.at = 0
        self.powers = Counter[str]()
        self.last = ""
        self.sign = self._kept = 1

    def read(self) -> str:
        """The standard spelling of the unit; empty where the words do not begin with one."""
        if len(self.pieces) > 1 and self.pieces[0].lower() in _ADJECTIVES:
            self.at = 1
        while self.at < len(self.pieces) and self._step():
            pass
        return _spelled(self.powers) if self.last else ""

    def _step(self) -> bool:
        piece = self.pieces[self.at].lower()
        if piece[0] == "^" or piece in _BEHIND:
            return self._raise(_BEHIND.get(piece) or int(piece[1:]))
        if piece in ("*", "/", "per"):
            self.sign = self.sign if piece == "*" else -1
            self.at += 1
            return bool(self.last)
        if piece in _EACH and self.last and self._name_at(self.at + 1)[0]:
            self.sign = -1
            self.at += 1
        power = _BEFORE.get(piece, 0)
        self.at += bool(power)
        name, length = self._name_at(self.at)
        if not name:
            return False
        self.at += length
        self.last = name
        self.powers[name] += self.sign * (power or 1)
        self._kept = power or 1
        return True

    def _raise(self, power: int) -> bool:
        """A power behind a unit; another one before it multiplies: `square meters^2`."""
        if not self.last:
            return False
        self.powers[self.last] += self.sign * self._kept * (power - 1)
        self.at += 1
        return True

    def _name_at(self, at: int) -> tuple[str, int]:
        words = self.pieces[at : at + 3]
        for length in (3, 2):
            if len(words) >= length:
                phrase = " ".join(map(_singular, map(str.lower, words[:length])))
                if phrase in _PHRASES:
                    return _PHRASES[phrase], length
        if not words or (words[0] == "in" and len(words) > 1 and words[1][0].isalpha()):
            return "", 0
        return _known(words[0]), 1


def _pieces(tail: str) -> list[str]:
    """Words, powers as `^2`, and signs; nothing where something else stands there."""
    if len(tail) > _MAX_CHARS:
        return []
    found: list[str] = []
    at = 0
    while at < len(tail):
        match = _PIECE.match(tail, at)
        if match is None:
            return []
        at = match.end()
        word, braced, raised, slash, dot = match.groups()
        if word:
            found.extend(_split(word.rstrip(".")))
        elif braced or raised:
            found.append(f"^{braced or raised}")
        elif slash or dot:
            found.append("/" if slash else "*")
    return found if found and found[0][0] not in "^/*" else []


def _split(word: str) -> list[str]:
    """`foot-pounds` is a product of units, `well-known` one word."""
    parts = word.split("-")
    if len(parts) == 1 or _known(word) or not all(map(_known, parts)):
        return [word]
    return [piece for part in parts for piece in (part, "*")][:-1]


def _known(word: str) -> str:
    """The standard name of a unit, empty for any other word."""
    if word in SYMBOLS:
        return SYMBOLS[word]
    lower = word.lower()
    if len(word) == 1 and word.isalpha():
        return ""
    return NAMES.get(lower) or NAMES.get(_singular(lower), "")


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") else word


def _spelled(powers: Counter[str]) -> str:
    above = [f"{name}^{power}" if power > 1 else name for name, power in sorted(powers.items())
             if power > 0]  # fmt: skip
    below = [f"/{name}^{-power}" if power < -1 else f"/{name}"
             for name, power in sorted(powers.items()) if power < 0]  # fmt: skip
    return ("*".join(above) or "1") + "".join(below)
