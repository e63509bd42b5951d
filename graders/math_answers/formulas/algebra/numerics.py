"""Complex numbers of many digits, each with a bound of its own error: the arithmetic of the probes.

A value is a pair of mpmath's low-level numbers and `error`, which promises that both parts are
within 2^error of the truth.  The bounds come from condition numbers with a few bits to spare.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final, NamedTuple, TypeAlias

from graders.math_answers.formulas.algebra.polynomials import Undefined, Unfit

__all__ = [
    "EXACT", "ZERO", "Lens", "Real", "Value", "divided", "exponential", "from_fraction",
    "is_zero", "lens", "log", "magnitude", "minus", "multiplied", "power", "real_power", "settled",
    "size_of", "summed", "whole",
]  # fmt: skip

Real: TypeAlias = tuple[int, int, int, int]
"""mpmath's sign, mantissa, exponent and bit count."""

EXACT: Final = -(1 << 50)
"""The error of what has none, and the magnitude of nought."""
_MAX_EXPONENT_BITS: Final = 40
_MAX_WHOLE_POWER: Final = 1 << 16
ZERO: Final[Real] = (0, 0, 0, 0)


class Value(NamedTuple):
    re: Real
    im: Real
    error: int


class Lens:
    """How an expression is looked at: with which precision, and only through real numbers or not.

    `span` sums the sizes of all that is met, as powers of two: what may hide that far below one.
    """

    __slots__ = ("lib", "precision", "real", "span")

    # Any: mpmath has no types.
    def __init__(self, lib: Any, precision: int, *, real: bool) -> None:
        self.lib = lib
        self.precision = precision
        self.real = real
        self.span = 0

    def made(self, re: Real, im: Real, error: int) -> Value:
        """A value, once it is seen to be finite and, where only reals count, real."""
        if (not re[1] and re[2]) or (not im[1] and im[2]):
            raise Undefined("not a finite number")
        if im[1] and self.real:
            raise Undefined("not a real number")
        size = magnitude(re, im)
        if size == EXACT:
            # Sums of errors with that of nought have drifted from it.
            error = EXACT if error < EXACT // 2 else error
        else:
            error = max(error, size - self.precision) + 1
            # What is nothing but its error says nothing of sizes.
            self.span += abs(size) if size > error + 2 else 0
        return Value(re, im, error)


def lens(precision: int, *, real: bool) -> Lens:
    """A lens of so many bits."""
    from mpmath import libmp

    return Lens(libmp, precision, real=real)


def magnitude(re: Real, im: Real = ZERO) -> int:
    """The power of two just above the larger part; EXACT for nought."""
    first = re[2] + re[3] if re[1] else EXACT
    return max(first, im[2] + im[3]) if im[1] else first


def size_of(value: Value) -> int:
    """The magnitude of a value."""
    return magnitude(value.re, value.im)


def settled(value: Value) -> bool:
    """Whether the value is further from nought than its error."""
    size = size_of(value)
    return size != EXACT and size > value.error + 2


def is_zero(value: Value) -> bool:
    """Whether the value is nought, without any error."""
    return not value.re[1] and not value.im[1] and value.error == EXACT


def from_fraction(value: Fraction, lens: Lens) -> Value:
    """A rational number; exact where it is a short integer."""
    if value.denominator == 1:
        re = lens.lib.from_int(value.numerator)
        if re[3] <= lens.precision:
            return lens.made(re, ZERO, EXACT)._replace(error=EXACT)
        re = lens.lib.mpf_pos(re, lens.precision, "n")
    else:
        re = lens.lib.from_rational(value.numerator, value.denominator, lens.precision)
        lens.span += min(value.numerator.bit_length(), value.denominator.bit_length())
    return lens.made(re, ZERO, EXACT)


def whole(value: Value, lens: Lens) -> int | None:
    """The value where it is an exact integer of moderate size, else None."""
    if value.error != EXACT or value.im[1] or value.re[2] < 0 or magnitude(value.re) > 64:
        return None
    return int(lens.lib.to_int(value.re))


def summed(one: Value, other: Value, lens: Lens) -> Value:
    """The sum."""
    add, bits = lens.lib.mpf_add, lens.precision
    re = add(one.re, other.re, bits, "n")
    im = add(one.im, other.im, bits, "n") if one.im[1] or other.im[1] else ZERO
    error = EXACT if one.error == other.error == EXACT else max(one.error, other.error) + 1
    made = lens.made(re, im, error)
    if error == EXACT and max(re[3], im[3]) < bits - 1:
        return made._replace(error=EXACT)
    return made


def minus(value: Value, lens: Lens) -> Value:
    """The value times -1."""
    return Value(lens.lib.mpf_neg(value.re), lens.lib.mpf_neg(value.im), value.error)


