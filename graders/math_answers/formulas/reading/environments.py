r"""`\begin{...} ... \end{...}`: matrices, arrays, cases, aligned lines."""

from __future__ import annotations

from typing import Final

from graders.math_answers.formulas.reading.cursor import Cursor
from graders.math_answers.formulas.tree import Cases, Listing, Matrix, Node

__all__ = ["environment"]

_MATRICES: Final = {
    "pmatrix": "", "bmatrix": "", "matrix": "", "smallmatrix": "", "Bmatrix": "", "vmatrix": "|",
    "array": "",
}  # fmt: skip
_LINES: Final = frozenset(("aligned", "align", "gathered", "align*"))
_CONDITION_WORDS: Final = frozenset(("if", "for", "when", "where", "text"))
_OTHERWISE: Final = frozenset(("otherwise", "else", "elsewhere"))


def environment(cursor: Cursor, *, is_system: bool = False) -> Node:
    """An environment from its beginning to its end; an array in a brace is a system or cases."""
    name = _name(cursor, "begin")
    cursor.enter()
    kept = cursor.within_brackets()
    if name == "array":
        _columns(cursor)
    if name == "cases" or (name == "array" and is_system):
        node = _cases(cursor)
    elif name in _MATRICES:
        node = _matrix(cursor, _MATRICES[name])
    elif name in _LINES:
        node = _cases(cursor)
    else:
        cursor.fail()
    cursor.restore(kept)
    if _name(cursor, "end") != name:
        cursor.fail()
    cursor.leave()
    return node


def _name(cursor: Cursor, kind: str) -> str:
    cursor.need(kind)
    cursor.need("{")
    start = cursor.at
    while cursor.kinds[cursor.at] in ("l", "w", "*") and cursor.at - start < 12:
        cursor.at += 1
    name = "".join(cursor.texts[start : cursor.at])
    cursor.need("}")
    return name


def _columns(cursor: Cursor) -> None:
    cursor.need("{")
    while cursor.kinds[cursor.at] == "l":
        cursor.at += 1
    cursor.need("}")


def _matrix(cursor: Cursor, delimiter: str) -> Node:
    rows: list[tuple[Node, ...]] = []
    while True:
        row = [cursor.doors.clause(cursor)]
        while cursor.take("&"):
            row.append(cursor.doors.clause(cursor))
        rows.append(tuple(row))
        if not _next_row(cursor):
            break
    if len({len(row) for row in rows}) != 1:
        cursor.fail()
    return Matrix(tuple(rows), delimiter)


def _next_row(cursor: Cursor) -> bool:
    """Whether another row follows; a row mark before the end says nothing."""
    if not cursor.take("row"):
        return False
    if cursor.kinds[cursor.at] == "[":
        end = cursor.at + 1
        while end < cursor.at + 4 and cursor.kinds[end] != "]":
            end += 1
        if cursor.texts[end - 1] in ("pt", "em", "ex", "t", "m", "x"):
            cursor.at = end + 1
    while cursor.take("hline"):
        pass
    return cursor.kinds[cursor.at] != "end"


def _cases(cursor: Cursor) -> Node:
    branches: list[tuple[Node, Node | None]] = []
    while True:
        cursor.take("&")
        value = cursor.doors.clause(cursor)
        branches.append((value, _condition(cursor)))
        if not _next_row(cursor):
            break
    conditions = [condition for _, condition in branches]
    if all(condition is None for condition in conditions):
        return Listing(tuple(value for value, _ in branches), "and")
    if None in conditions[:-1]:
        cursor.fail()
    return Cases(tuple(branches))


def _condition(cursor: Cursor) -> Node | None:
    cursor.take(",")
    has_mark = cursor.take("&")
    word = cursor.texts[cursor.at]
    if word in _OTHERWISE:
        cursor.at += 1
        return None
    if word in _CONDITION_WORDS:
        cursor.at += 1
        has_mark = True
    if not has_mark or cursor.kinds[cursor.at] in ("row", "end"):
        if cursor.kinds[cursor.at] not in ("row", "end"):
            cursor.fail()
        return None
    return cursor.doors.clause(cursor)
