"""Plain data: values as trees of one tagged JSON notation, read strictly and compared exactly.

Plain JSON stands for itself; everything else is an object with one key, which begins with `$`.
A tree is never turned into the value it stands for: nothing that a program wrote is hashed by its
own hash, compared by its own `==`, or evaluated.
"""

from __future__ import annotations

from graders.programs.plain.differing import difference
from graders.programs.plain.feasible import impossible
from graders.programs.plain.reading import from_json, read_json, read_tree, read_value
from graders.programs.plain.trees import Atom, Items, NotPlain, Pairs, Tree, to_json

__all__ = [
    "Atom",
    "Items",
    "NotPlain",
    "Pairs",
    "Tree",
    "difference",
    "from_json",
    "impossible",
    "read_json",
    "read_tree",
    "read_value",
    "to_json",
]
