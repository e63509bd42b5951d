"""The entries of tuples, vectors and matrices, in whichever brackets they are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from graders.math_answers.formulas.comparing.labels import in_order, named_values
from graders.math_answers.formulas.tree import Bracketed, Listing, Matrix, Node

__all__ = ["entries_like", "rows_of"]

_ROWS: Final = (("(", ")"), ("[", "]"), ("<", ">"))
_VECTORS: Final = (("(", ")"), ("<", ">"))


def entries_like(gold: Bracketed, answer: Node) -> Sequence[Node] | None:
    """The entries of what may stand for a tuple in the gold's brackets."""
    brackets = (gold.opening, gold.closing)
    is_vector = gold.opening == "<" or (brackets == ("(", ")") and len(gold.items) > 1)
    match answer:
        case Bracketed():
            is_same = (answer.opening, answer.closing) == brackets
            is_other = is_vector and (answer.opening, answer.closing) in _VECTORS
            return answer.items if is_same or is_other else None
        case Listing(joint="comma" | "and"):
            named = named_values(answer)
            if named is not None:
                return in_order(named)
            return answer.items if brackets == ("(", ")") else None
        case Matrix(rows=rows, delimiter=""):
            is_column = all(len(row) == 1 for row in rows)
            entries = tuple(row[0] for row in rows) if is_column else rows[0]
            return entries if is_vector and (is_column or len(rows) == 1) else None
    return None


def rows_of(node: Node) -> tuple[tuple[Node, ...], ...] | None:
    """The rows of a matrix; a tuple or vector is a column."""
    match node:
        case Matrix(delimiter=""):
            return node.rows
        case Bracketed(items=items) if (node.opening, node.closing) in _ROWS:
            rows = [one.items for one in items if isinstance(one, Bracketed)]
            if len(rows) == len(items):
                return tuple(rows)
            return tuple((item,) for item in items) if not rows else None
    return None
