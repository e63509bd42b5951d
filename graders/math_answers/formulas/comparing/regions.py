"""Parts of the number line, however they are written: intervals, inequalities, unions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cmp_to_key
from typing import Final, NamedTuple, TypeAlias

from graders.math_answers.formulas.algebra.equivalence import linear_in, order, sign
from graders.math_answers.formulas.tree import (
    MIRRORED,
    Bracketed,
    Call,
    Constant,
    Expression,
    Listing,
    NamedSet,
    Negative,
    Node,
    Number,
    Operator,
    Quotient,
    Relation,
    SetOperation,
    Sum,
    Symbol,
    is_expression,
)

__all__ = ["Region", "Span", "as_region", "same_region"]

_INFINITE: Final = Constant("infinity")
_MAX_SPANS: Final = 64


class _Unsolved(ValueError):
    """Bounds that cannot be put in order, or a side that cannot be solved."""


class Span(NamedTuple):
    """What lies between two bounds; None is infinity."""

    low: Expression | None
    high: Expression | None
    has_low: bool = False
    has_high: bool = False


_Spans: TypeAlias = tuple[Span, ...]
_ALL: Final = Span(None, None)


class Region(NamedTuple):
    """Disjoint spans from left to right, and the unknown they were written for."""

    symbol: str | None
    spans: _Spans


def as_region(node: Node) -> Region | None:
    """Read a node as a part of the number line; None where it is none, or not a solvable one."""
    names: set[str] = set()
    try:
        spans = _merged(_spans(node, names))
    except _Unsolved:
        return None
    return Region(next(iter(names), None), spans) if len(names) <= 1 else None


def same_region(one: Region, other: Region) -> bool:
    """Compare, letting either side leave its unknown out."""
    if one.symbol and other.symbol and one.symbol != other.symbol:
        return False
    if len(one.spans) != len(other.spans):
        return False
    return all(
        (a.has_low, a.has_high) == (b.has_low, b.has_high)
        and _is_same_bound(a.low, b.low)
        and _is_same_bound(a.high, b.high)
        for a, b in zip(one.spans, other.spans, strict=True)
    )


def _is_same_bound(one: Expression | None, other: Expression | None) -> bool:
    if one is None or other is None:
        return one is other
    return order(one, other) == 0


def _spans(node: Node, names: set[str]) -> _Spans:
    match node:
        case Bracketed(opening="{", items=items):
            return _union(items, names)
        case Bracketed(opening="(" | "[", items=(low, high)):
            return (_interval(node, low, high),)
        case NamedSet(name="R" | "empty"):
            return (_ALL,) if node.name == "R" else ()
        case SetOperation(name="union", parts=parts) | Listing(joint="or", items=parts):
            return _union(parts, names)
        case SetOperation(name="intersection", parts=parts):
            return _intersection([_spans(part, names) for part in parts])
        case Listing(joint="and", items=parts):
            return _both(parts, names)
        case SetOperation(name="difference", parts=(whole, *removed)):
            holes = [_complement(_merged(_spans(part, names))) for part in removed]
            return _intersection([_spans(whole, names), *holes])
        case Relation(sides=sides, operators=operators):
            return _relation(sides, operators, names)
        case Number() | Negative() | Quotient() | Sum() | Constant():
            return (Span(node, node, has_low=True, has_high=True),)
    raise _Unsolved


def _both(parts: Sequence[Node], names: set[str]) -> _Spans:
    spans = _intersection([_spans(part, names) for part in parts])
    if not spans:
        # "x < -2 and x > 2" means two parts to some, and nothing at all to others.
        raise _Unsolved
    return spans


def _union(parts: Sequence[Node], names: set[str]) -> _Spans:
    return tuple(span for part in parts for span in _spans(part, names))


def _interval(node: Bracketed, low: Node, high: Node) -> Span:
    if not (is_expression(low) and is_expression(high)):
        raise _Unsolved
    bottom = None if low == Negative(_INFINITE) else low
    top = None if high == _INFINITE else high
    span = Span(bottom, top, has_low=node.opening == "[", has_high=node.closing == "]")
    if (bottom is None and span.has_low) or (top is None and span.has_high) or _is_empty(span):
        raise _Unsolved
    return span


def _relation(sides: Sequence[Node], operators: Sequence[Operator], names: set[str]) -> _Spans:
    if len(sides) == 2 and operators[0] == "in" and isinstance(sides[0], Symbol):
        names.add(sides[0].name)
        return _spans(sides[1], names)
    solved = []
    for left, operator, right in zip(sides, operators, sides[1:], strict=False):
        if not (is_expression(left) and is_expression(right)):
            raise _Unsolved
        solved.append(_solved(left, operator, right, names=names))
    return _intersection(solved)


def _solved(left: Expression, operator: Operator, right: Expression, *, names: set[str]) -> _Spans:
    if _is_no_bound(left, operator, right):
        return (_ALL,)
    if isinstance(right, Call) and right.name == "abs" and operator in MIRRORED:
        left, operator, right = right, MIRRORED[operator], left
    if isinstance(left, Call) and left.name == "abs" and operator in MIRRORED:
        return _absolute(left.arguments[0], operator, right, names=names)
    return _linear(Sum((left, Negative(right))), operator, names)


def _is_no_bound(left: Expression, operator: Operator, right: Expression) -> bool:
    """Whether a side is the infinity that every number is on the right side of."""
    if operator == "<":
        return right == _INFINITE or left == Negative(_INFINITE)
    return operator == ">" and (left == _INFINITE or right == Negative(_INFINITE))


def _absolute(
    inner: Expression, operator: Operator, bound: Expression, *, names: set[str]
) -> _Spans:
    """`|x| < b` lies between `-b` and `b`, `|x| > b` outside."""
    below = _linear(Sum((inner, Negative(bound))), operator, names)
    above = _linear(Sum((inner, bound)), MIRRORED[operator], names)
    if sign(bound) not in (0, 1):
        raise _Unsolved
    return _intersection([below, above]) if operator in ("<", "<=") else below + above


def _linear(difference: Expression, operator: Operator, names: set[str]) -> _Spans:
    """Solve `difference operator 0`."""
    line = linear_in(difference)
    slope = sign(line.slope) if line is not None else None
    if line is None or slope in (None, 0):
        raise _Unsolved
    names.add(line.symbol)
    root = Negative(Quotient(line.constant, line.slope))
    if operator == "=":
        return (Span(root, root, has_low=True, has_high=True),)
    if operator == "!=":
        return (Span(None, root), Span(root, None))
    if operator not in MIRRORED:
        raise _Unsolved
    if slope == -1:
        operator = MIRRORED[operator]
    closed = operator in ("<=", ">=")
    if operator in ("<", "<="):
        return (Span(None, root, has_high=closed),)
    return (Span(root, None, has_low=closed),)


def _order(one: Expression, other: Expression) -> int:
    result = order(one, other)
    if result is None:
        raise _Unsolved
    return result


def _is_empty(span: Span) -> bool:
    if span.low is None or span.high is None:
        return False
    side = _order(span.low, span.high)
    return side > 0 or (side == 0 and not (span.has_low and span.has_high))


def _by_low(one: Span, other: Span) -> int:
    if one.low is None or other.low is None:
        return (one.low is not None) - (other.low is not None)
    return _order(one.low, other.low) or other.has_low - one.has_low


def _merged(spans: _Spans) -> _Spans:
    """Sort, and join what overlaps or touches."""
    if len(spans) > _MAX_SPANS:
        raise _Unsolved
    merged: list[Span] = []
    for span in sorted(spans, key=cmp_to_key(_by_low)):
        if _is_empty(span):
            continue
        last = merged[-1] if merged else None
        if last is None or not _touches(last, span):
            merged.append(span)
        elif _ends_later(span, last):
            merged[-1] = last._replace(high=span.high, has_high=span.has_high)
    return tuple(merged)


def _touches(last: Span, span: Span) -> bool:
    if last.high is None or span.low is None:
        return True
    side = _order(span.low, last.high)
    return side < 0 or (side == 0 and (span.has_low or last.has_high))


def _ends_later(span: Span, last: Span) -> bool:
    if last.high is None:
        return False
    if span.high is None:
        return True
    side = _order(span.high, last.high)
    return side > 0 or (side == 0 and span.has_high)


def _complement(spans: _Spans) -> _Spans:
    """What lies outside merged spans."""
    outside: list[Span] = []
    low: Expression | None = None
    has_low = False
    for span in spans:
        if span.low is not None:
            outside.append(Span(low, span.low, has_low, not span.has_low))
        if span.high is None:
            return tuple(outside)
        low, has_low = span.high, not span.has_high
    return (*outside, Span(low, None, has_low))


def _intersection(parts: Sequence[_Spans]) -> _Spans:
    """What lies in every part: outside of all that lies outside of any."""
    outside = tuple(span for part in parts for span in _complement(_merged(part)))
    return _complement(_merged(outside))
