"""Going through a tree: every node below one, and a copy with some nodes replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

from graders.math_answers.formulas.tree import (
    Expression,
    Negative,
    Node,
    PlusMinus,
    Sum,
    is_expression,
)

__all__ = ["depth_of", "expanded", "has", "nodes"]

_Part = TypeVar("_Part")


def nodes(node: object) -> Iterator[object]:
    """The node and every node below it; bounded by the depth that the parser allows."""
    if isinstance(node, tuple):
        for item in node:
            yield from nodes(item)
    elif is_dataclass(node):
        yield node
        for field in fields(node):
            yield from nodes(getattr(node, field.name))


def depth_of(node: Node) -> int:
    """How many nodes stand one in another at most; needs no depth of the caller's stack."""
    deepest = 0
    waiting: list[tuple[object, int]] = [(node, 1)]
    while waiting:
        one, depth = waiting.pop()
        deepest = max(deepest, depth)
        if isinstance(one, tuple):
            waiting.extend((item, depth) for item in one)
        elif is_dataclass(one):
            waiting.extend((getattr(one, field.name), depth + 1) for field in fields(one))
    return deepest


def has(node: object, kinds: type | tuple[type, ...]) -> bool:
    """Whether a node of these kinds is in the tree."""
    return any(isinstance(one, kinds) for one in nodes(node))


def expanded(item: Node) -> tuple[Node, ...]:
    r"""Both values of an item with one `\pm`; any other item alone."""
    if not is_expression(item) or sum(isinstance(one, PlusMinus) for one in nodes(item)) != 1:
        return (item,)
    return (_copied(item, _plus), _copied(item, _minus))


def _copied(part: _Part, chosen: Callable[[PlusMinus], Expression]) -> _Part:
    # The choice of a PlusMinus is an Expression, as itself is one.
    if isinstance(part, PlusMinus):
        return chosen(part)  # type: ignore[return-value]
    if isinstance(part, tuple):
        return tuple(_copied(item, chosen) for item in part)  # type: ignore[return-value]
    if not is_dataclass(part) or isinstance(part, type):
        return part
    changed = {field.name: _copied(getattr(part, field.name), chosen) for field in fields(part)}
    return replace(part, **changed)


def _plus(node: PlusMinus) -> Expression:
    return node.right if node.left is None else Sum((node.left, node.right))


def _minus(node: PlusMinus) -> Expression:
    right = Negative(node.right)
    return right if node.left is None else Sum((node.left, right))
