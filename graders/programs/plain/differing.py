"""Compares plain data: where two values differ first, and how."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, NamedTuple, TypeGuard

from graders.programs.plain.closeness import are_close, are_close_complex
from graders.programs.plain.keys import Types, key_of
from graders.programs.plain.trees import Atom, Items, Pairs, Tree, kind_of
from graders.programs.tasks import Tolerance

__all__ = ["difference"]

_MOST_SHOWN: Final = 80
_MOST_PATH: Final = 120
_MOST_BITS: Final = 256
_SEQUENCES: Final = frozenset({"list", "tuple"})
_ONLY_EQUAL: Final = frozenset({int, str})
"""Equal values of one of these types are the same, whatever the tolerance."""


class _Found(NamedTuple):
    """A difference, and the steps to it, the last one first."""

    what: str
    steps: list[str]


def difference(got: Tree, expected: Tree, *, tolerance: Tolerance | None, types: Types) -> str:
    """Where and how the value differs from the expected one, bounded; empty where it does not.

    Types count: True is not 1, 1 is not 1.0, a tuple is no list. `loose` lets a tuple do for a list
    and a float for an int of exactly its value, and the other way round.
    A tolerance makes ints and floats compare as numbers, but not in sets or as keys of dicts.
    NaN equals nothing, and the two zeros are equal.
    """
    found = _Comparison(tolerance, types).of(got, expected)
    if found is None:
        return ""
    path = "".join(reversed(found.steps))
    if len(path) > _MOST_PATH:
        path = f"{path[:_MOST_PATH]}…"
    return f"{path}: {found.what}" if path else found.what


class _Comparison:
    """Of two trees, neither deeper than trees are."""

    def __init__(self, tolerance: Tolerance | None, types: Types) -> None:
        self._tolerance = tolerance
        self._types = types

    def of(self, got: Tree, expected: Tree) -> _Found | None:
        if isinstance(got, Items) and isinstance(expected, Items):
            return self._items(got, expected)
        if isinstance(got, Pairs) and isinstance(expected, Pairs):
            return self._pairs(got, expected)
        if self._is_same(got, expected):
            return None
        return _Found(f"expected {_shown(expected)}, got {_shown(got)}", [])

    def _is_same(self, got: Tree, expected: Tree) -> bool:
        if isinstance(got, Atom) and isinstance(expected, Atom):
            return self._is_same_atom(got, expected)
        if _is_number(got) and _is_number(expected):
            return self._is_same_number(got, expected)
        # None, bools and strings: of one type, so that no other type's idea of equality is asked.
        return type(got) is type(expected) and got == expected

    def _is_same_atom(self, got: Atom, expected: Atom) -> bool:
        if got.kind != expected.kind or got.key is None or expected.key is None:
            return False
        if isinstance(got.key, tuple) and isinstance(expected.key, tuple) and self._tolerance:
            return are_close_complex(got.key, expected.key, tolerance=self._tolerance)
        return got.key == expected.key

    # float stands for int too, of any size.
    def _is_same_number(self, got: float, expected: float) -> bool:
        if self._tolerance is not None:
            return are_close(got, expected, tolerance=self._tolerance)
        if self._types == "exact" and type(got) is not type(expected):
            return False
        # Python compares an int and a float without rounding either.
        return got == expected

    def _items(self, got: Items, expected: Items) -> _Found | None:
        if not self._is_same_kind(got, expected):
            return _Found(f"expected a {expected.kind}, got a {got.kind}", [])
        if got.kind in ("set", "frozenset"):
            return self._sets(got, expected)
        for place, (ours, theirs) in enumerate(zip(got.items, expected.items, strict=False)):
            if type(ours) is type(theirs) and type(ours) in _ONLY_EQUAL and ours == theirs:
                continue
            found = self.of(ours, theirs)
            if found is not None:
                found.steps.append(f"[{place}]")
                return found
        return _lengths(len(got.items), len(expected.items))

    def _is_same_kind(self, got: Items, expected: Items) -> bool:
        if got.kind == expected.kind:
            return True
        return self._types == "loose" and {got.kind, expected.kind} == _SEQUENCES

    def _sets(self, got: Items, expected: Items) -> _Found | None:
        ours = self._by_key([(item, None) for item in got.items], "got")
        theirs = self._by_key([(item, None) for item in expected.items], "expected")
        for key, (item, _) in theirs.items():
            if key not in ours:
                return _Found(f"expected {_shown(item)} in it, got none", [])
        for key, (item, _) in ours.items():
            if key not in theirs:
                return _Found(f"got {_shown(item)} in it, which is not expected", [])
        return _lengths(len(got.items), len(expected.items))

    def _pairs(self, got: Pairs, expected: Pairs) -> _Found | None:
        ours = self._by_key(got.pairs, "got")
        theirs = self._by_key(expected.pairs, "expected")
        for text, (key, wanted) in theirs.items():
            if text not in ours:
                return _Found(f"expected a key {_shown(key)}, got none", [])
            found = self.of(ours[text][1], wanted)
            if found is not None:
                found.steps.append(f"[{_shown(key)}]")
                return found
        for text, (key, _) in ours.items():
            if text not in theirs:
                return _Found(f"got a key {_shown(key)}, which is not expected", [])
        return _lengths(len(got.pairs), len(expected.pairs))

    def _by_key(
        self, pairs: Sequence[tuple[Tree, Tree]], side: str
    ) -> dict[str, tuple[Tree, Tree]]:
        """The pairs by a text that equal keys share; what is not equal to itself finds no other."""
        texts = (key_of(key, types=self._types) for key, _ in pairs)
        return {
            text or f"?{side}{place}": pair
            for place, (text, pair) in enumerate(zip(texts, pairs, strict=True))
        }


def _is_number(tree: Tree) -> TypeGuard[int | float]:
    return isinstance(tree, int | float) and not isinstance(tree, bool)


def _lengths(got: int, expected: int) -> _Found | None:
    if got == expected:
        return None
    return _Found(f"expected {expected} of them, got {got}", [])


def _shown(tree: Tree) -> str:
    if isinstance(tree, int) and tree.bit_length() > _MOST_BITS:
        return f"an integer of {tree.bit_length()} bits"
    if tree is None or isinstance(tree, bool | int | float):
        return repr(tree)
    if isinstance(tree, str):
        return _cut(repr(tree[:_MOST_SHOWN]), is_cut=len(tree) > _MOST_SHOWN)
    if isinstance(tree, Items | Pairs):
        return f"{_article(tree)} of {len(tree[-1])}"
    written = json.dumps(tree.written)
    return _cut(f"{tree.kind} {written[:_MOST_SHOWN]}", is_cut=len(written) > _MOST_SHOWN)


def _article(tree: Tree) -> str:
    return f"a {kind_of(tree)}"


def _cut(text: str, *, is_cut: bool) -> str:
    return f"{text}…" if is_cut else text
