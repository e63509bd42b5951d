"""Runs in a box: plain data from Python values to the tagged JSON notation and back.

Subclasses are not plain, but for those of the standard library that stand for a builtin: a Counter,
defaultdict or OrderedDict is written as a dict and a namedtuple as a tuple, by the builtin's own
methods.
"""

from __future__ import annotations

import json
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any

from graders.programs.boxed.atoms import ATOM_READERS, atom_writer

__all__ = [
    "NotPlain",
    "Reader",
    "Writer",
    "class_name",
    "is_namedtuple",
    "json_bytes",
    "words",
]

MOST_DEPTH = 64
MOST_NODES = 2_000_000
SAFE_INTEGER = 2**53
_LONGEST_NAME = 80

# Any: whatever a program made, and whatever JSON holds.
_Value = Any
_Json = Any


# Bound before any program runs; a program that exchanges it harms itself alone.
_ENCODE = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")
).encode


class NotPlain(Exception):
    """A value that cannot cross, or more of it than may; the message is bounded."""


def words(*lines: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(word for line in lines for word in line.split())


def class_name(kind: type) -> str:
    """The name of a class as its `type` has it, bounded; a metaclass may say anything."""
    name: str = type.__dict__["__name__"].__get__(kind)
    return name[:_LONGEST_NAME]


def json_bytes(tree: _Json) -> bytes:
    """The bytes of a frame; a lone half of a surrogate pair stays what it is."""
    return _ENCODE(tree).encode("utf-8", "surrogatepass")


def _is_leaf(value: _Value) -> bool:
    kind = type(value)
    if kind is int:
        return bool(-SAFE_INTEGER <= value <= SAFE_INTEGER)
    return kind is str or kind is bool or value is None


class Writer:
    """Writes values; one for all that goes into a frame, as it counts the nodes."""

    def __init__(self) -> None:
        self._nodes = 0

    def tree(self, value: _Value, depth: int = 0) -> _Json:
        """The notation of the value."""
        if _is_leaf(value):
            return value
        kind = type(value)
        if kind is float:
            return value if value - value == 0 else {"$float": float.__repr__(value)}
        if kind is int:
            return {"$int": int.__format__(value, "x")}
        if depth > MOST_DEPTH:
            raise NotPlain(f"deeper than {MOST_DEPTH}")
        if kind is list:
            return self.items(value, depth)
        if kind is dict:
            return self.pairs(value, depth)
        return self._other(value, kind, depth)

    def live(self, value: _Value) -> _Json:
        """What stands for a value that is not plain."""
        raise NotPlain(f"a {class_name(type(value))} is not plain data")

    def special(self, value: _Value, kind: type, depth: int) -> _Json:
        """The notation of a value of a standard class that counts as a builtin one."""
        if kind in (Counter, defaultdict, OrderedDict):
            return self.pairs(value, depth)
        if is_namedtuple(kind):
            return {"$tuple": self.items(tuple.__iter__(value), depth)}
        return self.live(value)

    def items(self, items: _Value, depth: int) -> list[_Json]:
        """The notation of each."""
        found = list(items)
        self._count(len(found))
        below = depth + 1
        return [item if _is_leaf(item) else self.tree(item, below) for item in found]

    def pairs(self, value: _Value, depth: int) -> _Json:
        """The notation of a dict, read by the methods of `dict`."""
        found = list(dict.items(value))
        self._count(len(found))
        below = depth + 1
        if all(type(key) is str for key, _ in found) and not _looks_like_a_tag(found):
            return {key: self.tree(item, below) for key, item in found}
        return {"$dict": [[self.tree(key, below), self.tree(item, below)] for key, item in found]}

    def _count(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MOST_NODES:
            raise NotPlain(f"more than {MOST_NODES} parts")

    def _other(self, value: _Value, kind: type, depth: int) -> _Json:
        tag = _CONTAINERS.get(kind)
        if tag is not None:
            return {tag: self.items(value, depth)}
        write = atom_writer(kind)
        if write is None:
            return self.special(value, kind, depth)
        return {f"${kind.__name__.lower()}": write(self, value)}


_CONTAINERS: dict[type, str] = {
    tuple: "$tuple",
    set: "$set",
    frozenset: "$frozenset",
    deque: "$deque",
}


def _looks_like_a_tag(pairs: list[tuple[str, _Value]]) -> bool:
    return len(pairs) == 1 and pairs[0][0].startswith("$")


def is_namedtuple(kind: type) -> bool:
    """Whether the class was made by `namedtuple`, or from one that was."""
    return issubclass(kind, tuple) and type(getattr(kind, "_fields", None)) is tuple


class Reader:
    """Reads the notation; a tree that is none of it raises whatever it leads to."""

    def value(self, tree: _Json) -> _Value:
        """The value that the tree stands for."""
        if type(tree) is list:
            return self.filled([], tree)
        if type(tree) is not dict:
            return tree
        if len(tree) == 1:
            ((tag, body),) = tree.items()
            if tag.startswith("$"):
                return self._tagged(tag, body)
        return self.filled_dict({}, ((key, item) for key, item in tree.items()))

    def live(self, tag: str, body: _Json) -> _Value:
        """What stands for a value that is not plain."""
        raise NotPlain(f"{tag[:_LONGEST_NAME]} is no tag")

    def filled(self, container: _Value, trees: _Json) -> _Value:
        """The new, empty list, set or deque with the values of the trees in it."""
        fill = container.update if type(container) is set else container.extend
        fill(self.values(trees))
        return container

    def filled_dict(self, container: _Value, pairs: _Value) -> _Value:
        """The new, empty dict with the values of these pairs of trees in it."""
        for key, item in pairs:
            name = key if type(key) is str else self.value(key)
            container[name] = self.value(item)
        return container

    def values(self, trees: _Json) -> list[_Value]:
        """The value of each tree."""
        return [
            tree if type(tree) is int or type(tree) is str else self.value(tree) for tree in trees
        ]

    def _tagged(self, tag: str, body: _Json) -> _Value:
        read = _READERS.get(tag)
        return self.live(tag, body) if read is None else read(self, body)


_READERS: dict[str, Any] = {
    **ATOM_READERS,
    "$tuple": lambda reader, body: tuple(reader.values(body)),
    "$set": lambda reader, body: reader.filled(set(), body),
    "$frozenset": lambda reader, body: frozenset(reader.values(body)),
    "$deque": lambda reader, body: reader.filled(deque(), body),
    "$dict": lambda reader, body: reader.filled_dict({}, body),
}
