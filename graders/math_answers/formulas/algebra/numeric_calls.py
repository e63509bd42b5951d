"""Functions of values of many digits, each with the error that its argument's error becomes."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import comb
from typing import Final

from graders.math_answers.formulas.algebra.numerics import (
    EXACT,
    ZERO,
    Lens,
    Value,
    divided,
    exponential,
    from_fraction,
    log,
    magnitude,
    minus,
    multiplied,
    real_power,
    settled,
    size_of,
    summed,
    whole,
)
from graders.math_answers.formulas.algebra.polynomials import Undefined, Unfit

__all__ = ["evaluated"]

_MAX_ANGLE_BITS: Final = 4_000
_MAX_GAMMA_BITS: Final = 20
_MAX_GAMMA_PRECISION: Final = 2_000


def evaluated(name: str, arguments: tuple[Value, ...], lens: Lens) -> Value:
    """The value of a known function; Unfit for any other."""
    if len(arguments) == 1 and name in _ONE:
        return _ONE[name](arguments[0], lens)
    if len(arguments) == 2 and name in _TWO:
        return _TWO[name](arguments[0], arguments[1], lens)
    if arguments and name in ("max", "min"):
        return _extreme(name, arguments, lens)
    raise Unfit(f"no value is known of {name}")


def _number(value: int, lens: Lens) -> Value:
    return from_fraction(Fraction(value), lens)


def _turned(name: str, value: Value, lens: Lens) -> Value:
    """sin or cos."""
    if size_of(value) > _MAX_ANGLE_BITS:
        raise Unfit("an angle of absurd size")
    if value.im[1]:
        if size_of(value) > _MAX_GAMMA_BITS:
            raise Unfit("an angle of absurd size")
        re, im = getattr(lens.lib, f"mpc_{name}")((value.re, value.im), lens.precision, "n")
    else:
        re, im = getattr(lens.lib, f"mpf_{name}")(value.re, lens.precision, "n"), ZERO
    growth = max(0, magnitude(re, im)) if value.im[1] else 0
    # The cosine of a tiny angle hides that angle twice as deep.
    lens.span += max(0, -size_of(value)) if value.re[1] or value.im[1] else 0
    return lens.made(re, im, value.error + growth + 2)


def _sin(value: Value, lens: Lens) -> Value:
    return _turned("sin", value, lens)


def _cos(value: Value, lens: Lens) -> Value:
    return _turned("cos", value, lens)


def _tan(value: Value, lens: Lens) -> Value:
    return divided(_sin(value, lens), _cos(value, lens), lens)


def _cot(value: Value, lens: Lens) -> Value:
    return divided(_cos(value, lens), _sin(value, lens), lens)


def _sec(value: Value, lens: Lens) -> Value:
    return divided(_number(1, lens), _cos(value, lens), lens)


def _csc(value: Value, lens: Lens) -> Value:
    return divided(_number(1, lens), _sin(value, lens), lens)


def _halves(value: Value, lens: Lens, *, sign: int) -> Value:
    """(e^x + e^-x)/2 or (e^x - e^-x)/2."""
    up = exponential(value, lens)
    down = exponential(minus(value, lens), lens)
    total = summed(up, down if sign > 0 else minus(down, lens), lens)
    return divided(total, _number(2, lens), lens)


def _sinh(value: Value, lens: Lens) -> Value:
    return _halves(value, lens, sign=-1)


def _cosh(value: Value, lens: Lens) -> Value:
    return _halves(value, lens, sign=1)


def _tanh(value: Value, lens: Lens) -> Value:
    return divided(_sinh(value, lens), _cosh(value, lens), lens)


def _coth(value: Value, lens: Lens) -> Value:
    return divided(_cosh(value, lens), _sinh(value, lens), lens)


def _sech(value: Value, lens: Lens) -> Value:
    return divided(_number(1, lens), _cosh(value, lens), lens)


def _csch(value: Value, lens: Lens) -> Value:
    return divided(_number(1, lens), _sinh(value, lens), lens)


def _arctan(value: Value, lens: Lens) -> Value:
    if value.im[1]:
        raise Unfit("the angle of a complex number")
    re = lens.lib.mpf_atan(value.re, lens.precision, "n")
    lens.span += max(0, size_of(value)) if value.re[1] else 0
    return lens.made(re, ZERO, value.error + 1)


def _arcsin(value: Value, lens: Lens) -> Value:
    """arctan(x / sqrt(1 - x^2)), so that the error near 1 is that of the root."""
    one = _number(1, lens)
    if value.im[1]:
        raise Unfit("the angle of a complex number")
    rest = summed(one, minus(multiplied(value, value, lens), lens), lens)
    if not rest.re[1] and rest.error == EXACT:
        half = divided(_pi(lens), _number(2, lens), lens)
        return minus(half, lens) if value.re[0] else half
    if not settled(rest):
        raise Unfit("a sine that is not told from 1")
    if rest.re[0]:
        raise Undefined("the angle of a sine above 1")
    return _arctan(divided(value, real_power(rest, Fraction(1, 2), lens), lens), lens)


def _arccos(value: Value, lens: Lens) -> Value:
    half = divided(_pi(lens), _number(2, lens), lens)
    return summed(half, minus(_arcsin(value, lens), lens), lens)


def _arccot(value: Value, lens: Lens) -> Value:
    """Between 0 and pi, as in pi/2 - arctan(x)."""
    half = divided(_pi(lens), _number(2, lens), lens)
    return summed(half, minus(_arctan(value, lens), lens), lens)


def _arcsec(value: Value, lens: Lens) -> Value:
    return _arccos(divided(_number(1, lens), value, lens), lens)


def _arccsc(value: Value, lens: Lens) -> Value:
    return _arcsin(divided(_number(1, lens), value, lens), lens)


def _arcsinh(value: Value, lens: Lens) -> Value:
    square = summed(multiplied(value, value, lens), _number(1, lens), lens)
    return log(summed(value, real_power(square, Fraction(1, 2), lens), lens), lens)


def _arccosh(value: Value, lens: Lens) -> Value:
    square = summed(multiplied(value, value, lens), _number(-1, lens), lens)
    if value.re[0] and not value.im[1]:
        raise Undefined("no hyperbolic cosine is negative")
    return log(summed(value, real_power(square, Fraction(1, 2), lens), lens), lens)


def _arctanh(value: Value, lens: Lens) -> Value:
    one = _number(1, lens)
    ratio = divided(summed(one, value, lens), summed(one, minus(value, lens), lens), lens)
    return divided(log(ratio, lens), _number(2, lens), lens)


def _pi(lens: Lens) -> Value:
    return lens.made(lens.lib.mpf_pi(lens.precision, "n"), ZERO, EXACT)


def _absolute(value: Value, lens: Lens) -> Value:
    if value.im[1]:
        re = lens.lib.mpc_abs((value.re, value.im), lens.precision, "n")
        return lens.made(re, ZERO, value.error + 1)
    return Value(lens.lib.mpf_abs(value.re), ZERO, value.error)


def _sign(value: Value, lens: Lens) -> Value:
    if value.im[1] or (value.error != EXACT and not settled(value)):
        raise Unfit("a sign that is not told")
    return _number(0 if not value.re[1] else -1 if value.re[0] else 1, lens)


def _floor(value: Value, lens: Lens) -> Value:
    """The floor; Unfit where the error reaches over an integer."""
    if value.im[1] or size_of(value) > lens.precision // 2:
        raise Unfit("the floor of a complex or long number")
    low = int(lens.lib.to_int(lens.lib.mpf_floor(value.re, 0)))
    if value.error != EXACT:
        for edge in (low, low + 1):
            gap = summed(value, _number(-edge, lens), lens)
            if not settled(gap):
                raise Unfit("a floor that is not told")
    return _number(low, lens)


def _ceil(value: Value, lens: Lens) -> Value:
    return minus(_floor(minus(value, lens), lens), lens)


def _factorial(value: Value, lens: Lens) -> Value:
    return _gamma(summed(value, _number(1, lens), lens), lens)


def _gamma(value: Value, lens: Lens) -> Value:
    if value.im[1] or size_of(value) > _MAX_GAMMA_BITS or lens.precision > _MAX_GAMMA_PRECISION:
        raise Unfit("a gamma function out of reach")
    if value.re[2] >= 0 and (value.re[0] or not value.re[1]):
        raise Undefined("a pole of the gamma function")
    re = lens.lib.mpf_gamma(value.re, lens.precision, "n")
    # The logarithmic derivative grows as ln x, and near a pole as one over the distance to it.
    steepness = 8 if value.error == EXACT or not value.re[0] else 40
    return lens.made(re, ZERO, magnitude(re) + value.error + steepness)


def _binomial(upper: Value, lower: Value, lens: Lens) -> Value:
    count, few = whole(upper, lens), whole(lower, lens)
    if count is not None and few is not None and 0 <= count <= 1_000:
        return _number(comb(count, few) if few >= 0 else 0, lens)
    rest = _factorial(summed(upper, minus(lower, lens), lens), lens)
    bottom = multiplied(_factorial(lower, lens), rest, lens)
    return divided(_factorial(upper, lens), bottom, lens)


def _permutations(upper: Value, lower: Value, lens: Lens) -> Value:
    rest = _factorial(summed(upper, minus(lower, lens), lens), lens)
    return divided(_factorial(upper, lens), rest, lens)


def _log_of_base(value: Value, base: Value, lens: Lens) -> Value:
    return divided(log(value, lens), log(base, lens), lens)


def _mod(value: Value, divisor: Value, lens: Lens) -> Value:
    turns = _floor(divided(value, divisor, lens), lens)
    return summed(value, minus(multiplied(turns, divisor, lens), lens), lens)


def _extreme(name: str, arguments: tuple[Value, ...], lens: Lens) -> Value:
    best = arguments[0]
    for value in arguments[1:]:
        gap = summed(value, minus(best, lens), lens)
        if gap.im[1] or (gap.error != EXACT and not settled(gap)):
            raise Unfit("an order that is not told")
        if bool(gap.re[0]) == (name == "min") and gap.re[1]:
            best = value
    return best


def _conjugate(value: Value, lens: Lens) -> Value:
    return Value(value.re, lens.lib.mpf_neg(value.im), value.error)


def _re(value: Value, lens: Lens) -> Value:
    return lens.made(value.re, ZERO, value.error)


def _im(value: Value, lens: Lens) -> Value:
    return lens.made(value.im, ZERO, value.error)


def _arg(value: Value, lens: Lens) -> Value:
    return _im(log(value, lens), lens)


def _log10(value: Value, lens: Lens) -> Value:
    return _log_of_base(value, _number(10, lens), lens)


_ONE: Final[dict[str, Callable[[Value, Lens], Value]]] = {
    "sin": _sin, "cos": _cos, "tan": _tan, "cot": _cot, "sec": _sec, "csc": _csc,
    "sinh": _sinh, "cosh": _cosh, "tanh": _tanh, "coth": _coth, "sech": _sech, "csch": _csch,
    "arcsin": _arcsin, "arccos": _arccos, "arctan": _arctan, "arccot": _arccot,
    "arcsec": _arcsec, "arccsc": _arccsc,
    "arcsinh": _arcsinh, "arccosh": _arccosh, "arctanh": _arctanh,
    "ln": log, "log": _log10, "exp": exponential, "abs": _absolute, "sign": _sign,
    "floor": _floor, "ceil": _ceil, "factorial": _factorial, "gamma": _gamma,
    "conjugate": _conjugate, "re": _re, "im": _im, "arg": _arg,
}  # fmt: skip
_TWO: Final[dict[str, Callable[[Value, Value, Lens], Value]]] = {
    "log": _log_of_base, "binomial": _binomial, "permutations": _permutations, "mod": _mod,
}  # fmt: skip
