"""The worst inputs that were met or thought of, written short: texts that repeat and nest."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from tests.graders.tables import table

__all__ = ["EQUAL", "GOLDS", "WorstCase", "worst_cases"]

GOLDS: Final = {
    "integer": "42",
    "expression": "2\\sqrt{3}+x",
    "set": "\\{1, \\sqrt{2}\\}",
    "equation": "x^{100}+x+2=0",
    "matrix": "\\begin{pmatrix} 1 & 2 \\\\ 3 & x \\end{pmatrix}",
    "interval": "(-\\infty, 10]",
}
# Of these a reader would say that they are the gold.
EQUAL: Final = frozenset({("worst-132", "set")})


class WorstCase(NamedTuple):
    """A completion, and the answer in it, which may stand in a gold's place."""

    id: str
    completion: str
    answer: str


def worst_cases() -> list[WorstCase]:
    """Every row of the table, written out."""
    return [_written_out(row) for row in table("math_worst_cases")]


def _written_out(row: dict[str, Any]) -> WorstCase:
    # Any: a row is whatever its file says.
    answer = "".join(map(_piece, row["text"]))
    return WorstCase(row["id"], answer if row.get("whole") else f"\\boxed{{{answer}}}", answer)


def _piece(piece: str | dict[str, Any]) -> str:
    if isinstance(piece, str):
        return piece
    if "repeat" in piece:
        text, times = piece["repeat"]
        return str(text) * int(times)
    before, middle, after, times = piece["nest"]
    return str(before) * int(times) + str(middle) + str(after) * int(times)
