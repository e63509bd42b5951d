"""Real constants: their rational values, signs, order and decimals."""

from __future__ import annotations

from fractions import Fraction
from typing import Final, Literal, NamedTuple, TypeAlias

from graders.math_answers.formulas.algebra.canonical import canonical
from graders.math_answers.formulas.algebra.polynomials import Undefined, Unfit
from graders.math_answers.formulas.algebra.probes import constant_value, probed
from graders.math_answers.formulas.algebra.quotients import Form, rational
from graders.math_answers.formulas.algebra.vocabulary import vocabulary
from graders.math_answers.formulas.tree import Expression, Negative, Number, Sum

__all__ = ["Sign", "order", "rational_value", "rounds_to", "sign", "usable_form"]

Sign: TypeAlias = Literal[-1, 0, 1]

_NOUGHT: Final = Number(Fraction(0))
_MAX_PLACES: Final = 400
_MAX_SCALE: Final = 1 << 15


class _Range(NamedTuple):
    low: Fraction
    high: Fraction


def usable_form(expression: Expression) -> Form | None:
    """The canonical form, None where there is none; TooBig as canonical() raises it."""
    words = vocabulary(expression)
    if words.opaque or words.complex:
        return None
    try:
        return canonical(expression)
    except (Unfit, Undefined):
        return None


def rational_value(expression: Expression) -> Fraction | None:
    """The exact value of an expression that is a rational number, else None."""
    form = usable_form(expression)
    value = None if form is None else rational(form)
    return None if value is None else Fraction(value)


def sign(expression: Expression) -> Sign | None:
    """The sign of a real constant; None for all others and where it is not told."""
    exact = rational_value(expression)
    if exact is not None:
        return 0 if not exact else 1 if exact > 0 else -1
    seen = _seen(expression, 64)
    if seen is None:
        return None
    if seen.low > 0 or seen.high < 0:
        return 1 if seen.low > 0 else -1
    return 0 if probed(expression, _NOUGHT) == "equal" else None


def order(one: Expression, other: Expression) -> Sign | None:
    """The sign of one - other for real constants."""
    return sign(Sum((one, Negative(other))))


def rounds_to(expression: Expression, decimal: Number, *, within: Fraction) -> bool | None:
    """Whether a real constant is within so many units of the last place; None: not told."""
    places = max(decimal.places, 0)
    if places > _MAX_PLACES:
        return None
    allowed = within / 10**places
    exact = rational_value(expression)
    seen = _seen(expression, 64 + 4 * places) if exact is None else _Range(exact, exact)
    if seen is None:
        return None
    gaps = sorted((abs(seen.low - decimal.value), abs(seen.high - decimal.value)))
    if gaps[1] <= allowed:
        return True
    return False if gaps[0] > allowed else None


def _seen(expression: Expression, bits: int) -> _Range | None:
    """Between which rational numbers a real constant lies."""
    seen = constant_value(expression, bits)
    if seen is None or (seen.im[1] and seen.im[2] + seen.im[3] > seen.error + 2):
        return None
    if abs(seen.re[2]) > _MAX_SCALE:
        return None
    value = Fraction(seen.re[1]) * Fraction(2) ** seen.re[2]
    value = -value if seen.re[0] else value
    error = Fraction(2) ** min(max(seen.error, -_MAX_SCALE), _MAX_SCALE)
    return _Range(value - error, value + error)
