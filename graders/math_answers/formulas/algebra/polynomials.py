"""Sparse polynomials over the rationals whose generators know how their own powers reduce."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, isqrt, lcm
from typing import Final, Literal, NamedTuple, TypeAlias

from graders.math_answers.formulas.tree import TooBig

__all__ = [
    "IMAGINARY", "MAX_INTEGER_BITS", "ONE", "Effort", "Generator", "Kind", "Monomial", "Polynomial",
    "Rational", "Undefined", "Unfit", "added", "constant_part", "content", "generators", "lowest",
    "multiplied", "power_of_integer", "raised", "scaled", "single",
]  # fmt: skip

Rational: TypeAlias = int | Fraction
Kind: TypeAlias = Literal["symbol", "number", "prime", "imaginary", "root", "abs", "call", "power"]

MAX_INTEGER_BITS: Final = 1 << 22
_MAX_FRACTION_BITS: Final = 1 << 16
_MAX_TERMS: Final = 300
_FREE_BITS: Final = 4_096
_FRACTION_COST: Final = 4
_FOLDED: Final = frozenset({"prime", "imaginary", "root", "abs"})


class Unfit(ArithmeticError):
    """This method does not decide this item; another one may."""


class Undefined(ArithmeticError):
    """The expression has no value, as 1/0 has none."""


class Effort:
    """What may still be spent on one comparison, counted in products of two terms."""

    __slots__ = ("left",)

    def __init__(self, left: int = 4_000) -> None:
        self.left = left

    def spend(self, steps: int) -> None:
        """Take the steps from what is left; Unfit where they are too many."""
        self.left -= steps
        if self.left < 0:
            raise Unfit("too much work for the canonical form")

    def multiply(self, one_bits: int, other_bits: int) -> None:
        """Take the price of one product of integers of these lengths; Karatsuba's, about."""
        short, long = sorted((one_bits, other_bits))
        if long > _FREE_BITS:
            self.spend((long * isqrt(short)) >> 17)


class Generator(str):
    """What polynomials are made of, named by its canonical text: `x`, `pi`, `2`, `sin(x)`.

    A string, because its hash and its order are then those of the text and cost nothing.  A prime
    and a root carry fractional exponents between 0 and 1, all others any exponent.
    """

    __slots__ = ("base", "fixed", "kind")
    kind: Kind
    fixed: bool
    base: Polynomial

    def __new__(
        cls, text: str, kind: Kind, *, fixed: bool, base: Polynomial | None = None
    ) -> Generator:
        if len(text) > 2_000:
            raise Unfit("too long a generator")
        made = super().__new__(cls, text)
        made.kind = kind
        made.fixed = fixed
        made.base = base if base is not None else {}
        return made


Monomial: TypeAlias = tuple[tuple[Generator, Rational], ...]
"""Generators with their exponents, in the order of their texts; no exponent is 0."""

Polynomial: TypeAlias = dict[Monomial, Rational]
"""Coefficients by monomial; none is 0, so nought is empty.  Never changed once built."""

ONE: Final[Polynomial] = {(): 1}
IMAGINARY: Final = Generator("i", "imaginary", fixed=True)


def lowest(value: Rational) -> Rational:
    """The same number, an int where it is whole; Unfit where it has too many digits."""
    if type(value) is int:
        return value
    if value.denominator == 1:
        return value.numerator
    if value.denominator.bit_length() > _MAX_FRACTION_BITS:
        raise Unfit("too long a fraction")
    return value


def single(generator: Generator, exponent: Rational = 1) -> Polynomial:
    """The polynomial of one generator."""
    return {((generator, exponent),): 1} if exponent else ONE


def constant_part(polynomial: Polynomial) -> Rational | None:
    """Its value where it is a rational number, else None."""
    if not polynomial:
        return 0
    return polynomial.get(()) if len(polynomial) == 1 else None


def generators(polynomial: Polynomial) -> set[Generator]:
    """The generators that occur in it."""
    return {generator for monomial in polynomial for generator, _ in monomial}


def added(one: Polynomial, other: Polynomial) -> Polynomial:
    """The sum."""
    if not one or not other:
        return one or other
    total = dict(one)
    for monomial, coefficient in other.items():
        value = lowest(total.get(monomial, 0) + coefficient)
        if value:
            total[monomial] = value
        else:
            del total[monomial]
    if len(total) > _MAX_TERMS:
        raise Unfit("too many terms")
    return total


def scaled(polynomial: Polynomial, factor: Rational) -> Polynomial:
    """The polynomial times a rational number."""
    if factor == 1:
        return polynomial
    if not factor:
        return {}
    return {monomial: lowest(value * factor) for monomial, value in polynomial.items()}


def multiplied(one: Polynomial, other: Polynomial, effort: Effort) -> Polynomial:
    """The product, with every power of a generator reduced."""
    if len(one) == 1 and () in one:
        return scaled(other, _sized(one[()], other, effort))
    if len(other) == 1 and () in other:
        return scaled(one, _sized(other[()], one, effort))
    whole = type(next(iter(one.values()), 0)) is type(next(iter(other.values()), 0)) is int
    effort.spend(len(one) * len(other) * (1 if whole else _FRACTION_COST))
    total: Polynomial = {}
    for monomial, coefficient in one.items():
        for second, factor in other.items():
            product = _product(monomial, second, effort)
            value = _sized(coefficient, {(): factor}, effort) * factor
            if product.rest is None:
                _put(total, product.monomial, value * product.factor)
            else:
                for third, more in _whole_product(product, value, effort).items():
                    _put(total, third, more)
    if len(total) > _MAX_TERMS:
        raise Unfit("too many terms")
    return total


