"""Runs in a box: the special methods that are forwarded to the other box, by their kind."""

from __future__ import annotations

from graders.programs.boxed.plaindata import words

__all__ = ["ARITHMETIC", "BASED", "COMPARISONS", "FORWARDED", "NUMERIC"]

BASED = "$base"
"""Among the methods of a class that is derived from a builtin one."""
COMPARISONS = frozenset({"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"})
ARITHMETIC = frozenset(
    f"__{side}{name}__"
    for name in words("add sub mul matmul truediv floordiv mod divmod pow lshift rshift and or xor")
    for side in ("", "r", "i")
)
NUMERIC = frozenset(
    f"__{name}__"
    for name in words("abs bool complex float index int neg pos invert round trunc floor ceil")
)
_OTHERS = words("hash len iter next reversed contains getitem setitem delitem enter exit")
FORWARDED = COMPARISONS | ARITHMETIC | NUMERIC | {f"__{name}__" for name in _OTHERS}
