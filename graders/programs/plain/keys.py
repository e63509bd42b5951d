"""Texts that are the same for equal values: what sets and dicts are compared by.

Python's own hashes would do it too, but who knows them can write a million values of one hash.
"""

from __future__ import annotations

import hashlib
from typing import Final, Literal

from graders.programs.plain.trees import Items, Pairs, Tree

__all__ = ["Types", "key_of"]

Types = Literal["exact", "loose"]

_LONGEST: Final = 64


def key_of(tree: Tree, *, types: Types) -> str | None:
    """The same text for equal values and no others; None for what is not equal to itself."""
    if tree is None:
        return "N"
    if isinstance(tree, bool):
        return f"b{tree:d}"
    if isinstance(tree, int):
        return _short(f"i{tree:x}")
    if isinstance(tree, float):
        return _key_of_float(tree, types=types)
    if isinstance(tree, str):
        return _short(f"s{tree}")
    if isinstance(tree, Items):
        return _key_of_items(tree, types=types)
    if isinstance(tree, Pairs):
        # Not to be found in a set; for the sake of a whole answer.
        return _joined("dict", [key_of(part, types=types) for pair in tree.pairs for part in pair])
    if tree.key is None:
        return None
    if isinstance(tree.key, str):
        return _short(f"a{tree.kind}:{tree.key}")
    return _joined(tree.kind, [_key_of_float(part, types="exact") for part in tree.key])


def _key_of_float(number: float, *, types: Types) -> str | None:
    if number != number:
        return None
    if types == "loose" and number.is_integer():
        return f"i{int(number):x}"
    # Plus zero: the two zeros are equal.
    return f"f{number + 0.0!r}"


def _key_of_items(tree: Items, *, types: Types) -> str | None:
    keys = [key_of(item, types=types) for item in tree.items]
    if None in keys:
        return None
    if tree.kind in ("set", "frozenset"):
        keys.sort(key=str)
    kind = "list" if types == "loose" and tree.kind == "tuple" else tree.kind
    return _joined(kind, keys)


def _joined(kind: str, keys: list[str | None]) -> str | None:
    digest = hashlib.blake2b(kind.encode(), digest_size=32)
    for key in keys:
        if key is None:
            return None
        data = key.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return f"h{digest.hexdigest()}"


def _short(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32)
    return f"{text[0]}#{digest.hexdigest()}"
