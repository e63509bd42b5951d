"""Reads plain data: strictly, and no more of it than can be compared."""

from __future__ import annotations

import ast
import json
import math
from typing import Final, NoReturn

from pydantic import JsonValue

from graders.programs.plain.atoms import ATOMS, read_float, read_int
from graders.programs.plain.literals import LiteralOfOthers, json_of_literal
from graders.programs.plain.trees import (
    ITEM_KINDS,
    MOST_DEPTH,
    MOST_NODES,
    Atom,
    ItemKind,
    Items,
    NotPlain,
    Pairs,
    Tree,
)

__all__ = ["from_json", "read_json", "read_tree", "read_value"]

_MOST_BYTES: Final = 2**26
_MOST_LITERAL: Final = 100_000
_MOST_SHOWN: Final = 40
_UNHASHABLE: Final = frozenset({"list", "set", "deque", "bytearray", "dict"})
_ITEMS: Final[dict[str, ItemKind]] = {f"${kind}": kind for kind in ITEM_KINDS}
_OF_REFERENCES: Final = ("$py",)


def read_value(data: bytes) -> Tree:
    """The one value that these bytes are the notation of; NotPlain where they are anything else."""
    return read_tree(read_json(data))


def read_tree(value: JsonValue) -> Tree:
    """The value that this part of a frame is the notation of; NotPlain where it is not."""
    return _Reader(of_reference=False).tree(value)


def from_json(value: JsonValue) -> Tree:
    """The value that a reference names; NotPlain says what is wrong with its notation."""
    return _Reader(of_reference=True).tree(value)


def read_json(data: bytes) -> JsonValue:
    """One JSON text and nothing else: no key twice, no NaN, no more than is bearable."""
    if len(data) > _MOST_BYTES:
        raise NotPlain(f"{len(data)} bytes, at most {_MOST_BYTES}")
    # Before anything is built from it: whatever has a part has one of these before it.
    if data.count(b",") + data.count(b"[") + data.count(b"{") > MOST_NODES:
        raise NotPlain(f"more than {MOST_NODES} parts")
    try:
        value: JsonValue = json.loads(
            data.decode("utf-8", "surrogatepass"),
            object_pairs_hook=_object,
            parse_constant=_no_number,
            parse_float=_float,
        )
    except NotPlain:
        raise
    except (ValueError, RecursionError) as error:
        raise NotPlain(f"not one JSON text: {type(error).__name__}") from None
    return value


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotPlain("a key twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise NotPlain(f"{name} is no JSON")


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise NotPlain("a float beyond all floats")
    return number


class _Reader:
    """One reading, which counts the nodes."""

    def __init__(self, *, of_reference: bool) -> None:
        self._of_reference = of_reference
        self._nodes = 0

    def tree(self, value: JsonValue, depth: int = 0) -> Tree:
        if value is None or isinstance(value, bool | int | str):
            return value
        if isinstance(value, float):
            return value
        if depth > MOST_DEPTH:
            raise NotPlain(f"deeper than {MOST_DEPTH}")
        if isinstance(value, list):
            return self._items("list", value, depth=depth)
        if len(value) == 1:
            ((tag, body),) = value.items()
            if tag.startswith("$"):
                return self._tagged(tag, body, depth=depth)
        self._count(len(value))
        return Pairs(tuple((key, self.tree(item, depth + 1)) for key, item in value.items()))

    def _items(self, kind: ItemKind, body: JsonValue, *, depth: int) -> Items:
        if not isinstance(body, list):
            raise NotPlain(f"${kind} holds no list")
        self._count(len(body))
        items = tuple([self.tree(item, depth + 1) for item in body])
        if kind in ("set", "frozenset"):
            for item in items:
                _require_hashable(item, kind)
        return Items(kind, items)

    def _tagged(self, tag: str, body: JsonValue, *, depth: int) -> Tree:
        if tag in ATOMS:
            return _normalised(ATOMS[tag](body)) if self._of_reference else ATOMS[tag](body)
        if tag in _ITEMS:
            return self._items(_ITEMS[tag], body, depth=depth)
        match tag:
            case "$dict":
                return self._dict(body, depth=depth)
            case "$int":
                return read_int(body)
            case "$float":
                return read_float(body)
            case "$py" if self._of_reference:
                return self.tree(_literal(body), depth)
        known = ", ".join([*ATOMS, *_ITEMS, "$dict", "$int", "$float", *_OF_REFERENCES])
        raise NotPlain(f"{tag[:_MOST_SHOWN]!r} is no tag: {known}")

    def _dict(self, body: JsonValue, *, depth: int) -> Pairs:
        if not isinstance(body, list):
            raise NotPlain("$dict holds no list of [key, value]")
        self._count(len(body))
        pairs = []
        for pair in body:
            if not isinstance(pair, list) or len(pair) != 2:
                raise NotPlain("$dict holds what is no [key, value]")
            key = self.tree(pair[0], depth + 1)
            _require_hashable(key, "dict")
            pairs.append((key, self.tree(pair[1], depth + 1)))
        return Pairs(tuple(pairs))

    def _count(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MOST_NODES:
            raise NotPlain(f"more than {MOST_NODES} parts")


def _require_hashable(tree: Tree, kind: str) -> None:
    if isinstance(tree, Pairs):
        raise NotPlain(f"a dict as part of a {kind}, which none can be")
    if not isinstance(tree, Items | Atom):
        return
    if tree.kind in _UNHASHABLE:
        raise NotPlain(f"a {tree.kind} as part of a {kind}, which none can be")
    if isinstance(tree, Items) and tree.kind == "tuple":
        for item in tree.items:
            _require_hashable(item, kind)


def _normalised(atom: Atom) -> Atom:
    """A fraction in the one notation that boxes read."""
    if atom.kind != "fraction" or not isinstance(atom.key, str):
        return atom
    written: list[JsonValue] = [{"$int": part} for part in atom.key.split("/")]
    return Atom("fraction", written, atom.key)


def _literal(body: JsonValue) -> JsonValue:
    if not isinstance(body, str) or len(body) > _MOST_LITERAL:
        raise NotPlain(f"$py holds no text of at most {_MOST_LITERAL} characters")
    try:
        return json_of_literal(ast.literal_eval(body.strip()))
    except LiteralOfOthers as error:
        raise NotPlain(f"$py: {error}") from None
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise NotPlain(f"$py holds no Python literal: {type(error).__name__}") from None
