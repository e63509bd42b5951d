"""The text of a canonical form: one line, the same for equal forms, as `x^2 - 1` or `sqrt(3)/2`."""

from __future__ import annotations

from fractions import Fraction
from typing import Final, NamedTuple

from graders.math_answers.formulas.algebra.polynomials import (
    ONE,
    Generator,
    Monomial,
    Polynomial,
    Rational,
    Unfit,
    content,
    lowest,
    scaled,
)
from graders.math_answers.formulas.algebra.quotients import Form
from graders.math_answers.formulas.algebra.reducing import reduced

__all__ = ["Sides", "cleared", "form_text", "leading", "polynomial_text", "size"]

_MAX_DIGIT_BITS: Final = 8_000
"""Longer numbers are not printed: their decimal digits cost quadratic time."""


class Sides(NamedTuple):
    """A quotient whose both sides have whole coefficients and no negative exponents."""

    top: Polynomial
    bottom: Polynomial


def form_text(form: Form) -> str:
    """The text of a quotient; Unfit where a number in it is too long to print."""
    sides = cleared(form)
    top = polynomial_text(sides.top)
    if sides.bottom == ONE:
        return top
    bottom = polynomial_text(sides.bottom)
    if len(sides.top) > 1:
        top = f"({top})"
    return f"{top}/{bottom}" if bottom.isalnum() else f"{top}/({bottom})"


def polynomial_text(polynomial: Polynomial) -> str:
    """The text of a polynomial: terms by falling degree, then by name."""
    if not polynomial:
        return "0"
    parts: list[str] = []
    for monomial, coefficient in _ordered(polynomial):
        text = _term(monomial, size(coefficient))
        sign = "-" if coefficient < 0 else "+"
        parts.append(f" {sign} {text}" if parts else text if sign == "+" else f"-{text}")
    return "".join(parts)


def leading(polynomial: Polynomial) -> Rational:
    """The coefficient of the term that is printed first."""
    return _ordered(polynomial)[0][1]


def size(value: Rational) -> Rational:
    """The absolute value, typed as what it is."""
    return -value if value < 0 else value


def _ordered(polynomial: Polynomial) -> list[tuple[Monomial, Rational]]:
    return sorted(polynomial.items(), key=_place)


def _place(
    item: tuple[Monomial, Rational],
) -> tuple[int, Rational, tuple[tuple[str, Rational], ...]]:
    """Real terms before imaginary ones, then high degrees, then names in order."""
    monomial = item[0]
    degree: Rational = 0
    imaginary = 0
    for generator, exponent in monomial:
        if generator.kind == "imaginary":
            imaginary = 1
        elif generator.kind != "prime":
            degree += exponent
    names = tuple((str(generator), -exponent) for generator, exponent in monomial)
    return (imaginary, -degree, names)


def _term(monomial: Monomial, coefficient: Rational) -> str:
    """A term without its sign."""
    roots: dict[int, int] = {}
    words: list[str] = []
    for generator, exponent in monomial:
        if generator.kind == "prime":
            degree = exponent.denominator
            roots[degree] = roots.get(degree, 1) * int(generator) ** exponent.numerator
        else:
            words.append(_power(generator, exponent))
    words[:0] = [_root(str(inner), degree) for degree, inner in sorted(roots.items())]
    if coefficient.numerator != 1 or not words:
        words.insert(0, _digits(coefficient.numerator))
    text = "*".join(words)
    return text if coefficient.denominator == 1 else f"{text}/{_digits(coefficient.denominator)}"


def _root(inner: str, degree: int) -> str:
    return f"sqrt({inner})" if degree == 2 else f"root({inner}, {degree})"


def _power(generator: Generator, exponent: Rational) -> str:
    if exponent == 1:
        return generator
    if exponent == Fraction(1, 2):
        return f"sqrt{generator}" if generator.startswith("(") else f"sqrt({generator})"
    base = f"({generator})" if generator.kind == "power" else generator
    whole = exponent.denominator == 1 and exponent > 0
    return f"{base}^{exponent}" if whole else f"{base}^({exponent})"


def _digits(value: int) -> str:
    if value.bit_length() > _MAX_DIGIT_BITS:
        raise Unfit("a number too long to print")
    return str(value)


def cleared(form: Form) -> Sides:
    """Both sides without fractions, negative exponents and common factors of all terms."""
    top, bottom = form
    if not top:
        return Sides({}, ONE)
    down = _common(top)
    up = _common(bottom)
    names = {**down, **up}
    shift = {name: down.get(name, 0) - up.get(name, 0) for name in names}
    top = _shifted(top, {name: max(0, shift.get(name, 0)) - down.get(name, 0) for name in names})
    bottom = _shifted(bottom, {n: max(0, -shift.get(n, 0)) - up.get(n, 0) for n in names})
    top, bottom = reduced(top, bottom)
    over, under = content(top), content(bottom)
    ratio = Fraction(over) / Fraction(under)
    if leading(bottom) < 0:
        ratio = -ratio
        bottom = scaled(bottom, -1)
    return Sides(
        scaled(scaled(top, lowest(1 / Fraction(over))), ratio.numerator),
        scaled(scaled(bottom, lowest(1 / Fraction(under))), ratio.denominator),
    )


def _common(polynomial: Polynomial) -> dict[Generator, Rational]:
    """The lowest exponent of every generator whose negative powers may move to the other side."""
    lows: dict[Generator, Rational] = {}
    first = True
    for monomial in polynomial:
        powers = {g: e for g, e in monomial if g.kind not in ("prime", "imaginary", "root")}
        if first:
            lows, first = powers, False
            continue
        for name in {*lows, *powers}:
            lows[name] = min(lows.get(name, 0), powers.get(name, 0))
    return {name: low for name, low in lows.items() if low}


def _shifted(polynomial: Polynomial, shifts: dict[Generator, Rational]) -> Polynomial:
    """The polynomial times the monomial of these exponents."""
    if not any(shifts.values()):
        return polynomial
    moved: Polynomial = {}
    for monomial, value in polynomial.items():
        powers: dict[Generator, Rational] = dict(monomial)
        for name, shift in shifts.items():
            powers[name] = lowest(powers.get(name, 0) + shift)
        moved[tuple(sorted(((g, e) for g, e in powers.items() if e), key=_name))] = value
    return moved


def _name(item: tuple[Generator, Rational]) -> str:
    return item[0]
