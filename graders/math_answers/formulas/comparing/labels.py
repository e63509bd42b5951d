"""Names that answers put before their values: `x = 5`, `f(x) = x^2`, `x = 1 or x = 2`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from graders.math_answers.formulas.algebra.equivalence import symbols
from graders.math_answers.formulas.tree import (
    Bracketed,
    Call,
    Listing,
    Node,
    Product,
    Quotient,
    Relation,
    Sum,
    Symbol,
    Undone,
    Words,
    is_expression,
)

__all__ = ["Stated", "in_order", "named_values", "stated", "unlabelled"]

_MAX_LABEL_ARGUMENTS: Final = 4
_SOLVABLE: Final = frozenset(("abs", "ln", "log", "exp", "floor", "ceil", "factorial", "base"))
"""Functions of an unknown whose value is an equation to solve and no name."""

_DENIALS: Final = frozenset(
    ("almost", "fewer", "greater", "least", "less", "more", "most", "nearly", "never", "no", "not",
     "than", "under", "unless", "without", "wrong"),
)  # fmt: skip
_ORDERED_NAMES: Final = (frozenset("xyzw"), frozenset("abcdefgh"))
"""Families of names that are listed in the order of the alphabet."""


class Stated(NamedTuple):
    """What a chain says: a label, equal values, and decimals that are near them."""

    label: Node | None
    values: tuple[Node, ...]
    near: tuple[Node, ...] = ()


def stated(node: Node, *, loosely: bool = False) -> Stated | None:
    """Read `label = value = value` and `value \\approx decimal`; None for other relations.

    `loosely` also takes `m + n`, `xy` and `a/b` for names, as an answer to a number may have them.
    """
    if not isinstance(node, Relation):
        return Stated(None, (node,))
    if any(operator not in ("=", "approx") for operator in node.operators):
        return None
    is_near = [operator == "approx" for operator in node.operators]
    first_near = is_near.index(True) if True in is_near else len(is_near)
    if not all(is_near[first_near:]):
        return None
    values, near = node.sides[: first_near + 1], node.sides[first_near + 1 :]
    label = None
    if len(values) > 1 and _is_label(values[0], loosely=loosely):
        label, values = values[0], values[1:]
    elif len(values) == 2 and _is_label(values[1], loosely=loosely):
        label, values = values[1], values[:1]
    if isinstance(label, Symbol) and any(label.name in _names(value) for value in values):
        return None
    return Stated(label, values, near)


def _names(value: Node) -> frozenset[str]:
    return symbols(value) if is_expression(value) else frozenset()


def _is_label(node: Node, *, loosely: bool) -> bool:
    match node:
        case Symbol():
            return True
        case Words(text=text):
            return _DENIALS.isdisjoint(text.lower().split())
        case Bracketed(items=items):
            return all(isinstance(item, Symbol) for item in items)
        case Call(name=name, arguments=arguments):
            return name not in _SOLVABLE and len(arguments) <= _MAX_LABEL_ARGUMENTS
        case Product(factors=factors):
            # Two points name the segment between them: AB = 5.
            return all(map(_is_point, factors)) or (loosely and _is_compound(node))
        case Undone():
            return loosely
    return loosely and _is_compound(node)


def _is_point(node: Node) -> bool:
    return isinstance(node, Symbol) and node.name[0].isupper()


def _is_compound(node: Node) -> bool:
    """Whether names alone are added, multiplied or divided."""
    match node:
        case Symbol():
            return True
        case Sum(terms=parts) | Product(factors=parts):
            return all(map(_is_compound, parts))
        case Quotient():
            return _is_compound(node.top) and _is_compound(node.bottom)
    return False


def unlabelled(items: Sequence[Node]) -> tuple[Node, ...]:
    """Drop the label that all labelled items share: `x = 1, x = 2` and `n = 2, 3`."""
    found = [_labelled(item) for item in items]
    labels = {one.label for one in found if one is not None}
    if len(labels) != 1 or found[0] is None:
        return tuple(items)
    return tuple(
        item if one is None else one.values[0] for item, one in zip(items, found, strict=True)
    )


def named_values(node: Node) -> dict[Node, Node] | None:
    """The values of `x = 1, y = 2` by label; None unless every item has a label of its own."""
    if not isinstance(node, Listing) or node.joint == "or":
        return None
    found = [_labelled(item) for item in node.items]
    named = {one.label: one.values[0] for one in found if one is not None and one.label}
    return named if len(named) == len(node.items) else None


def in_order(named: dict[Node, Node]) -> list[Node]:
    """The values alone: by name where the names have an order of their own, else as written."""
    names = [label.name if isinstance(label, Symbol) else "" for label in named]
    if any(family.issuperset(names) for family in _ORDERED_NAMES):
        ranks = {name: (name == "w", name) for name in names}
        ranked = sorted(zip(names, named.values(), strict=True), key=lambda one: ranks[one[0]])
        return [value for _, value in ranked]
    return list(named.values())


def _labelled(item: Node) -> Stated | None:
    """An item that is one label and one value."""
    if not isinstance(item, Relation) or item.operators != ("=",):
        return None
    one = stated(item)
    return one if one is not None and one.label is not None and len(one.values) == 1 else None
