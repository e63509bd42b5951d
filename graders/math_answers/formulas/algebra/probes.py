"""Two expressions tried at some points with many digits: a difference refutes, agreement counts.

Agreement is believed because the precision follows the sizes of all that was met on the way: what
differs by 10^-100 is looked at with some thousand bits, and every value knows its own error.  The
exact algebra has then failed only for want of an identity.

Unknowns are real, unless their conjugate or the like is asked for, and rational, unless they count
something.  Where neither side holds the imaginary unit, a point counts only if both sides are real
there, all the way: `ln(x^2)` is `2 ln(x)`, while `sqrt(x^2)` and `x` differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock
from typing import Final, Literal, NamedTuple, TypeAlias

from graders.math_answers.formulas.algebra.contexts import kink_places, whole_symbols
from graders.math_answers.formulas.algebra.evaluation import value_at
from graders.math_answers.formulas.algebra.numerics import (
    Value,
    lens,
    minus,
    settled,
    size_of,
    summed,
)
from graders.math_answers.formulas.algebra.points import (
    Point,
    kink_points,
    points,
    whole_points,
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
_MAX_COST: Final = 8_000
"""Nodes looked at, weighted by their precision; a few microseconds each."""
_MAX_COUNTED_SIZE: Final = 200
"""What is larger and holds integers is not tried at other numbers too."""

# mpmath keeps pi, e and ln 2 in shared cells that it reads and writes without a guard.
_GUARD: Final = Lock()


def probed(one: Expression, other: Expression) -> _Verdict:
    """Compare by values; unsure where too few points count."""
    words = vocabulary(one, other)
    if words.opaque:
        return "unsure"
    pair = _Pair(one, other, words, whole_symbols(one, other))
    with _GUARD:
        verdict = _seen(pair)
        return "different" if verdict == "equal" and _parted(pair) else verdict


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


class _Pair(NamedTuple):
    """What is compared, what occurs in it, and which of its symbols are integers."""

    one: Expression
    other: Expression
    words: Vocabulary
    whole: frozenset[str]

    @property
    def real(self) -> bool:
        """Whether only real numbers are expected on the way."""
        return not self.words.imaginary and not self.words.complex


class _Tried(NamedTuple):
    """What one point said, and what looking at it cost."""

    verdict: _Outcome
    cost: int


def _seen(pair: _Pair) -> _Verdict:
    names = pair.words.symbols
    if pair.whole:
        verdict = _compared(pair, whole_points(names, pair.whole), _WHOLE, real=pair.real)
        if verdict in ("equal", "different"):
            return "equal" if verdict == "equal" else "different"
        if pair.words.size > _MAX_COUNTED_SIZE:
            return "unsure"
    verdict = _compared(pair, points(names, pair.words.complex), _PLAIN, real=pair.real)
    if verdict == "undefined" and pair.real:
        # Nowhere real: sqrt(-3), ln(-1), sqrt(-1 - x^2).
        verdict = _compared(pair, points(names), _PLAIN, real=False)
    if verdict == "undefined" or (verdict == "different" and pair.whole):
        # Between the integers nobody looks.
        return "unsure"
    return verdict


def _parted(pair: _Pair) -> bool:
    """Whether two that agree near nought differ beyond a corner, as |x - 30| and 30 - x do."""
    names = pair.words.symbols
    places = kink_places(pair.one, pair.other) if names else ()
    if not places:
        return False
    left = _MAX_COST // 2
    for point in kink_points(names, places, whole=pair.whole, turned=pair.words.complex):
        look = lens(_FIRST_BITS, real=pair.real)
        left -= pair.words.size
        if left <= 0:
            break
        try:
            ours, theirs = value_at(pair.one, point, look), value_at(pair.other, point, look)
            if settled(summed(ours, minus(theirs, look), look)):
                return True
        except (Undefined, Unfit):
            continue
    return False


class _Quorum(NamedTuple):
    """How many points that agree are looked for, and how many must be found."""

    wanted: int
    needed: int


_PLAIN: Final = _Quorum(6, 4)
_WHOLE: Final = _Quorum(10, 6)


def _compared(pair: _Pair, tries: Iterator[Point], quorum: _Quorum, *, real: bool) -> _Outcome:
    # A constant is looked at once, so as closely as it takes.
    budget = _MAX_COST if pair.words.symbols else 4 * _MAX_COST
    counted, undefined, left = 0, True, budget
    for point in tries:
        tried = _tried(pair, point, budget, real=real)
        if tried.verdict == "different":
            return "different"
        counted += tried.verdict == "equal"
        undefined = undefined and tried.verdict == "undefined"
        left -= tried.cost
        if counted >= quorum.wanted or left <= 0:
            break
    if undefined:
        return "undefined"
    return "equal" if counted >= (quorum.needed if pair.words.symbols else 1) else "unsure"


def _tried(pair: _Pair, point: Point, budget: int, *, real: bool) -> _Tried:
    """Look once, and where nothing differs a second time as closely as the sizes ask for."""
    bits, cost, size = _FIRST_BITS, 0, pair.words.size
    while bits <= _MAX_BITS:
        look = lens(bits, real=real)
        cost += size * (bits >> 8) ** 2 // 2 if bits > _FIRST_BITS else size
        if cost > budget:
            break
        try:
            ours, theirs = value_at(pair.one, point, look), value_at(pair.other, point, look)
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
