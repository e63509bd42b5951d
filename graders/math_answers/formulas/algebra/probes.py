"""Two expressions tried at some points with many digits: a difference refutes, agreement counts.

Agreement is believed because the precision follows the sizes of all that was met on the way: what
differs by 10^-100 is looked at with some thousand bits, and every value knows its own error.  The
exact algebra has then failed only for want of an identity.

Unknowns are real.  Where neither side holds the imaginary unit, a point counts only if both sides
are real there, all the way: `ln(x^2)` is `2 ln(x)`, while `sqrt(x^2)` and `x` differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from threading import Lock
from typing import Final, Literal, NamedTuple, TypeAlias

from graders.math_answers.formulas.algebra.evaluation import Point, value_at
from graders.math_answers.formulas.algebra.numerics import (
    Value,
    lens,
    minus,
    settled,
    size_of,
    summed,
)
from graders.math_answers.formulas.algebra.polynomials import Undefined, Unfit
from graders.math_answers.formulas.algebra.vocabulary import Vocabulary, vocabulary
from graders.math_answers.formulas.tree import Expression

__all__ = ["constant_value", "probed"]

_Verdict: TypeAlias = Literal["equal", "different", "unsure"]
_Outcome: TypeAlias = Literal["equal", "different", "unsure", "undefined"]

_FIRST_BITS: Final = 256
_MAX_BITS: Final = 10_000
_AGREEMENT_BITS: Final = 64
_WANTED: Final = 6
_NEEDED: Final = 4
_MAX_COST: Final = 10_000
"""Nodes looked at, weighted by their precision; a few microseconds each."""

# mpmath keeps pi, e and ln 2 in shared cells that it reads and writes without a guard.
_GUARD: Final = Lock()


def probed(one: Expression, other: Expression) -> _Verdict:
    """Compare by values; unsure where too few points count."""
    words = vocabulary(one, other)
    if words.opaque:
        return "unsure"
    with _GUARD:
        if words.imaginary:
            verdict = _compared(one, other, words, real=False)
            return "unsure" if verdict == "undefined" else verdict
        verdict = _compared(one, other, words, real=True)
        if verdict != "undefined":
            return verdict
        # Nowhere real: sqrt(-3), ln(-1), sqrt(-1 - x^2).
        verdict = _compared(one, other, words, real=False)
        return "unsure" if verdict == "undefined" else verdict


def constant_value(expression: Expression, bits: int) -> Value | None:
    """The value of a constant with an error well below its size or 2^-bits; None out of reach."""
    words = vocabulary(expression)
    if words.opaque or words.symbols:
        return None
    with _GUARD:
        try:
            first = lens(_FIRST_BITS, real=False)
            value_at(expression, {}, first)
            wanted = _FIRST_BITS + 4 * first.span + bits
            if wanted > _MAX_BITS:
                return None
            return value_at(expression, {}, lens(wanted, real=False))
        except (Unfit, Undefined):
            return None


class _Tried(NamedTuple):
    """What one point said, and what looking at it cost."""

    verdict: _Outcome
    cost: int


def _compared(one: Expression, other: Expression, words: Vocabulary, *, real: bool) -> _Outcome:
    counted, undefined, left = 0, True, _MAX_COST
    for point in _points(words.symbols):
        tried = _tried((one, other), point, words.size, real=real)
        if tried.verdict == "different":
            return "different"
        counted += tried.verdict == "equal"
        undefined = undefined and tried.verdict == "undefined"
        left -= tried.cost
        if counted >= _WANTED or left <= 0:
            break
    if undefined:
        return "undefined"
    return "equal" if counted >= (_NEEDED if words.symbols else 1) else "unsure"


def _tried(pair: tuple[Expression, Expression], point: Point, size: int, *, real: bool) -> _Tried:
    """Look once, and where nothing differs a second time as closely as the sizes ask for."""
    bits, cost = _FIRST_BITS, 0
    while bits <= _MAX_BITS:
        look = lens(bits, real=real)
        cost += size * (bits >> 8) ** 2 // 2 if bits > _FIRST_BITS else size
        if cost > _MAX_COST:
            break
        try:
            ours, theirs = value_at(pair[0], point, look), value_at(pair[1], point, look)
        except Undefined:
            return _Tried("undefined", cost)
        except Unfit:
            # Some are only not told from nought yet; the closest look decides.
            if bits > _FIRST_BITS:
                break
            bits *= 4
            continue
        wanted = _AGREEMENT_BITS + 4 * look.span
        gap = summed(ours, minus(theirs, look), look)
        if settled(gap):
            return _Tried("different", cost)
        near = max(size_of(ours), size_of(theirs)) if settled(ours) else 0
        if bits >= wanted and gap.error < near - _AGREEMENT_BITS:
            return _Tried("equal", cost)
        # At the cap no agreement counts, but a difference still does.
        if bits >= _MAX_BITS:
            # So it will be elsewhere: leave time for one point more.
            cost = max(cost, _MAX_COST // 2)
        closest = max(_MAX_BITS, bits + 1)
        bits = min(max(_FIRST_BITS + wanted, 2 * bits), 4 * bits, closest)
    return _Tried("unsure", cost)


def _points(names: tuple[str, ...]) -> Iterator[Point]:
    """Points of all signs and of three sizes, for each symbol another; one for constants."""
    if not names:
        yield {}
        return
    for row, (size, signs) in enumerate(_REGIONS):
        point: dict[str, Fraction] = {}
        for column, name in enumerate(names):
            # Coprime steps, so that no two symbols and no two points share a value.
            part = Fraction((37 * row + 71 * column + 13) % 89 + 5, 97)
            value = (part, 1 + 3 * part, 5 + 20 * part)[size]
            point[name] = -value if signs >> (column % 4) & 1 else value
        yield point


_SMALL, _MIDDLE, _LARGE = 0, 1, 2
_REGIONS: Final = (
    (_MIDDLE, 0b0000), (_MIDDLE, 0b1111), (_SMALL, 0b0000), (_LARGE, 0b0101), (_SMALL, 0b1010),
    (_LARGE, 0b0000), (_SMALL, 0b0000), (_MIDDLE, 0b0000), (_LARGE, 0b1111), (_SMALL, 0b0101),
    (_MIDDLE, 0b0110), (_SMALL, 0b1111), (_LARGE, 0b0000), (_SMALL, 0b0000),
)  # fmt: skip
"""Sizes, and which of each four symbols are negative."""
