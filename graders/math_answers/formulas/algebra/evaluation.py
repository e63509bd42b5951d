"""The value of a tree at a point, with its error."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from graders.math_answers.formulas.algebra.numeric_calls import evaluated
from graders.math_answers.formulas.algebra.numerics import (
    EXACT,
    ZERO,
    Lens,
    Value,
    divided,
    exponential,
    from_fraction,
    minus,
    multiplied,
    power,
    real_power,
    summed,
)
from graders.math_answers.formulas.algebra.points import Place, Point
from graders.math_answers.formulas.algebra.polynomials import Unfit
from graders.math_answers.formulas.tree import (
    Call,
    Constant,
    Expression,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Root,
    Sum,
    Symbol,
)

__all__ = ["value_at", "written_fraction"]

_MAX_WRITTEN_BITS: Final = 64


def value_at(node: Expression, point: Point, lens: Lens) -> Value:
    """The value there; Undefined where there is none, Unfit where it is out of reach."""
    match node:
        case Number():
            return from_fraction(node.value, lens)
        case Symbol():
            return _placed(point[node.name], lens)
        case Negative():
            return minus(value_at(node.inner, point, lens), lens)
        case Sum():
            total = value_at(node.terms[0], point, lens)
            for part in node.terms[1:]:
                total = summed(total, value_at(part, point, lens), lens)
            return total
        case Product():
            total = value_at(node.factors[0], point, lens)
            for part in node.factors[1:]:
                total = multiplied(total, value_at(part, point, lens), lens)
            return total
        case Quotient():
            bottom = value_at(node.bottom, point, lens)
            return divided(value_at(node.top, point, lens), bottom, lens)
        case _:
            return _composed(node, point, lens)


def written_fraction(node: Expression) -> Fraction | None:
    """The value of a short fraction written with digits, signs and bars alone, else None."""
    match node:
        case Number():
            bits = max(node.value.numerator.bit_length(), node.value.denominator.bit_length())
            return node.value if bits <= _MAX_WRITTEN_BITS else None
        case Negative():
            inner = written_fraction(node.inner)
            return None if inner is None else -inner
        case Quotient():
            top, bottom = written_fraction(node.top), written_fraction(node.bottom)
            return top / bottom if top is not None and bottom else None
        case _:
            return None


def _placed(place: Place, lens: Lens) -> Value:
    if isinstance(place, Fraction):
        return from_fraction(place, lens)
    turned = multiplied(from_fraction(place.im, lens), Value(ZERO, lens.lib.fone, EXACT), lens)
    return summed(from_fraction(place.re, lens), turned, lens)


def _composed(node: Expression, point: Point, lens: Lens) -> Value:
    match node:
        case Constant():
            return _constant(node, lens)
        case Power():
            return _power(node, point, lens)
        case Root():
            return real_power(value_at(node.inner, point, lens), Fraction(1, node.degree), lens)
        case Call():
            arguments = tuple(value_at(part, point, lens) for part in node.arguments)
            return evaluated(node.name, arguments, lens)
        case _:
            raise Unfit("no value")


def _constant(node: Constant, lens: Lens) -> Value:
    lib = lens.lib
    match node.name:
        case "pi":
            return lens.made(lib.mpf_pi(lens.precision, "n"), ZERO, EXACT)
        case "e":
            return lens.made(lib.mpf_e(lens.precision, "n"), ZERO, EXACT)
        case "i":
            return Value(ZERO, lib.fone, EXACT)
        case "infinity":
            raise Unfit("infinity is no number")


def _power(node: Power, point: Point, lens: Lens) -> Value:
    exponent = written_fraction(node.exponent)
    if exponent is not None:
        return real_power(value_at(node.base, point, lens), exponent, lens)
    value = value_at(node.exponent, point, lens)
    if isinstance(node.base, Constant) and node.base.name == "e":
        return exponential(value, lens)
    return power(value_at(node.base, point, lens), value, lens)
