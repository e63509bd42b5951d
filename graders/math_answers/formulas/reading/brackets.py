r"""What stands between brackets: groups, tuples, intervals, sets, bars, vectors, braces.

Round and square brackets around one value only group it.  Where the text's first square bracket
is `]` or its last one is `[`, square brackets are read the French way: `]0,1[`.
"""

from __future__ import annotations

from typing import Final, Literal

from graders.math_answers.formulas.reading.cursor import Cursor, value_of
from graders.math_answers.formulas.reading.environments import environment
from graders.math_answers.formulas.reading.functions import script
from graders.math_answers.formulas.tree import (
    Bracketed,
    Call,
    Expression,
    Listing,
    Matrix,
    Measured,
    NamedSet,
    Node,
    Relation,
    SetOperation,
    Symbol,
    Unread,
)

__all__ = ["angled", "bars", "braces", "counted", "curly", "round_or_square"]

_PAIRED: Final = {"(": ")", "[": "]"}
_SEPARATORS: Final = frozenset((",", ";"))
_COUNTS: Final = {"C": "binomial", "P": "permutations"}
_STEPS: Final = {"lfloor": ("rfloor", "floor"), "lceil": ("rceil", "ceil")}


def round_or_square(cursor: Cursor) -> Node:
    """A value in brackets, or a tuple, interval or matrix."""
    opening = cursor.kinds[cursor.at]
    if opening == "]" and not cursor.is_french:
        cursor.fail()
    items = _items(cursor)
    closing = cursor.kinds[cursor.at]
    if closing not in ((")", "]", "[") if cursor.is_french else (")", "]")):
        cursor.fail()
    cursor.at += 1
    if cursor.is_french:
        opening = {"]": "(", "[": "["}.get(opening, opening)
        closing = {"[": ")"}.get(closing, closing)
    if len(items) == 1 and closing == _PAIRED[opening]:
        inner = _with_unit_outside(cursor, items[0])
        is_row = opening == "[" and isinstance(inner, Bracketed) and inner.opening == "["
        return _matrix(items) or inner if is_row else inner
    if len(items) > 1 and opening == "[" and closing == "]":
        return _matrix(items) or Bracketed(opening, closing, items)
    return Bracketed(opening, closing, items)


def _with_unit_outside(cursor: Cursor, node: Node) -> Node:
    """The unit of a value in brackets is the unit of the side: `(30^\\circ)/2`."""
    if not isinstance(node, Measured) or node.unit != "degree" or cursor.unit is not None:
        return node
    cursor.unit = node.unit
    return node.value


def _items(cursor: Cursor) -> tuple[Node, ...]:
    """The items up to the closing bracket, which is left to the caller."""
    cursor.at += 1
    cursor.enter()
    kept = cursor.within_brackets()
    items = [_item(cursor)]
    while cursor.kinds[cursor.at] in _SEPARATORS:
        cursor.at += 1
        items.append(_item(cursor))
    cursor.restore(kept)
    cursor.leave()
    return tuple(items)


def _item(cursor: Cursor) -> Node:
    """An item; a row of one number keeps its square brackets."""
    is_row = cursor.kinds[cursor.at] == "[" and not cursor.is_french
    start = cursor.at
    node = cursor.doors.clause(cursor)
    if is_row and cursor.kinds[cursor.at - 1] == "]" and not isinstance(node, Bracketed | Matrix):
        return _Row(start, node).bracketed(cursor)
    return node


class _Row:
    """A single value that stood in square brackets of its own."""

    def __init__(self, start: int, node: Node) -> None:
        self.start, self.node = start, node

    def bracketed(self, cursor: Cursor) -> Node:
        depth = 0
        for at in range(self.start, cursor.at):
            depth += {"[": 1, "]": -1}.get(cursor.kinds[at], 0)
            if depth == 0:
                return Bracketed("[", "]", (self.node,)) if at == cursor.at - 1 else self.node
        return self.node


def _matrix(items: tuple[Node, ...]) -> Matrix | None:
    """`[[1,2],[3,4]]`."""
    rows = [
        item.items
        for item in items
        if isinstance(item, Bracketed) and (item.opening, item.closing) == ("[", "]")
    ]
    if len(rows) != len(items) or len({len(row) for row in rows}) != 1:
        return None
    return Matrix(tuple(rows))


def braces(cursor: Cursor) -> Node:
    r"""A TeX group, which may hold `a \over b`, `n \choose k` or a set written without `\`."""
    kinds, at = cursor.kinds, cursor.at
    if kinds[at + 1] in ("n", "l") and kinds[at + 2] == "}":
        cursor.at += 1
        inner = cursor.doors.atom(cursor)
        cursor.need("}")
        return inner
    if kinds[at + 1] == "}":
        return counted(cursor)
    cursor.at += 1
    cursor.enter()
    kept = cursor.bars, cursor.in_brackets, cursor.in_group
    cursor.bars, cursor.in_brackets, cursor.in_group = 0, False, True
    inner = cursor.doors.items(cursor)
    cursor.bars, cursor.in_brackets, cursor.in_group = kept
    cursor.need("}")
    cursor.leave()
    if isinstance(inner, Listing):
        return Bracketed("{", "}", inner.items)
    return inner