def multiplied(one: Value, other: Value, lens: Lens) -> Value:
    """The product."""
    lib, bits = lens.lib, lens.precision
    if one.im[1] or other.im[1]:
        re, im = lib.mpc_mul((one.re, one.im), (other.re, other.im), bits, "n")
    else:
        re, im = lib.mpf_mul(one.re, other.re, bits, "n"), ZERO
    if one.error == other.error == EXACT:
        made = lens.made(re, im, EXACT)
        return made._replace(error=EXACT) if max(re[3], im[3]) < bits - 1 else made
    error = max(size_of(one) + other.error, size_of(other) + one.error, one.error + other.error)
    return lens.made(re, im, error + 2)


def divided(one: Value, other: Value, lens: Lens) -> Value:
    """The quotient; Undefined where the divisor is nought, Unfit where it may be."""
    if is_zero(other):
        raise Undefined("a division by nought")
    if not settled(other):
        raise Unfit("a divisor that is not told from nought")
    top, bottom = whole(one, lens), whole(other, lens)
    if top is not None and bottom and top % bottom == 0:
        return from_fraction(Fraction(top // bottom), lens)
    lib, bits = lens.lib, lens.precision
    if one.im[1] or other.im[1]:
        re, im = lib.mpc_div((one.re, one.im), (other.re, other.im), bits, "n")
    else:
        re, im = lib.mpf_div(one.re, other.re, bits, "n"), ZERO
    below = size_of(other)
    error = max(one.error - below, size_of(one) + other.error - 2 * below)
    return lens.made(re, im, error + 3)


def exponential(value: Value, lens: Lens) -> Value:
    """e to the value; Unfit where that has no sensible size."""
    lib, bits = lens.lib, lens.precision
    if size_of(value) > _MAX_EXPONENT_BITS:
        raise Unfit("an exponent of absurd size")
    if value.im[1]:
        re, im = lib.mpc_exp((value.re, value.im), bits, "n")
    else:
        re, im = lib.mpf_exp(value.re, bits, "n"), ZERO
    return lens.made(re, im, magnitude(re, im) + value.error + 2)


def log(value: Value, lens: Lens) -> Value:
    """The principal natural logarithm."""
    if is_zero(value):
        raise Undefined("the logarithm of nought")
    if not settled(value):
        raise Unfit("a logarithm of what is not told from nought")
    lib, bits = lens.lib, lens.precision
    if value.im[1] or value.re[0]:
        if _on_cut(value):
            raise Unfit("a logarithm on its cut")
        re, im = lib.mpc_log((value.re, value.im), bits, "n")
    else:
        re, im = lib.mpf_log(value.re, bits, "n"), ZERO
    return lens.made(re, im, value.error - size_of(value) + 3)


def _on_cut(value: Value) -> bool:
    """Whether a negative number has an imaginary part that is only error."""
    return bool(value.re[0]) and bool(value.im[1]) and magnitude(value.im) <= value.error + 1


def power(base: Value, exponent: Value, lens: Lens) -> Value:
    """base ^ exponent, principal; whole exponents by multiplication."""
    count = whole(exponent, lens)
    if count is not None and abs(count) <= _MAX_WHOLE_POWER:
        return _whole_power(base, count, lens)
    if is_zero(base):
        if exponent.re[0] or not exponent.re[1]:
            raise Undefined("a power of nought")
        return base
    return exponential(multiplied(log(base, lens), exponent, lens), lens)


def real_power(base: Value, exponent: Fraction, lens: Lens) -> Value:
    """base ^ a rational number; odd roots of negative numbers are the real ones."""
    if exponent.denominator == 1 and abs(exponent) <= _MAX_WHOLE_POWER:
        return _whole_power(base, exponent.numerator, lens)
    if base.im[1] or not base.re[0] or exponent.denominator % 2 == 0:
        return _principal(base, exponent, lens)
    result = _principal(minus(base, lens), exponent, lens)
    return minus(result, lens) if exponent.numerator % 2 else result


def _principal(base: Value, exponent: Fraction, lens: Lens) -> Value:
    if exponent == Fraction(1, 2) and not base.im[1] and (is_zero(base) or settled(base)):
        root = lens.lib.mpf_sqrt(lens.lib.mpf_abs(base.re), lens.precision, "n")
        error = EXACT if is_zero(base) else base.error - size_of(base) // 2 + 2
        return lens.made(ZERO, root, error) if base.re[0] else lens.made(root, ZERO, error)
    return power(base, from_fraction(exponent, lens), lens)


def _whole_power(base: Value, count: int, lens: Lens) -> Value:
    if count == 0 and is_zero(base):
        raise Undefined("nought to the power of nought")
    before = lens.span
    if count < 0:
        below = _whole_power(base, -count, lens)
        lens.span = before
        return divided(from_fraction(Fraction(1), lens), below, lens)
    result = from_fraction(Fraction(1), lens)
    while count:
        if count & 1:
            result = multiplied(result, base, lens)
        count >>= 1
        if count:
            base = multiplied(base, base, lens)
    # The steps on the way hide nothing that the power itself does not.
    lens.span = before + abs(size_of(result)) if settled(result) else before
    return result