def raised(polynomial: Polynomial, exponent: int, effort: Effort) -> Polynomial:
    """The polynomial to a natural power."""
    if exponent == 0:
        return ONE
    if len(polynomial) == 1:
        ((monomial, coefficient),) = polynomial.items()
        value = power_of_integer(coefficient, exponent, effort)
        powers = {generator: lowest(e * exponent) for generator, e in monomial}
        product = _folded(powers, effort)
        return _whole_product(product, value, effort)
    if exponent > 1_000:
        raise Unfit("too high a power")
    result, square = ONE, polynomial
    while exponent:
        if exponent & 1:
            result = multiplied(result, square, effort)
        exponent >>= 1
        if exponent:
            square = multiplied(square, square, effort)
    return result


def power_of_integer(base: Rational, exponent: int, effort: Effort) -> Rational:
    """A rational number to a natural power; TooBig where that has millions of digits."""
    if base in (0, 1) or exponent == 1:
        return base if exponent else 1
    if base == -1:
        return -1 if exponent & 1 else 1
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    # Of a power of two the length says the size only to within a factor of two.
    if (bits - 1) * exponent > MAX_INTEGER_BITS:
        raise TooBig(f"a power of more than {MAX_INTEGER_BITS} bits")
    if base.denominator != 1 and bits * exponent > _MAX_FRACTION_BITS:
        raise Unfit("too long a fraction")
    if base.numerator & (base.numerator - 1):
        effort.multiply(bits * exponent, bits * exponent)
    return lowest(base**exponent)


def content(polynomial: Polynomial) -> Rational:
    """The positive rational number that divides all coefficients and leaves coprime integers."""
    top, bottom = 0, 1
    for value in polynomial.values():
        top = gcd(top, value.numerator)
        bottom = lcm(bottom, value.denominator)
    return lowest(Fraction(top, bottom))


class _Product(NamedTuple):
    """A product of monomials: factor * monomial, times `rest` where a root came back whole."""

    factor: Rational
    monomial: Monomial
    rest: Polynomial | None


def _sized(coefficient: Rational, other: Polynomial, effort: Effort) -> Rational:
    """The coefficient, after the cost of multiplying such long numbers is paid."""
    bits = coefficient.numerator.bit_length() + coefficient.denominator.bit_length()
    if bits > _FREE_BITS:
        for value in other.values():
            more = value.numerator.bit_length() + value.denominator.bit_length()
            if bits + more > 2 * MAX_INTEGER_BITS:
                raise TooBig("a product of millions of digits")
            effort.multiply(bits, more)
    return coefficient


def _put(total: Polynomial, monomial: Monomial, value: Rational) -> None:
    """Add a term to a total that nobody else holds yet."""
    value = lowest(total.get(monomial, 0) + value)
    if value:
        total[monomial] = value
    else:
        del total[monomial]


def _whole_product(product: _Product, value: Rational, effort: Effort) -> Polynomial:
    one: Polynomial = {product.monomial: lowest(product.factor * value)}
    return one if product.rest is None else multiplied(one, product.rest, effort)


def _product(one: Monomial, other: Monomial, effort: Effort) -> _Product:
    if not one or not other:
        return _Product(1, one or other, None)
    powers = dict(one)
    fold = False
    for generator, exponent in other:
        before = powers.get(generator)
        if before is None:
            powers[generator] = exponent
        else:
            powers[generator] = lowest(before + exponent)
            fold = fold or generator.kind in _FOLDED
    if fold:
        return _folded(powers, effort)
    return _Product(1, tuple(sorted((item for item in powers.items() if item[1]), key=_text)), None)


def _folded(powers: dict[Generator, Rational], effort: Effort) -> _Product:
    """The monomial of these powers, once what its generators give back is taken out."""
    factor: Rational = 1
    rest: Polynomial | None = None
    for generator, exponent in tuple(powers.items()):
        whole = _whole(generator, exponent)
        if not whole:
            continue
        powers[generator] = lowest(exponent - whole)
        if generator.kind == "imaginary":
            factor = -factor if whole % 4 == 2 else factor
        elif generator.kind == "prime":
            power = power_of_integer(int(generator), abs(whole), effort)
            factor = lowest(Fraction(factor) / power) if whole < 0 else factor * power
        else:
            back = raised(generator.base, whole, effort)
            rest = back if rest is None else multiplied(rest, back, effort)
    kept = tuple(sorted((item for item in powers.items() if item[1]), key=_text))
    return _Product(factor, kept, rest)


def _text(item: tuple[Generator, Rational]) -> str:
    return item[0]


def _whole(generator: Generator, exponent: Rational) -> int:
    """The part of the exponent that the generator gives back as a number or a polynomial."""
    if generator.kind in ("prime", "root"):
        return exponent.__floor__()
    if generator.kind == "imaginary":
        return int(exponent) // 2 * 2
    if generator.kind == "abs":
        return max(0, int(exponent // 2 * 2))
    return 0
