"""What a reference may give as its answer, and how it is read as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

__all__ = ["One", "alternatives"]

One: TypeAlias = str | int | float


def alternatives(answer: One | Sequence[One]) -> list[str]:
    """The texts of which any will do; an empty one cannot be compared with."""
    listed = [answer] if isinstance(answer, str | int | float) else answer
    return [_written(one) for one in listed]


def _written(one: One) -> str:
    try:
        return str(one)
    except ValueError:
        # More digits than Python writes.
        return ""
