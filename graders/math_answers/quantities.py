"""Numbers as answers are written: a value, perhaps a percent sign, money or a unit."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from graders.math_answers.formulas.algebra.equivalence import rational_value
from graders.math_answers.formulas.comparing.scalars import is_literal, may_be_percent
from graders.math_answers.formulas.reading.parser import read
from graders.math_answers.formulas.tree import (
    Call,
    Expression,
    Measured,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Root,
    Sum,
    TooBig,
    Unread,
    is_expression,
)
from graders.math_answers.formulas.walking import nodes
from graders.math_answers.units import conversion

__all__ = ["Quantity", "read_quantity", "same_quantity"]

_MAX_CACHED: Final = 4_096
_MAX_DIGITS: Final = 2_000
_MAX_BITS: Final = 8_192
"""Values that are longer are left to the formulas, which keep none."""

_DECIMAL: Final = re.compile(
    r"([-+]?) ?\$? ?([-+]?)(?:([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.([0-9]*))?|\.([0-9]+))"
    r"(?:[eE]([-+]?[0-9]{1,3}))?( ?%)?"
)
_DECIMAL_COMMA: Final = re.compile(r"([-+]?)([0-9]{1,3}(?:\.[0-9]{3})+|0),([0-9]+)")
_FRACTION: Final = re.compile(
    r"(-?)(?:\\frac\{([0-9]{1,18})\}\{([0-9]{1,18})\}|([0-9]{1,18})/([0-9]{1,18}))"
)
_ARITHMETIC: Final = (Number, Negative, Sum, Product, Quotient, Power, Root)
_COUNTING: Final = frozenset(("factorial", "double_factorial", "binomial", "permutations"))
_BASED: Final = re.compile(
    r"(\()?([0-9A-Fa-f]{1,200})(?(1)\))_(?:\{ ?([0-9]{1,2}|[a-z]{3,7}) ?\}|([0-9]))"
)
_BASES: Final = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "twelve": 12, "sixteen": 16,
}  # fmt: skip
_RATIO: Final = re.compile(r"([0-9]{1,12}) ?: ?([0-9]{1,12})")


class Quantity(NamedTuple):
    """An exact number and how it was written."""

    value: Fraction
    unit: str = ""
    """A unit in its standard spelling, COUNTED for words such as "apples"; empty for none."""
    places: int = -1
    """Digits after the point of a plain decimal, -1 for anything else."""
    is_literal: bool = True
    """Whether no arithmetic is left undone."""
    base: int = 10
    names_base: bool = False
    """Whether the base is written, be it ten."""
    figures: int = 0
    """Significant digits of a plain decimal."""


@lru_cache(maxsize=_MAX_CACHED)
def read_quantity(normal: str, *, european: bool = False) -> Quantity | None:
    """Read a normal form that is one number; raise TooBig for one not worth computing.

    `european` also reads a decimal comma where it cannot be anything else.
    """
    if len(normal) > _MAX_DIGITS:
        raise TooBig
    match = _DECIMAL.fullmatch(normal)
    if match:
        return _decimal(match)
    if match := _FRACTION.fullmatch(normal):
        below = int(match[3] or match[5])
        top = int(match[1] + (match[2] or match[4]))
        value = Fraction(top, below) if below else None
        # A fraction that comes out whole is a division left undone.
        return None if value is None else Quantity(value, is_literal=value.denominator > 1)
    if not normal or not any(char.isdigit() for char in normal):
        return None
    special = _special(normal, european=european)
    return special or _computed(normal)


def same_quantity(gold: Quantity, answer: Quantity, *, percent: bool) -> bool:
    """Whether an answer states the gold: in value, and in the unit where both name one."""
    if gold.names_base or answer.names_base:
        return _same_based(gold, answer)
    if gold.unit == "%" or answer.unit == "%":
        return _same_percent(gold, answer, either=percent)
    if gold.unit and answer.unit and gold.unit != answer.unit:
        factor = conversion(gold.unit, answer.unit)
        if factor is None:
            return False
        answer = answer._replace(value=answer.value * factor)
    return gold.value == answer.value


def _same_percent(gold: Quantity, answer: Quantity, *, either: bool) -> bool:
    hundredth = Fraction(1, 100)
    if gold.unit == answer.unit:
        return gold.value == answer.value
    if gold.unit and answer.unit:
        return False
    if answer.unit == "%":
        is_stated = may_be_percent(gold.value) and gold.value == answer.value
        return is_stated or gold.value == answer.value * hundredth
    return gold.value * hundredth == answer.value or (either and gold.value == answer.value)


def _same_based(gold: Quantity, answer: Quantity) -> bool:
    """A base may be left out by either side, not contradicted; the digits must be the same."""
    if gold.names_base and answer.names_base:
        return gold.value == answer.value and gold.base == answer.base
    return _digits(gold) == _digits(answer)


def _digits(quantity: Quantity) -> str:
    number, digits = quantity.value.numerator, ""
    if quantity.value.denominator != 1 or number < 0 or number.bit_length() > _MAX_DIGITS:
        return repr(quantity)
    while number:
        number, digit = divmod(number, quantity.base)
        digits = f"{digit:x}{digits}"
    return digits or "0"


def _decimal(match: re.Match[str]) -> Quantity:
    outer, inner, whole, part, only, exponent, percent = match.groups()
    whole = (whole or "").replace(",", "")
    part = part if part is not None else (only or "")
    number = int(whole + part or "0")
    if (outer == "-") != (inner == "-"):
        number = -number
    unit = "%" if percent else ("dollar" if "$" in match[0] else "")
    value = Fraction(number, 10 ** len(part)) if part else Fraction(number)
    if exponent:
        return Quantity(value * Fraction(10) ** int(exponent), unit)
    return _plain(value, len(part), unit)


def _special(normal: str, *, european: bool) -> Quantity | None:
    if european and (match := _DECIMAL_COMMA.fullmatch(normal)):
        sign, whole, part = match.groups()
        number = Fraction(int(whole.replace(".", "") + part), 10 ** len(part))
        return _plain(-number if sign == "-" else number, len(part))
    if match := _BASED.fullmatch(normal):
        written = match[3] or match[4]
        base = int(written) if written.isdigit() else _BASES.get(written, 0)
        try:
            value = int(match[2], base) if 2 <= base <= 36 else None
            return None if value is None else Quantity(Fraction(value), base=base, names_base=True)
        except ValueError:
            return None
    if match := _RATIO.fullmatch(normal):
        below = int(match[2])
        return Quantity(Fraction(int(match[1]), below)) if below else None
    return None


def _computed(normal: str) -> Quantity | None:
    """Arithmetic, mixed numbers and numbers with units, as the parser of formulas reads them."""
    try:
        tree = read(normal)
    except Unread:
        return None
    value, unit = (tree.value, tree.unit) if isinstance(tree, Measured) else (tree, "")
    if not is_expression(value) or not _is_arithmetic(value):
        return None
    exact = rational_value(value)
    if exact is None or max(map(int.bit_length, exact.as_integer_ratio())) > _MAX_BITS:
        return None
    if isinstance(value, Number) and value.places >= 0:
        return _plain(exact, value.places, unit)
    return Quantity(exact, unit, is_literal=is_literal(tree))


def _plain(value: Fraction, places: int, unit: str = "") -> Quantity:
    """A decimal with so many digits after its point."""
    figures = len(str(abs(int(value * 10**places)))) if places else 0
    return Quantity(value, unit, places=places, figures=figures)


def _is_arithmetic(value: Expression) -> bool:
    """Whether nothing but numbers, signs, powers, roots and counting functions is there."""
    return all(
        isinstance(node, _ARITHMETIC) or (isinstance(node, Call) and node.name in _COUNTING)
        for node in nodes(value)
    )
