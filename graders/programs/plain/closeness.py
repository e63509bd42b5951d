"""Whether two numbers are as close as a tolerance wants, computed without rounding."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from graders.programs.tasks import Tolerance

__all__ = ["are_close", "are_close_complex"]

_MANTISSA_BITS: Final = 53


class _Dyadic(NamedTuple):
    """`mantissa * 2**exponent`: every int and every finite float is one."""

    mantissa: int
    exponent: int


def are_close(got: float, expected: float, *, tolerance: Tolerance) -> bool:
    """Whether an int or float is near the expected one; an infinity is near itself alone.

    The relative tolerance is of the expected value, which no program chooses.
    """
    if not (_is_finite(got) and _is_finite(expected)):
        return got == expected
    wanted = _dyadic(expected)
    return _is_within(
        _absolute(_sum(_dyadic(got), _negative(wanted))),
        _absolute(wanted),
        absolute=_dyadic(tolerance.abs_tol),
        relative=_dyadic(tolerance.rel_tol),
    )


def are_close_complex(
    got: tuple[float, float], expected: tuple[float, float], *, tolerance: Tolerance
) -> bool:
    """The same in the plane of complex numbers, where distances are compared by their squares."""
    if not all(map(math.isfinite, (*got, *expected))):
        return got == expected
    square = size = _Dyadic(0, 0)
    for one, other in zip(got, expected, strict=True):
        wanted = _dyadic(other)
        square = _sum(square, _square(_sum(_dyadic(one), _negative(wanted))))
        size = _sum(size, _square(wanted))
    return _is_within(
        square,
        size,
        absolute=_square(_dyadic(tolerance.abs_tol)),
        relative=_square(_dyadic(tolerance.rel_tol)),
    )


def _is_within(distance: _Dyadic, size: _Dyadic, *, absolute: _Dyadic, relative: _Dyadic) -> bool:
    scaled = _Dyadic(relative.mantissa * size.mantissa, relative.exponent + size.exponent)
    return _at_most(distance, absolute) or _at_most(distance, scaled)


def _is_finite(number: float) -> bool:
    # Not math.isfinite, which makes a float of an int, and not every int has one.
    return isinstance(number, int) or math.isfinite(number)


def _dyadic(number: float) -> _Dyadic:
    if isinstance(number, int):
        return _Dyadic(number, 0)
    fraction, exponent = math.frexp(number)
    return _Dyadic(int(math.ldexp(fraction, _MANTISSA_BITS)), exponent - _MANTISSA_BITS)


def _negative(number: _Dyadic) -> _Dyadic:
    return _Dyadic(-number.mantissa, number.exponent)


def _absolute(number: _Dyadic) -> _Dyadic:
    return _Dyadic(abs(number.mantissa), number.exponent)


def _square(number: _Dyadic) -> _Dyadic:
    return _Dyadic(number.mantissa**2, 2 * number.exponent)


def _aligned(one: _Dyadic, other: _Dyadic) -> tuple[int, int, int]:
    exponent = min(one.exponent, other.exponent)
    return (
        one.mantissa << (one.exponent - exponent),
        other.mantissa << (other.exponent - exponent),
        exponent,
    )


def _sum(one: _Dyadic, other: _Dyadic) -> _Dyadic:
    first, second, exponent = _aligned(one, other)
    return _Dyadic(first + second, exponent)


def _at_most(one: _Dyadic, other: _Dyadic) -> bool:
    first, second, _ = _aligned(one, other)
    return first <= second
