"""Quotients of polynomials: the arithmetic of the canonical form."""

from __future__ import annotations

from fractions import Fraction
from typing import Final, NamedTuple

from graders.math_answers.formulas.algebra.polynomials import (
    ONE,
    Effort,
    Generator,
    Polynomial,
    Rational,
    Undefined,
    Unfit,
    added,
    constant_part,
    generators,
    lowest,
    multiplied,
    raised,
    scaled,
    single,
)

__all__ = [
    "Form", "difference", "inverse", "is_zero", "negated", "of_rational", "plus", "power",
    "rational", "times", "whole",
]  # fmt: skip


class Form(NamedTuple):
    """A quotient; the bottom is ONE or has two or more terms, as single terms go to the top."""

    top: Polynomial
    bottom: Polynomial = ONE


_MAX_CONJUGATED: Final = 4
_MAX_DIVISOR_BITS: Final = 1 << 16


def of_rational(value: Rational) -> Form:
    """The form of a rational number."""
    return Form({(): lowest(value)} if value else {})


def rational(form: Form) -> Rational | None:
    """The value of a form that is a rational number, else None."""
    return constant_part(form.top) if form.bottom == ONE else None


def whole(form: Form) -> int | None:
    """The value of a form that is an integer, else None."""
    value = rational(form)
    return value if isinstance(value, int) else None


def is_zero(form: Form) -> bool:
    """Whether the form is nought."""
    return not form.top


def negated(form: Form) -> Form:
    """The form times -1."""
    return Form(scaled(form.top, -1), form.bottom)


def plus(one: Form, other: Form, effort: Effort) -> Form:
    """The sum."""
    if one.bottom == other.bottom:
        return Form(added(one.top, other.top), one.bottom)
    top = added(
        multiplied(one.top, other.bottom, effort), multiplied(other.top, one.bottom, effort)
    )
    return Form(top, multiplied(one.bottom, other.bottom, effort))


def difference(one: Form, other: Form, effort: Effort) -> Polynomial:
    """The top of one - other, which is nought exactly where they are equal."""
    return plus(one, negated(other), effort).top


def times(one: Form, other: Form, effort: Effort) -> Form:
    """The product; a factor that is the other's bottom is cancelled."""
    if one.bottom == ONE and other.bottom == ONE:
        return Form(multiplied(one.top, other.top, effort))
    if one.bottom == other.top:
        return Form(one.top, other.bottom)
    if other.bottom == one.top:
        return Form(other.top, one.bottom)
    return Form(
        multiplied(one.top, other.top, effort), multiplied(one.bottom, other.bottom, effort)
    )


def inverse(form: Form, effort: Effort) -> Form:
    """1 / form; Undefined for nought."""
    top, bottom = form.bottom, form.top
    if not bottom:
        raise Undefined("a division by nought")
    if 1 < len(bottom) <= _MAX_CONJUGATED:
        factor = _conjugates(bottom, effort)
        if factor != ONE:
            top, bottom = multiplied(top, factor, effort), multiplied(bottom, factor, effort)
    if not bottom:
        raise Undefined("a division by nought")
    if len(bottom) > 1:
        return Form(top, bottom)
    ((monomial, coefficient),) = bottom.items()
    if coefficient.numerator.bit_length() > _MAX_DIVISOR_BITS:
        raise Unfit("too long a divisor")
    top = scaled(top, lowest(1 / Fraction(coefficient)))
    below = ONE
    for generator, exponent in monomial:
        if generator.kind == "root":
            top = multiplied(top, single(generator, lowest(1 - exponent)), effort)
            below = multiplied(below, generator.base, effort)
        else:
            top = multiplied(top, _turned(generator, exponent, effort), effort)
    return (
        Form(top, below) if below == ONE else times(Form(top), inverse(Form(below), effort), effort)
    )


def power(form: Form, exponent: int, effort: Effort) -> Form:
    """The form to a whole power."""
    if exponent < 0:
        return power(inverse(form, effort), -exponent, effort)
    return Form(raised(form.top, exponent, effort), raised(form.bottom, exponent, effort))


def _turned(generator: Generator, exponent: Rational, effort: Effort) -> Polynomial:
    """The generator to minus the exponent, as a polynomial."""
    if generator.kind == "imaginary":
        return {((generator, 1),): -1}
    if generator.kind == "prime":
        part = single(generator, lowest(1 - exponent))
        return scaled(part, Fraction(1, int(generator)))
    return single(generator, -exponent)


def _conjugates(bottom: Polynomial, effort: Effort) -> Polynomial:
    """What the bottom is multiplied by to rid it of square roots of integers and of i."""
    factor = ONE
    names = sorted(generators(bottom))
    if not all(name.kind in ("prime", "imaginary") for name in names) or not _square(bottom):
        return ONE
    for name in names:
        turned = {
            monomial: -value if any(item[0] == name for item in monomial) else value
            for monomial, value in bottom.items()
        }
        factor = multiplied(factor, turned, effort)
        bottom = multiplied(bottom, turned, effort)
    return factor


def _square(bottom: Polynomial) -> bool:
    """Whether all its roots are square roots."""
    halves = (1, Fraction(1, 2))
    return all(exponent in halves for monomial in bottom for _, exponent in monomial)
