"""What equations and inequalities need of their difference of sides: proportion and linearity."""

from __future__ import annotations

from fractions import Fraction
from typing import Final, Literal, NamedTuple, TypeAlias

from graders.math_answers.formulas.algebra.canonical import canonical, unknown
from graders.math_answers.formulas.algebra.constants import sign
from graders.math_answers.formulas.algebra.contexts import whole_symbols
from graders.math_answers.formulas.algebra.decisive import is_decisive
from graders.math_answers.formulas.algebra.form_text import cleared
from graders.math_answers.formulas.algebra.polynomials import (
    Effort,
    Monomial,
    Polynomial,
    Undefined,
    Unfit,
    added,
    multiplied,
    scaled,
)
from graders.math_answers.formulas.algebra.probes import probed
from graders.math_answers.formulas.algebra.quotients import Form, inverse, rational, times
from graders.math_answers.formulas.algebra.substitution import substituted
from graders.math_answers.formulas.algebra.vocabulary import vocabulary
from graders.math_answers.formulas.tree import (
    Constant,
    Expression,
    Negative,
    Number,
    Product,
    Quotient,
    Sum,
)

__all__ = ["Line", "Proportion", "constant_ratio", "linear_in"]

Proportion: TypeAlias = Literal["positive", "negative", "complex", "unsure"]


class Line(NamedTuple):
    """slope * symbol + constant."""

    symbol: str
    slope: Expression
    constant: Expression


_TRIED: Final = Fraction(71, 53)


def constant_ratio(one: Expression, other: Expression) -> Proportion | None:
    """The sign of the constant k where one = k * other, for `one = 0` and `other = 0` as equations.

    Denominators are cleared, so that `y - 1/x` and `xy - 1` have a ratio; it is "complex", as it is
    no order-keeping constant.  None where there is no such constant.
    """
    words = vocabulary(one, other)
    if words.opaque:
        return "unsure"
    if words.complex:
        return "positive" if one == other else _probed_ratio(one, other)
    effort = Effort()
    try:
        ours, theirs = canonical(one, effort), canonical(other, effort)
        return _ratio(one, other, ours=ours, theirs=theirs, effort=effort)
    except Unfit:
        return _probed_ratio(one, other)
    except Undefined:
        return None


def linear_in(expression: Expression) -> Line | None:
    """The line that an expression in one symbol is, with exact coefficients; None for all else."""
    words = vocabulary(expression)
    if words.opaque or words.complex or len(words.symbols) != 1:
        return None
    try:
        form = canonical(expression)
    except (Unfit, Undefined):
        return None
    parts = _by_symbols(form.top)
    line = ((unknown(words.symbols[0]), 1),)
    if line not in parts or not parts.keys() <= {(), line} or not _is_fixed(form.bottom):
        return None
    name = words.symbols[0]
    exact = (_rational(parts[line], form.bottom), _rational(parts.get((), {}), form.bottom))
    if exact[0] is not None and exact[1] is not None:
        return Line(name, _signed(Fraction(exact[0])), _signed(Fraction(exact[1])))
    # The coefficients as trees, from two values: f(2) - f(1) and 2 f(1) - f(2).
    first, second = (substituted(expression, {name: Number(Fraction(at))}) for at in (1, 2))
    twice = Product((Number(Fraction(2)), first))
    return Line(name, Sum((second, Negative(first))), Sum((twice, Negative(second))))


def _ratio(
    one: Expression, other: Expression, *, ours: Form, theirs: Form, effort: Effort
) -> Proportion | None:
    if not ours.top or not theirs.top:
        return "positive" if ours.top == theirs.top else None
    quotient = times(ours, inverse(theirs, effort), effort)
    exact = rational(quotient)
    if exact is not None:
        return "positive" if exact > 0 else "negative"
    tops = (cleared(ours).top, cleared(theirs).top)
    crossed = _crossed(tops[0], tops[1], effort)
    if crossed == {}:
        return _sign_at_point(one, other) if _keeps_order(ours, theirs) else "complex"
    if crossed is None or is_decisive(crossed):
        # A term that only one side has, or a gap between them, is decided by free generators alone.
        free = is_decisive(tops[0]) and is_decisive(tops[1])
        return None if free else _probed_ratio(one, other)
    return _probed_ratio(one, other)


def _crossed(one: Polynomial, other: Polynomial, effort: Effort) -> Polynomial | None:
    """one * c - other * d with the coefficients of one term, nought where they are proportional."""
    ours, theirs = _by_symbols(one), _by_symbols(other)
    if ours.keys() != theirs.keys():
        return None
    term = next(iter(ours))
    left = multiplied(one, theirs[term], effort)
    return added(left, scaled(multiplied(other, ours[term], effort), -1))


def _keeps_order(ours: Form, theirs: Form) -> bool:
    """Whether clearing the denominators multiplied both by the same or by constants alone."""
    mine, other = cleared(ours).bottom, cleared(theirs).bottom
    return mine == other or (_is_fixed(mine) and _is_fixed(other))


def _by_symbols(polynomial: Polynomial) -> dict[Monomial, Polynomial]:
    """The coefficients, constants all, of the products of what depends on symbols."""
    found: dict[Monomial, Polynomial] = {}
    for monomial, value in polynomial.items():
        symbols = tuple(item for item in monomial if not item[0].fixed)
        fixed = tuple(item for item in monomial if item[0].fixed)
        found.setdefault(symbols, {})[fixed] = value
    return found


def _is_fixed(polynomial: Polynomial) -> bool:
    return all(name.fixed for monomial in polynomial for name, _ in monomial)


def _rational(top: Polynomial, bottom: Polynomial) -> int | Fraction | None:
    return rational(Form(top, bottom)) if top else 0


def _signed(value: Fraction) -> Expression:
    return Number(value) if value >= 0 else Negative(Number(-value))


def _sign_at_point(one: Expression, other: Expression) -> Proportion:
    """The sign of a ratio that is known to be constant."""
    fixed = _point(one, other)
    found = sign(Quotient(substituted(one, fixed), substituted(other, fixed)))
    return "complex" if not found else "positive" if found > 0 else "negative"


def _probed_ratio(one: Expression, other: Expression) -> Proportion | None:
    """Whether one(x) other(t) = other(x) one(t) at a fixed t, by probes."""
    fixed = _point(one, other)
    if not fixed:
        return "unsure"
    ours, theirs = substituted(one, fixed), substituted(other, fixed)
    verdict = probed(Product((one, theirs)), Product((other, ours)))
    if verdict != "equal":
        return None if verdict == "different" else "unsure"
    return _sign_at_point(one, other)


def _point(one: Expression, other: Expression) -> dict[str, Expression]:
    words, whole = vocabulary(one, other), whole_symbols(one, other)
    point: dict[str, Expression] = {}
    for place, name in enumerate(words.symbols):
        point[name] = Number(Fraction(3 + place) if name in whole else _TRIED + place)
        if name in words.complex:
            point[name] = Sum((point[name], Constant("i")))
    return point
