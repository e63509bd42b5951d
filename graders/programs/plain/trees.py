"""The nodes that plain data is made of, and their notation."""

from __future__ import annotations

import math
from typing import Final, Literal, NamedTuple, TypeAlias

from pydantic import JsonValue

__all__ = [
    "ITEM_KINDS",
    "MOST_DEPTH",
    "MOST_NODES",
    "SAFE_INTEGER",
    "Atom",
    "AtomKind",
    "ItemKind",
    "Items",
    "NotPlain",
    "Pairs",
    "Tree",
    "kind_of",
    "to_json",
]

MOST_DEPTH: Final = 64
MOST_NODES: Final = 2_000_000
SAFE_INTEGER: Final = 2**53
"""Integers beyond are written as hexadecimal text: no reader of JSON rounds them, and none has a
limit of digits for them."""

ItemKind: TypeAlias = Literal["list", "tuple", "set", "frozenset", "deque"]
AtomKind: TypeAlias = Literal[
    "bytes",
    "bytearray",
    "complex",
    "decimal",
    "fraction",
    "datetime",
    "date",
    "time",
    "timedelta",
    "range",
    "ellipsis",
]
ITEM_KINDS: Final[tuple[ItemKind, ...]] = ("tuple", "set", "frozenset", "deque")
"""Those with a tag; a list is a JSON list."""


class NotPlain(ValueError):
    """No plain data, or more of it than is taken; the message is bounded and says why."""


class Items(NamedTuple):
    """A list, tuple, set, frozenset or deque; of sets, in the order they were written."""

    kind: ItemKind
    items: tuple[Tree, ...]


class Pairs(NamedTuple):
    """A dict."""

    pairs: tuple[tuple[Tree, Tree], ...]


class Atom(NamedTuple):
    """A value without parts, as its notation has it; `key` is the same for equal ones.

    None as `key`: it is not equal to itself.
    """

    kind: AtomKind
    written: JsonValue
    key: str | tuple[float, float] | None


Tree: TypeAlias = "bool | int | float | str | Items | Pairs | Atom | None"


def kind_of(tree: Tree) -> str:
    """What Python calls a value of this kind."""
    if isinstance(tree, Items | Atom):
        return tree.kind
    if isinstance(tree, Pairs):
        return "dict"
    return "None" if tree is None else type(tree).__name__


def to_json(tree: Tree) -> JsonValue:
    """The notation of the tree."""
    if tree is None or isinstance(tree, bool | str):
        return tree
    if isinstance(tree, int):
        return tree if -SAFE_INTEGER <= tree <= SAFE_INTEGER else {"$int": f"{tree:x}"}
    if isinstance(tree, float):
        return tree if math.isfinite(tree) else {"$float": repr(tree)}
    if isinstance(tree, Atom):
        return {f"${tree.kind}": tree.written}
    if isinstance(tree, Items):
        items = [to_json(item) for item in tree.items]
        return items if tree.kind == "list" else {f"${tree.kind}": items}
    return _dict(tree)


def _dict(tree: Pairs) -> JsonValue:
    plain: dict[str, JsonValue] = {}
    for key, value in tree.pairs:
        if not isinstance(key, str):
            break
        plain[key] = to_json(value)
    looks_like_a_tag = len(plain) == 1 and next(iter(plain)).startswith("$")
    if len(plain) == len(tree.pairs) and not looks_like_a_tag:
        return plain
    return {"$dict": [[to_json(key), to_json(value)] for key, value in tree.pairs]}
