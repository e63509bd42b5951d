"""Whether two single values are the same: exact, rounded as written, or in another unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal, NamedTuple, TypeAlias

from graders.math_answers.formulas.algebra.equivalence import (
    compare,
    rational_value,
    rounds_to,
    sign,
    symbols,
)
from graders.math_answers.formulas.tree import (
    Bracketed,
    Call,
    Constant,
    Expression,
    Listing,
    Matrix,
    Measured,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Ratio,
    Relation,
    Sum,
    Symbol,
    Undone,
    is_expression,
)
from graders.math_answers.units import COUNTED, conversion

__all__ = [
    "Rules",
    "Ruling",
    "Scalar",
    "all_of",
    "is_literal",
    "may_be_percent",
    "same_ratio",
    "same_scalar",
    "terminates",
]

Ruling: TypeAlias = Literal["equal", "different", "unsure"]
Scalar: TypeAlias = Expression | Measured
EXACT_FIGURES: Final = 12
"""A decimal of so many significant digits may stand for the exact value it comes from."""

_MIN_FIGURES: Final = 3
_MIN_PLACES: Final = 2
"""A shorter decimal, such as 0.4, is near too many values to be taken for a rounded one."""

_MAX_BITS: Final = 4_096
_HALF: Final = Fraction(1, 2)
_ONE: Final = Fraction(1)
_HUNDREDTH: Final = Fraction(1, 100)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the caller asked for beyond the strict rules."""

    percent: bool = False
    ordered: bool = False
    units: bool = False
    absolute: Fraction = Fraction(0)
    relative: Fraction = Fraction(0)


class _Sized(NamedTuple):
    value: Expression
    unit: str


def all_of(rulings: Sequence[Ruling]) -> Ruling:
    """What comparisons of parts say about the whole."""
    if "different" in rulings:
        return "different"
    return "unsure" if "unsure" in rulings else "equal"


def is_literal(node: Node) -> bool:
    """Whether values are written out, with no arithmetic left: `-3/4`, `5 cm`, `(2, 3/4)`."""
    match node:
        case Measured(value=inner) | Negative(inner=inner):
            return is_literal(inner)
        case Quotient(top=Number() as top, bottom=Number() as bottom):
            return bool(bottom.value) and (top.value / bottom.value).denominator > 1
        case Quotient(top=Negative(inner=Number() as top), bottom=Number() as bottom):
            return is_literal(Quotient(top, bottom))
        case Product(factors=(Number(), Power(base=Number(value=10), exponent=exponent))):
            return is_literal(exponent)
        case Relation(sides=sides):
            return all(is_literal(side) for side in sides[1:])
        case Bracketed(items=items) | Listing(items=items):
            return all(is_literal(item) for item in items)
        case Matrix(rows=rows):
            return all(is_literal(item) for row in rows for item in row)
    return isinstance(node, Number)


def same_scalar(gold: Scalar, answer: Scalar, rules: Rules) -> Ruling:
    """Compare values in the unit that both name, or that one of them leaves out."""
    wanted, given = _sized(gold), _sized(answer)
    if "%" in (wanted.unit, given.unit):
        return _same_percent(wanted, given, rules)
    factor = conversion(wanted.unit, given.unit)
    if factor is None:
        return "different"
    if _is_letter(wanted.unit, given):
        wanted = _spelled_out(wanted)
    elif _is_letter(given.unit, wanted):
        given = _spelled_out(given)
    elif rules.units and wanted.unit not in ("", COUNTED) and given.unit in ("", COUNTED):
        return "different"
    return _same_value(wanted.value, _times(given.value, factor), rules)


def same_ratio(gold: Ratio, answer: Ratio) -> Ruling:
    """Compare ratios of several parts up to a common factor."""
    if len(gold.parts) != len(answer.parts):
        return "different"
    first, other = gold.parts[0], answer.parts[0]
    pairs = zip(gold.parts[1:], answer.parts[1:], strict=True)
    return all_of([compare(Product((first, b)), Product((other, a))) for a, b in pairs])


def _sized(node: Scalar) -> _Sized:
    if isinstance(node, Measured):
        return _Sized(node.value, node.unit)
    return _Sized(node, "")


