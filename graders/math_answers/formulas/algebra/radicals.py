"""Rational powers of canonical forms: roots of integers reduced, squares taken out, the rest named.

The root of odd degree of a negative number is the real one, also where it is written as a power:
`\\sqrt[3]{-8}` and `(-8)^{1/3}` are -2.
"""

from __future__ import annotations

import re
from fractions import Fraction
from math import isqrt
from typing import Final

from graders.math_answers.formulas.algebra.form_text import leading, polynomial_text
from graders.math_answers.formulas.algebra.polynomials import (
    IMAGINARY,
    ONE,
    Effort,
    Generator,
    Monomial,
    Polynomial,
    Rational,
    Undefined,
    Unfit,
    content,
    generators,
    lowest,
    multiplied,
    power_of_integer,
    raised,
    scaled,
    single,
)
from graders.math_answers.formulas.algebra.quotients import (
    Form,
    inverse,
    of_rational,
    power,
    rational,
    times,
)

__all__ = [
    "absolute_of",
    "cosine_of_turn",
    "factors",
    "is_complex",
    "is_positive",
    "is_unsigned",
    "power_of_generator",
    "rooted",
    "unity",
]

_MAX_FACTORED_BITS: Final = 4_096
_SIEVED: Final = 1_000
_HALF: Final = Fraction(1, 2)
_IMAGINARY_UNIT: Final = re.compile(r"(?<![A-Za-z_'])i(?![A-Za-z_'])")


def rooted(form: Form, exponent: Fraction, effort: Effort) -> Form:
    """The form to a rational power that is not whole."""
    value = rational(form)
    if value is not None:
        return _of_rational(value, exponent, effort)
    if form.bottom == ONE:
        return _of_polynomial(form.top, exponent, effort)
    if all(name.fixed for name in generators(form.top) | generators(form.bottom)):
        # Which square root a quotient has depends on signs that are not known here.
        raise Unfit("a root of a quotient of constants")
    top = _of_polynomial(form.top, exponent, effort)
    return times(top, inverse(_of_polynomial(form.bottom, exponent, effort), effort), effort)


def is_positive(generator: Generator) -> bool:
    """Whether its value is a positive number whatever the symbols are."""
    if generator.kind == "power":
        real_base = generator[0].isdigit() or generator.startswith("e^(")
        return real_base and not is_complex(generator)
    return generator.kind in ("number", "prime", "abs")


def is_complex(generator: Generator) -> bool:
    """Whether the imaginary unit is anywhere in it."""
    return _IMAGINARY_UNIT.search(generator) is not None


def is_unsigned(generator: Generator) -> bool:
    """Whether it is a constant whose sign is not known here, as sin(4)."""
    kinds = ("call", "root", "power")
    return generator.fixed and generator.kind in kinds and not is_positive(generator)


def power_of_generator(generator: Generator, exponent: Rational, effort: Effort) -> Form:
    """One generator to any rational power."""
    if generator.kind == "prime":
        whole = exponent.__floor__()
        size = power_of_integer(int(generator), abs(whole), effort)
        factor = lowest(1 / Fraction(size)) if whole < 0 else size
        return Form(scaled(single(generator, lowest(exponent - whole)), factor))
    if generator.kind == "root":
        whole = exponent.__floor__()
        part = Form(single(generator, lowest(exponent - whole)))
        return times(part, power(Form(generator.base), whole, effort), effort)
    if generator.kind == "imaginary":
        return unity(Fraction(exponent) / 2, effort)
    return Form(single(generator, exponent))


def unity(turn: Fraction, effort: Effort) -> Form:
    """e^(i pi turn), for denominators whose cosine is a square root or two."""
    turn = turn % 2
    if turn >= 1:
        back = unity(turn - 1, effort)
        return Form(scaled(back.top, -1), back.bottom)
    real, imaginary = cosine_of_turn(turn), cosine_of_turn(turn - _HALF)
    if real is None or imaginary is None:
        return Form(single(Generator("(-1)", "power", fixed=True), turn))
    return Form({**real, **multiplied(imaginary, single(IMAGINARY), effort)})


def cosine_of_turn(turn: Fraction) -> Polynomial | None:
    """cos(pi turn), where square roots of integers say it."""
    turn = turn % 2
    turn = min(turn, 2 - turn)
    if turn > _HALF:
        inner = cosine_of_turn(1 - turn)
        return None if inner is None else scaled(inner, -1)
    terms = _COSINES.get(turn)
    if terms is None:
        return None
    return {
        tuple((_prime(number), _HALF) for number in primes): lowest(Fraction(top, bottom))
        for primes, top, bottom in terms
    }


_COSINES: Final[dict[Fraction, tuple[tuple[tuple[int, ...], int, int], ...]]] = {
    Fraction(0): (((), 1, 1),),
    Fraction(1, 12): (((2, 3), 1, 4), ((2,), 1, 4)),
    Fraction(1, 6): (((3,), 1, 2),),
    Fraction(1, 5): (((), 1, 4), ((5,), 1, 4)),
    Fraction(1, 4): (((2,), 1, 2),),
    Fraction(1, 3): (((), 1, 2),),
    Fraction(2, 5): (((), -1, 4), ((5,), 1, 4)),
    Fraction(5, 12): (((2, 3), 1, 4), ((2,), -1, 4)),
    Fraction(1, 2): (),
}
"""cos(pi turn) up to a right angle: primes under the root, then the coefficient's two parts."""


