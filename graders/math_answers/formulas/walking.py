"""Going through a tree: every node below one, and a copy with some nodes replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Final, TypeVar, get_args

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
_PARTS: Final = {kind: tuple(field.name for field in fields(kind)) for kind in get_args(Node)}
"""The names of what a node holds."""


def nodes(node: object) -> Iterator[object]:
    """The node and every node below it, in no order; needs no depth of the caller's stack."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if type(one) is tuple:
            waiting.extend(one)
        elif (names := _PARTS.get(type(one))) is not None:
            yield one
            waiting.extend(getattr(one, name) for name in names)


def depth_of(node: Node) -> int:
    """How many nodes stand one in another at most; needs no depth of the caller's stack."""
    deepest = 0
    waiting: list[tuple[object, int]] = [(node, 1)]
    while waiting:
        one, depth = waiting.pop()
        if type(one) is tuple:
            waiting.extend((item, depth) for item in one)
        elif (names := _PARTS.get(type(one))) is not None:
            deepest = max(deepest, depth)
            waiting.extend((getattr(one, name), depth + 1) for name in names)
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