def counted(cursor: Cursor) -> Node:
    r"""`{}_nC_k`, `_nC_k`, `{}_nP_k` and `{}^{n}C_k`."""
    if cursor.take("{"):
        cursor.need("}")
    if not cursor.take("^"):
        cursor.need("_")
    upper = script(cursor)
    name = _COUNTS.get(cursor.texts[cursor.at])
    if name is None or cursor.kinds[cursor.at + 1] != "_":
        cursor.fail()
    cursor.at += 2
    return Call(name, (upper, script(cursor)))


def curly(cursor: Cursor) -> Node:
    r"""A set, `\{1,2\}`, or `\{x : x>2\}` as a set of one relation."""
    cursor.at += 1
    if cursor.take("\\}"):
        return Bracketed("{", "}", ())
    if cursor.kinds[cursor.at] == "begin":
        node = environment(cursor, is_system=True)
        cursor.take("\\}")
        return node
    cursor.enter()
    kept = cursor.within_brackets()
    cursor.in_builder = True
    items = [cursor.doors.clause(cursor)]
    if cursor.kinds[cursor.at] in (":", "|", "divides"):
        items = [_condition(cursor, items[0])]
    is_built = isinstance(items[0], SetOperation)
    while not is_built and cursor.kinds[cursor.at] in _SEPARATORS:
        cursor.at += 1
        items.append(cursor.doors.clause(cursor))
    cursor.restore(kept)
    cursor.need("\\}")
    cursor.leave()
    return items[0] if is_built else Bracketed("{", "}", tuple(items))


def _condition(cursor: Cursor, head: Node) -> Node:
    """The condition that an unknown has to meet; its domain may be the real numbers."""
    cursor.at += 1
    if isinstance(head, Relation) and head.operators == ("in",):
        head = head.sides[0] if head.sides[1] == NamedSet("R") else head
    if not isinstance(head, Symbol):
        cursor.fail()
    node = cursor.doors.items(cursor)
    relations = node.items if isinstance(node, Listing) else (node,)
    is_related = all(isinstance(item, Relation) for item in relations)
    if not is_related or cursor.kinds[cursor.at] != "\\}":
        raise Unread("a set by a condition that is no relation")
    if isinstance(node, Listing):
        # Conditions side by side all hold: only "or" sets them apart.
        name: Literal["union", "intersection"] = "union" if node.joint == "or" else "intersection"
        return SetOperation(name, tuple(Bracketed("{", "}", (item,)) for item in node.items))
    return node


def angled(cursor: Cursor) -> Node:
    r"""`\langle 1,2\rangle` and `<1,2>`."""
    closing = "rangle" if cursor.kinds[cursor.at] == "langle" else ">"
    cursor.at += 1
    cursor.enter()
    kept = cursor.within_brackets()
    items: list[Node] = [cursor.doors.expression(cursor)]
    while cursor.kinds[cursor.at] in _SEPARATORS:
        cursor.at += 1
        items.append(cursor.doors.expression(cursor))
    cursor.restore(kept)
    cursor.need(closing)
    cursor.leave()
    return Bracketed("<", ">", tuple(items))


def bars(cursor: Cursor) -> Node:
    r"""`|x|`, `||v||`, `\lfloor x\rfloor`, `\lceil x\rceil`, the determinant of a matrix."""
    kind = cursor.kinds[cursor.at]
    cursor.at += 1
    cursor.enter()
    if kind in _STEPS:
        closing, name = _STEPS[kind]
        kept, cursor.bars = cursor.bars, 0
        inner: Node = cursor.doors.expression(cursor)
        cursor.bars = kept
    else:
        closing, name = kind, "abs"
        cursor.bars += 1
        inner = cursor.doors.clause(cursor)
        cursor.bars -= 1
    cursor.need(closing)
    cursor.leave()
    return _measured(inner, name)


def _measured(inner: Node, name: str) -> Node:
    if isinstance(inner, Matrix) and name == "abs":
        return Matrix(inner.rows, "|")
    if isinstance(inner, Call) and inner.name == "abs" == name:
        return inner
    return _of_vector(inner) if isinstance(inner, Bracketed) else Call(name, (value_of(inner),))


def _of_vector(inner: Bracketed) -> Expression:
    """The length of a vector written out, as the root of the sum of squares."""
    raise Unread(f"the length of {len(inner.items)} numbers")