def _prime(number: int) -> Generator:
    return Generator(str(number), "prime", fixed=True)


def _name(item: tuple[Generator, Rational]) -> str:
    return item[0]


def _of_rational(value: Rational, exponent: Fraction, effort: Effort) -> Form:
    if not value:
        if exponent < 0:
            raise Undefined("a negative power of nought")
        return of_rational(0)
    result = of_rational(1)
    for number, sign in ((abs(value.numerator), 1), (value.denominator, -1)):
        for prime, count in factors(number).items():
            part = power_of_generator(_prime(prime), lowest(sign * count * exponent), effort)
            result = times(result, part, effort)
    if value > 0:
        return result
    return times(result, _of_minus_one(exponent, effort), effort)


def _of_minus_one(exponent: Fraction, effort: Effort) -> Form:
    if exponent.denominator % 2:
        return of_rational(-1 if exponent.numerator % 2 else 1)
    return unity(exponent, effort)


def factors(number: int) -> dict[int, int]:
    """The prime factors with their counts; a large cofactor counts as prime."""
    if number.bit_length() > _MAX_FACTORED_BITS:
        raise Unfit("a root of too long a number")
    found: dict[int, int] = {}
    divisor = 2
    while divisor < _SIEVED and divisor * divisor <= number:
        while number % divisor == 0:
            found[divisor] = found.get(divisor, 0) + 1
            number //= divisor
        divisor += 1 if divisor == 2 else 2
    if number > 1:
        side = isqrt(number)
        square = side * side == number
        rest = side if square else number
        found[rest] = found.get(rest, 0) + 1 + square
    return found


def _of_polynomial(polynomial: Polynomial, exponent: Fraction, effort: Effort) -> Form:
    names = generators(polynomial)
    even = exponent.denominator % 2 == 0
    if any(map(is_complex, names)):
        return _opaque(polynomial, exponent, effort)
    size = content(polynomial)
    common = _common(polynomial, even=even)
    rest = _divided(polynomial, common, size)
    result = _of_rational(size, exponent, effort)
    if leading(rest) < 0 and not even:
        rest = scaled(rest, -1)
        result = times(result, _of_minus_one(exponent, effort), effort)
    elif rest == {(): -1}:
        if all(is_positive(name) for name, _ in common):
            result = times(result, _of_minus_one(exponent, effort), effort)
            rest = ONE
        else:
            rest, common = _divided(polynomial, (), size), ()
    for name, power_ in common:
        result = times(result, _of_power(name, power_, exponent, effort), effort)
    return result if rest == ONE else times(result, _opaque(rest, exponent, effort), effort)


def _of_power(name: Generator, inner: Rational, exponent: Fraction, effort: Effort) -> Form:
    """(name^inner)^exponent; of an even power, which is never negative, the absolute value."""
    total = lowest(inner * exponent)
    if inner.numerator % 2 or is_positive(name) or total.numerator % 2 == 0:
        return power_of_generator(name, total, effort)
    return Form(single(absolute_of(name), total))


def absolute_of(name: Generator) -> Generator:
    """|name| for a generator of unknown sign."""
    return Generator(f"abs({name})", "abs", fixed=name.fixed, base=single(name))


def _common(polynomial: Polynomial, *, even: bool) -> Monomial:
    """The generators that all terms share, with their lowest exponents, so that they split off."""
    shared: dict[Generator, Rational] | None = None
    for monomial in polynomial:
        powers = dict(monomial)
        if shared is None:
            shared = powers
        else:
            shared = {g: min(e, powers[g]) for g, e in shared.items() if g in powers}
    # Of a constant of unknown sign, as sin(4), the even root does not split off.
    return tuple(
        sorted(
            (
                item
                for item in (shared or {}).items()
                if not (is_unsigned(item[0]) and (even or item[1].denominator > 1))
            ),
            key=_name,
        )
    )


def _divided(polynomial: Polynomial, common: Monomial, size: Rational) -> Polynomial:
    divisor = dict(common)
    rest: Polynomial = {}
    for monomial, value in polynomial.items():
        kept = tuple((g, lowest(e - divisor.get(g, 0))) for g, e in monomial)
        rest[tuple(item for item in kept if item[1])] = lowest(Fraction(value) / size)
    return rest


def _opaque(polynomial: Polynomial, exponent: Fraction, effort: Effort) -> Form:
    """The power of a polynomial that has no root of its own."""
    fixed = all(name.fixed for name in generators(polynomial))
    name = Generator(f"({polynomial_text(polynomial)})", "root", fixed=fixed, base=polynomial)
    whole = exponent.__floor__()
    part = Form(single(name, lowest(exponent - whole)))
    if whole < 0:
        return times(part, power(Form(polynomial), whole, effort), effort)
    return times(part, Form(raised(polynomial, whole, effort)), effort)
