"""Equations, inequalities and congruences that say the same in other words."""

from __future__ import annotations

from typing import NamedTuple

from graders.math_answers.formulas.algebra.equivalence import (
    compare,
    constant_ratio,
    rational_value,
)
from graders.math_answers.formulas.comparing.scalars import Ruling
from graders.math_answers.formulas.tree import (
    MIRRORED,
    Call,
    Expression,
    Negative,
    Node,
    Relation,
    Sum,
    Symbol,
    Unread,
    Words,
    is_expression,
)

__all__ = ["may_stand_for", "same_congruence", "same_two_sided", "turned"]


class _Congruence(NamedTuple):
    side: Expression
    residue: Expression
    modulus: Expression


def same_two_sided(gold: Relation, answer: Relation) -> Ruling | None:
    """Compare equations and inequalities up to a constant factor; None for other relations."""
    sides = (*gold.sides, *answer.sides)
    if len(sides) != 4 or not all(map(is_expression, sides)):
        return None
    ours, theirs = gold.operators[0], answer.operators[0]
    if not {ours, theirs} <= {"=", "!=", *MIRRORED}:
        return None
    ratio = constant_ratio(_difference(gold), _difference(answer))
    if ratio == "unsure":
        return "unsure"
    if ratio is None:
        return "different"
    if ours in MIRRORED and ratio != "positive":
        if ratio != "negative":
            return "different"
        ours = MIRRORED[ours]
    return "equal" if ours == theirs else "different"


def _difference(relation: Relation) -> Expression:
    left, right = relation.sides
    if not (is_expression(left) and is_expression(right)):
        raise Unread("the sides of a relation are no values")
    return Sum((left, Negative(right)))


def same_congruence(gold: Relation, answer: Relation) -> Ruling | None:
    r"""Compare `x \equiv 3 \pmod 5` by modulus and residue class; None for other relations."""
    wanted, given = _congruence(gold), _congruence(answer)
    if wanted is None or given is None:
        return None
    modulus = rational_value(wanted.modulus)
    residues = rational_value(wanted.residue), rational_value(given.residue)
    if modulus is None or not modulus or residues[0] is None or residues[1] is None:
        return "equal" if wanted == given else "unsure"
    is_class = ((residues[0] - residues[1]) / modulus).denominator == 1
    if not is_class or rational_value(given.modulus) != modulus:
        return "different"
    return compare(wanted.side, given.side)


def _congruence(relation: Relation) -> _Congruence | None:
    match relation:
        case Relation(
            sides=(side, Call(name="modulo", arguments=(residue, modulus))), operators=("equiv",)
        ):
            return _Congruence(side, residue, modulus) if is_expression(side) else None
    return None


def turned(relation: Relation) -> Relation:
    """The same chain read from its end."""
    operators = tuple(MIRRORED.get(one, one) for one in reversed(relation.operators))
    return Relation(tuple(reversed(relation.sides)), operators)


def may_stand_for(label: Node, other: Node) -> bool:
    """Whether two names of a value may be the same: `y` is what `f(x)` is, words are free."""
    if label == other or isinstance(label, Words) or isinstance(other, Words):
        return True
    pair = (label, other)
    return Symbol("y") in pair and any(isinstance(one, Call) and len(one.name) == 1 for one in pair)
