"""What probes should look for: symbols that count things, and corners far from nought."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, pairwise
from math import isqrt
from typing import Final

from graders.math_answers.formulas.algebra.vocabulary import parts, vocabulary
from graders.math_answers.formulas.tree import (
    Call,
    Expression,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Root,
)

__all__ = ["kink_places", "whole_symbols"]

_COUNTERS: Final = frozenset({"n", "k", "m", "j"})
"""Letters that stand for integers by custom."""
_COUNTING: Final = frozenset({"factorial", "double_factorial", "binomial", "permutations"})
_KINKED: Final = frozenset({
    "abs", "floor", "ceil", "max", "min", "sign", "mod", "arcsin", "arccos", "arctan", "arccot",
})  # fmt: skip
_MAX_WALKS: Final = 20
_MAX_WRITTEN: Final = 6
_MAX_PLACES: Final = 20
_FAR: Final = 10**30
_BETWEEN: Final = Fraction(43, 97)


def whole_symbols(*expressions: Expression) -> frozenset[str]:
    """The counters in the exponent of a (-1)^n, in a factorial or a binomial: integers."""
    found: set[str] = set()
    if _COUNTERS.isdisjoint(vocabulary(*expressions).symbols):
        return frozenset()
    waiting, walks = list(expressions), 0
    while waiting and walks < _MAX_WALKS:
        node = waiting.pop()
        counted = _counted(node)
        if counted:
            walks += 1
            names = frozenset(vocabulary(*counted).symbols)
            if names <= _COUNTERS:
                found |= names
                continue
        waiting.extend(parts(node))
    return frozenset(found)


def _counted(node: Expression) -> tuple[Expression, ...]:
    """The parts of a node that make sense for integers alone."""
    match node:
        case Power(Negative(Number() as below), exponent) if below.value == 1:
            return (exponent,)
        case Call() if node.name in _COUNTING:
            return node.arguments
        case _:
            return ()


def kink_places(*expressions: Expression) -> tuple[Fraction, ...]:
    """Positive numbers between and beyond the places where a corner may be; none without corners.

    The first is far out; then come those between the numbers written, then those between their
    sums, products and roots.
    """
    kinked, numbers = False, {Fraction(0)}
    waiting = [(one, False) for one in expressions]
    while waiting:
        node, rooted = waiting.pop()
        kinked = kinked or _is_kink(node, rooted=rooted)
        rooted = rooted or _is_even_root(node)
        written = _written(node)
        if written is not None and 1 / Fraction(_FAR) < written < _FAR:
            numbers.add(written)
        waiting.extend((part, rooted) for part in parts(node))
    return _places(sorted(numbers)[-_MAX_WRITTEN:]) if kinked else ()


def _is_kink(node: Expression, *, rooted: bool) -> bool:
    """A function with a corner, or under an even root what may be a square."""
    match node:
        case Call():
            return node.name in _KINKED
        case Power():
            return rooted
        case Product():
            return rooted and sum(not isinstance(part, Number) for part in node.factors) > 1
        case _:
            return False


def _is_even_root(node: Expression) -> bool:
    match node:
        case Root():
            return node.degree % 2 == 0
        case Power(_, Number() as exponent):
            return exponent.value.denominator % 2 == 0
        case Power(_, Quotient()):
            return True
        case _:
            return False


def _written(node: Expression) -> Fraction | None:
    match node:
        case Number():
            return node.value
        case Power(Number() as base, Number() as exponent) if (
            exponent.value.denominator == 1 and exponent.value <= 30 and base.value <= 1_000
        ):
            return Fraction(base.value**exponent.value.numerator)
        case _:
            return None


def _places(written: list[Fraction]) -> tuple[Fraction, ...]:
    largest = max(written[-1], Fraction(1))
    far = [Fraction(23, 10) * largest, 7 * largest, 41 * largest]
    near = _between([Fraction(0), *written])
    marks = {Fraction(0), *written}
    for one in written:
        marks.add(Fraction(isqrt(int(one))))
        marks.add(one * one)
    for one, other in combinations(written, 2):
        marks |= {one + other, other - one, one * other}
        if one:
            marks.add(other / one)
    # The written ones come first, as there a corner is most likely.
    found = [far[0], *near, *far[1:], *_between(sorted(marks))]
    return tuple(dict.fromkeys(found))[:_MAX_PLACES]


def _between(marks: list[Fraction]) -> list[Fraction]:
    return [low + (high - low) * _BETWEEN for low, high in pairwise(marks) if low < high]
