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
    Relation,
    Symbol,
    Words,
    is_expression,
)

__all__ = ["Stated", "named_values", "stated", "unlabelled"]

_MAX_LABEL_ARGUMENTS: Final = 4


class Stated(NamedTuple):
    """What a chain says: a label, equal values, and decimals that are near them."""

    label: Node | None
    values: tuple[Node, ...]
    near: tuple[Node, ...] = ()


def stated(node: Node) -> Stated | None:
    """Read `label = value = value` and `value \\approx decimal`; None for other relations."""
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
    if len(values) > 1 and _is_label(values[0]):
        label, values = values[0], values[1:]
    elif len(values) == 2 and _is_label(values[1]):
        label, values = values[1], values[:1]
    if label is not None and is_expression(label):
        used = frozenset(
            name for value in values if is_expression(value) for name in symbols(value)
        )
        if isinstance(label, Symbol) and label.name in used:
            return None
    return Stated(label, values, near)


def _is_label(node: Node) -> bool:
    if isinstance(node, (Symbol, Words)):
        return True
    if isinstance(node, Bracketed):
        return all(isinstance(item, Symbol) for item in node.items)
    return isinstance(node, Call) and len(node.arguments) <= _MAX_LABEL_ARGUMENTS


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


def _labelled(item: Node) -> Stated | None:
    """An item that is one label and one value."""
    if not isinstance(item, Relation) or item.operators != ("=",):
        return None
    one = stated(item)
    return one if one is not None and one.label is not None and len(one.values) == 1 else None
