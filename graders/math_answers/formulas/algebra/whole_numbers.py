"""Factorials, binomials, divisors, floors: exact for numbers, with symbols as they cancel."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from math import comb, factorial, gcd, isqrt, lcm
from typing import Final

from graders.math_answers.formulas.algebra.form_text import form_text, size
from graders.math_answers.formulas.algebra.polynomials import (
    MAX_INTEGER_BITS,
    ONE,
    Effort,
    Generator,
    Rational,
    Undefined,
    Unfit,
    generators,
    lowest,
    single,
)
from graders.math_answers.formulas.algebra.quotients import (
    Form,
    inverse,
    negated,
    of_rational,
    plus,
    times,
    whole,
)
from graders.math_answers.formulas.tree import TooBig

__all__ = ["COUNTING", "counted", "of_rationals"]

COUNTING: Final = frozenset({"factorial", "gamma", "double_factorial", "binomial", "permutations"})
_MAX_SHIFT: Final = 40
_MAX_PLACES: Final = 60
_MAX_DIGITS: Final = 10**60
_MAX_DIVIDED_BITS: Final = 1 << 16
"""Divisions and greatest divisors of longer numbers take quadratic time."""


def counted(name: str, arguments: tuple[Form, ...], effort: Effort) -> Form:
    """A function of COUNTING."""
    match name, arguments:
        case "factorial", (one,):
            return _factorial(one, effort)
        case "gamma", (one,):
            return _factorial(plus(one, of_rational(-1), effort), effort)
        case "double_factorial", (one,):
            return _double_factorial(one, effort)
        case "binomial", (upper, lower):
            return _binomial(upper, lower, effort)
        case "permutations", (upper, lower):
            return _permutations(upper, lower, effort)
        case _:
            raise Unfit(f"{name} of so many arguments")


def of_rationals(name: str, values: list[Rational]) -> Rational | None:
    """A function of rational numbers alone; None where it is no number of that kind."""
    if any(value.numerator.bit_length() > _MAX_DIVIDED_BITS for value in values):
        return None
    if name in ("gcd", "lcm") and len(values) > 1:
        integers = [value for value in values if isinstance(value, int)]
        if len(integers) < len(values):
            return None
        return (gcd if name == "gcd" else lcm)(*integers)
    if name in ("max", "min") and values:
        return max(values) if name == "max" else min(values)
    if name == "mod" and len(values) == 2:
        if not values[1]:
            raise Undefined("a remainder by nought")
        return lowest(values[0] % values[1])
    if name == "base" and len(values) == 2:
        return _in_base(Fraction(values[0]), values[1])
    if name in _OF_ONE and len(values) == 1:
        return _OF_ONE[name](values[0])
    return None


def _in_base(digits: Fraction, base: Rational) -> Rational | None:
    """The value of decimal digits read in another base; None where a digit is too large."""
    places = next((k for k in range(_MAX_PLACES) if 10**k % digits.denominator == 0), None)
    if not isinstance(base, int) or not 2 <= base <= 36 or places is None or digits < 0:
        return None
    text = str(int(digits * 10**places)) if digits < _MAX_DIGITS else ""
    if not text or int(max(text)) >= base:
        return None
    return lowest(Fraction(int(text, base), base**places))


def _sign(value: Rational) -> int:
    return (value > 0) - (value < 0)


_OF_ONE: Final[dict[str, Callable[[Rational], Rational]]] = {
    "floor": lambda value: value.__floor__(),
    "ceil": lambda value: value.__ceil__(),
    "sign": _sign,
    "abs": size,
    "conjugate": lambda value: value,
    "re": lambda value: value,
    "im": lambda _: 0,
}


def _factorial(form: Form, effort: Effort) -> Form:
    count = whole(form)
    if count is not None:
        if count < 0:
            raise Undefined("the factorial of a negative integer")
        _pay(count, count.bit_length() * count, effort)
        return of_rational(factorial(count))
    shift = form.top.get((), 0) if form.bottom == ONE else 0
    if not isinstance(shift, int) or abs(shift) > _MAX_SHIFT or not shift:
        return _named("factorial", form)
    base = plus(form, of_rational(-shift), effort)
    if shift > 0:
        return times(_named("factorial", base), _rising(base, shift, effort), effort)
    below = _rising(form, -shift, effort)
    return times(_named("factorial", base), inverse(below, effort), effort)


def _rising(base: Form, count: int, effort: Effort) -> Form:
    """(base + 1)(base + 2) ... (base + count)."""
    factors = (plus(base, of_rational(step), effort) for step in range(1, count + 1))
    return reduce(lambda one, other: times(one, other, effort), factors, of_rational(1))


def _double_factorial(form: Form, effort: Effort) -> Form:
    count = whole(form)
    if count is None:
        return _named("double_factorial", form)
    if count < -1:
        raise Undefined("the double factorial of a negative integer")
    _pay(count, count.bit_length() * count // 2, effort)
    if count > 10_000:
        raise Unfit("too long a double factorial")
    value = 1
    for factor in range(count, 1, -2):
        value *= factor
    return of_rational(value)


def _binomial(upper: Form, lower: Form, effort: Effort) -> Form:
    top, bottom = whole(upper), whole(lower)
    if top is not None and bottom is not None:
        if top < 0:
            raise Unfit("a binomial of a negative integer")
        if not 0 <= bottom <= top:
            return of_rational(0)
        count = min(bottom, top - bottom)
        _pay(count, min(top, count * top.bit_length()), effort)
        return of_rational(comb(top, bottom))
    rest = plus(upper, negated(lower), effort)
    few = _few(lower) if _few(lower) is not None else _few(rest)
    if few is None:
        bottom_form = times(_factorial(lower, effort), _factorial(rest, effort), effort)
        return times(_factorial(upper, effort), inverse(bottom_form, effort), effort)
    below = plus(upper, of_rational(-few), effort)
    scale = of_rational(lowest(Fraction(1, factorial(few))))
    return times(_rising(below, few, effort), scale, effort)


def _permutations(upper: Form, lower: Form, effort: Effort) -> Form:
    top, bottom = whole(upper), whole(lower)
    if top is not None and bottom is not None:
        if not 0 <= bottom <= top:
            return of_rational(0)
        _pay(bottom, bottom * top.bit_length(), effort)
    few = _few(lower)
    if few is not None and top is None:
        return _rising(plus(upper, of_rational(-few), effort), few, effort)
    rest = plus(upper, negated(lower), effort)
    return times(_factorial(upper, effort), inverse(_factorial(rest, effort), effort), effort)


def _few(form: Form) -> int | None:
    count = whole(form)
    return count if count is not None and 0 <= count <= _MAX_SHIFT else None


def _pay(count: int, bits: int, effort: Effort) -> None:
    """The price of a product of so many factors and bits."""
    if bits > MAX_INTEGER_BITS:
        raise TooBig("a product of millions of digits")
    effort.spend((count >> 7) + (bits * isqrt(bits) >> 16))


def _named(name: str, form: Form) -> Form:
    fixed = all(g.fixed for g in generators(form.top) | generators(form.bottom))
    return Form(single(Generator(f"{name}({form_text(form)})", "call", fixed=fixed)))
