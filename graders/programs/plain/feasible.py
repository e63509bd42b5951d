"""Whether any value can be equal to an expected one."""

from __future__ import annotations

import math

from graders.programs.plain.keys import key_of
from graders.programs.plain.trees import Atom, Items, Pairs, Tree

__all__ = ["impossible"]


def impossible(expected: Tree) -> str:
    """Why no value is equal to this one, bounded; empty where one is."""
    if isinstance(expected, float):
        return "NaN equals nothing" if math.isnan(expected) else ""
    if isinstance(expected, Atom):
        return f"a {expected.kind} with NaN equals nothing" if expected.key is None else ""
    if isinstance(expected, Items):
        return _of_items(expected)
    if isinstance(expected, Pairs):
        keys = tuple(key for key, _ in expected.pairs)
        parts = (impossible(part) for pair in expected.pairs for part in pair)
        return next((found for found in parts if found), "") or _twice(keys, "dict")
    return ""


def _of_items(expected: Items) -> str:
    found = next((found for found in map(impossible, expected.items) if found), "")
    if found or expected.kind not in ("set", "frozenset"):
        return found
    return _twice(expected.items, expected.kind)


def _twice(trees: tuple[Tree, ...], kind: str) -> str:
    """Python keeps one of 1, 1.0 and True, so that no set or dict has two of them."""
    seen = set()
    for tree in trees:
        key = key_of(int(tree) if isinstance(tree, bool) else tree, types="loose")
        if key in seen:
            return f"a {kind} that names one value twice"
        seen.add(key)
    return ""