def _is_letter(unit: str, other: _Sized) -> bool:
    """Whether a unit of one letter is an unknown in the other value: `5 m` and `5m`."""
    return len(unit) == 1 and not other.unit and unit in symbols(other.value)


def _spelled_out(measured: _Sized) -> _Sized:
    return _Sized(Product((measured.value, Symbol(measured.unit))), "")


def may_be_percent(value: Fraction | None) -> bool:
    """Whether a plain gold can be meant in percent, so that 50 may be answered by 50 %."""
    return value is not None and (not value or abs(value) >= 1)


def _times(value: Expression, factor: Fraction) -> Expression:
    return value if factor == 1 else Product((Number(factor), value))


def _same_percent(wanted: _Sized, given: _Sized, rules: Rules) -> Ruling:
    """50 % is 0.5; where the gold is a plain 50, 50 % states it as well."""
    if wanted.unit == given.unit:
        return _same_value(wanted.value, given.value, rules)
    if wanted.unit and given.unit:
        return "different"
    if rules.percent if wanted.unit == "%" else may_be_percent(rational_value(wanted.value)):
        as_written = _same_value(wanted.value, given.value, rules)
        if as_written == "equal":
            return "equal"
    if given.unit == "%":
        return _same_value(wanted.value, _times(given.value, _HUNDREDTH), rules)
    return _same_value(_times(wanted.value, _HUNDREDTH), given.value, rules)


def _same_value(gold: Expression, answer: Expression, rules: Rules) -> Ruling:
    ruling = compare(gold, answer)
    if ruling != "different":
        return ruling
    if _is_rounding(gold, answer) or _is_near(gold, answer, rules):
        return "equal"
    return "different"


def _is_rounding(gold: Expression, answer: Expression) -> bool:
    """Whether a decimal gold rounds the answer, or a long decimal answer the gold."""
    wanted, given = _decimal(gold), _decimal(answer)
    if wanted is not None and given is None:
        figures = _figures(wanted)
        if figures < _MIN_PLACES or (wanted.places < _MIN_PLACES and figures < _MIN_FIGURES):
            return False
        return _is_endless(answer) and rounds_to(answer, wanted, within=_HALF) is True
    if given is not None and wanted is None and _figures(given) >= EXACT_FIGURES:
        return _is_endless(gold) and rounds_to(gold, given, within=_ONE) is True
    return False


def _is_near(gold: Expression, answer: Expression, rules: Rules) -> bool:
    """Whether the answer is within the tolerance asked for."""
    distance = Negative(Call("abs", (Sum((gold, Negative(answer))),)))
    margins: list[Expression] = []
    if rules.absolute:
        margins.append(Number(rules.absolute))
    if rules.relative:
        margins.append(Product((Number(rules.relative), Call("abs", (gold,)))))
    return any(sign(Sum((margin, distance))) in (0, 1) for margin in margins)


def _decimal(node: Expression) -> Number | None:
    """A plain decimal with its sign."""
    if isinstance(node, Negative) and isinstance(node.inner, Number) and node.inner.places > 0:
        return Number(-node.inner.value, node.inner.places)
    return node if isinstance(node, Number) and node.places > 0 else None


def _figures(decimal: Number) -> int:
    return len(str(abs(int(decimal.value * 10**decimal.places))))


def _is_endless(node: Expression) -> bool:
    """Whether no finite decimal is the value, so that a rounded one may stand for it."""
    if _has_decimals(node):
        return False
    value = rational_value(node)
    return value is None or not terminates(value)


def terminates(value: Fraction) -> bool:
    """Whether a finite decimal is the value."""
    below = value.denominator
    if below.bit_length() > _MAX_BITS:
        return True
    for prime in (2, 5):
        while below % prime == 0:
            below //= prime
    return below == 1


def _has_decimals(node: object) -> bool:
    if isinstance(node, Number):
        return node.places > 0
    if isinstance(node, tuple):
        return any(_has_decimals(item) for item in node)
    if isinstance(node, (Constant, Symbol, Undone)) or not is_expression(node):
        return False
    return any(_has_decimals(getattr(node, name)) for name in type(node).__slots__)
