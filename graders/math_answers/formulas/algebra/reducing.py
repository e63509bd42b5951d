"""The common divisor of two polynomials in one and the same symbol, taken out of both."""

from __future__ import annotations

from fractions import Fraction
from typing import Final, NamedTuple

from graders.math_answers.formulas.algebra.polynomials import (
    Generator,
    Polynomial,
    Rational,
    generators,
    lowest,
)

__all__ = ["Reduced", "reduced"]

_MAX_DEGREE: Final = 40

_Row = list[Fraction]
"""Coefficients by rising degree; the last is not 0."""


class Reduced(NamedTuple):
    top: Polynomial
    bottom: Polynomial


def reduced(top: Polynomial, bottom: Polynomial) -> Reduced:
    """Both without their greatest common divisor; as they are where they hold anything else."""
    names = generators(top) | generators(bottom)
    if len(bottom) < 2 or len(names) != 1:
        return Reduced(top, bottom)
    (name,) = names
    over, under = _row(top), _row(bottom)
    if name.kind != "symbol" or over is None or under is None:
        return Reduced(top, bottom)
    divisor = _common(over, under)
    if len(divisor) == 1:
        return Reduced(top, bottom)
    return Reduced(_polynomial(over, divisor, name), _polynomial(under, divisor, name))


def _row(polynomial: Polynomial) -> _Row | None:
    """The coefficients; None for high or broken degrees."""
    by_degree: dict[int, Rational] = {}
    for monomial, value in polynomial.items():
        degree = monomial[0][1] if monomial else 0
        if not isinstance(degree, int) or not 0 <= degree <= _MAX_DEGREE:
            return None
        by_degree[degree] = value
    return [Fraction(by_degree.get(degree, 0)) for degree in range(max(by_degree) + 1)]


def _common(one: _Row, other: _Row) -> _Row:
    """Euclid's algorithm, with leading coefficients of 1 so that the fractions stay short."""
    while other:
        one, other = other, _divided(one, other).rest
        other = [value / other[-1] for value in other] if other else other
    return one


class _Division(NamedTuple):
    times: _Row
    rest: _Row


def _divided(one: _Row, other: _Row) -> _Division:
    rest = list(one)
    times: _Row = []
    for shift in range(len(one) - len(other), -1, -1):
        factor = rest[shift + len(other) - 1] / other[-1]
        times.append(factor)
        if factor:
            for place, value in enumerate(other):
                rest[shift + place] -= factor * value
    while rest and not rest[-1]:
        rest.pop()
    return _Division(times[::-1], rest)


def _polynomial(row: _Row, divisor: _Row, name: Generator) -> Polynomial:
    quotient = _divided(row, divisor).times
    return {
        ((name, degree),) if degree else (): lowest(value)
        for degree, value in enumerate(quotient)
        if value
    }
