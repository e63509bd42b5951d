"""Sides, relations, set operations, ratios, words, and lists of them."""

from __future__ import annotations

import re
from typing import Final

from graders.math_answers.formulas.reading.cursor import Cursor, value_of
from graders.math_answers.formulas.reading.lexer import END
from graders.math_answers.formulas.reading.names import OPERATORS
from graders.math_answers.formulas.reading.numerals import number
from graders.math_answers.formulas.reading.tails import measured, prose_behind
from graders.math_answers.formulas.reading.terms import total
from graders.math_answers.formulas.tree import (
    Bracketed,
    Call,
    Dots,
    Expression,
    Listing,
    NamedSet,
    Negative,
    Node,
    Number,
    Operator,
    Quotient,
    Ratio,
    Relation,
    SetOperation,
    Sum,
    Symbol,
    Undone,
    Words,
)

__all__ = ["clause", "items"]

_SEPARATORS: Final = frozenset((",", ";", "and", "or"))
_SET_SIGNS: Final = {
    "cup": "union", "cap": "intersection", "setminus": "difference", "-": "difference",
    "/": "difference",
}  # fmt: skip
_OPENING: Final = frozenset(("(", "[", "{", "\\{", "langle", "begin"))
_CLOSING: Final = frozenset((")", "]", "}", "\\}", "rangle", "end"))
_SIDE_ENDS: Final = _SEPARATORS | frozenset(OPERATORS) | {END, "&", "row"}
_PROSE: Final = re.compile(r"[A-Za-z][A-Za-z0-9 .'\u2019:/-]*(?=$|[,;)\]=&\\])")
_PAIRS: Final = {"either": "or", "both": "and"}
_AFTER_NUMBER: Final = frozenset((",", ";", ")", "]", "}", "\\}", "&", "row", END))
_JOINT: Final = re.compile(r" (?:and|or) ")
_ALL_REALS: Final = frozenset((
    "all real numbers", "all reals", "real numbers", "all real", "the real numbers",
    "the set of all real numbers", "the set of real numbers", "any real number",
))  # fmt: skip
_PERCENT: Final = frozenset(("%", "percent", "pct"))
_SETS: Final = frozenset("RZNQC")
_ABOUT: Final = frozenset(("about", "approximately", "approx", "roughly", "nearly", "almost"))
_VALUES: Final = frozenset((Number, Negative, Quotient))


def items(cursor: Cursor) -> Node:
    """A clause, or a list of clauses by commas, semicolons, "and", "or"."""
    joint_word = _PAIRS.get(cursor.texts[cursor.at])
    if joint_word:
        cursor.at += 1
    first = clause(cursor)
    if cursor.kinds[cursor.at] not in _SEPARATORS:
        if joint_word:
            cursor.fail()
        return first
    found, joints = [first], set[str]()
    while cursor.kinds[cursor.at] in _SEPARATORS:
        joint = cursor.kinds[cursor.at]
        cursor.at += 1
        if joint in (",", ";") and cursor.kinds[cursor.at] in ("and", "or"):
            joint = cursor.kinds[cursor.at]
            cursor.at += 1
        joints.add(joint)
        found.append(clause(cursor))
    if {"and", "or"} <= joints:
        cursor.fail()
    if "or" in joints:
        return Listing(tuple(found), "or")
    return Listing(tuple(found), "and" if "and" in joints else "comma")


def clause(cursor: Cursor) -> Node:
    """A side, or a chain of sides with relation signs between."""
    first = _lone_number(cursor) or _side(cursor)
    if cursor.kinds[cursor.at] not in OPERATORS:
        return _rounded(cursor, first) if cursor.kinds[cursor.at] == "(" else first
    sides, operators = [first], list[Operator]()
    while (operator := OPERATORS.get(cursor.kinds[cursor.at])) is not None:
        if operator == "divides" and cursor.in_builder:
            break
        cursor.at += 1
        operators.append(operator)
        side = _side(cursor)
        sides.append(_named_set(side) if operator == "in" else side)
    if not operators:
        return first
    if operators[-1] in ("equiv", "=") and cursor.kinds[cursor.at] in ("pmod", "("):
        operators[-1] = "equiv"
        sides[-1] = Call("modulo", (value_of(sides[-1]), _modulus(cursor)))
    elif operators[-1] == "equiv":
        sides[-1] = _with_modulus(sides[-1])
    return Relation(tuple(sides), tuple(operators))


def _lone_number(cursor: Cursor) -> Node | None:
    """The shortest way to the commonest item: a number and nothing else."""
    start = cursor.at
    if cursor.kinds[start] != "n" or cursor.kinds[start + 1] not in _AFTER_NUMBER:
        return None
    found = number(cursor)
    if cursor.kinds[cursor.at] in _AFTER_NUMBER:
        cursor.count()
        return found
    cursor.at = start
    return None


def _named_set(side: Node) -> Node:
    if isinstance(side, Symbol) and side.name in _SETS:
        return NamedSet(side.name)
    return side


def _rounded(cursor: Cursor, first: Node) -> Node:
    """A value with its rounding in brackets behind it: `737/39 (about 18.9)`."""
    at = cursor.at + 1
    if cursor.texts[at] not in _ABOUT and cursor.kinds[at] != "approx":
        return first
    cursor.at += 2
    cursor.enter()
    second = _side(cursor)
    cursor.leave()
    cursor.need(")")
    return Relation((first, second), ("approx",))


def _with_modulus(side: Node) -> Node:
    r"""`3 \bmod 7` behind a sign of congruence says what `3 \pmod 7` says there."""
    last = side.terms[-1] if isinstance(side, Sum) else side
    inner = last.inner if isinstance(last, Negative) else last
    if not isinstance(inner, Call) or inner.name != "mod":
        return side
    residue, modulus = inner.arguments
    residue = Negative(residue) if isinstance(last, Negative) else residue
    if isinstance(side, Sum):
        residue = Sum((*side.terms[:-1], residue))
    return Call("modulo", (residue, modulus))


def _modulus(cursor: Cursor) -> Expression:
    if cursor.take("pmod"):
        return cursor.doors.power(cursor)
    cursor.need("(")
    cursor.need("mod")
    modulus = cursor.doors.expression(cursor)
    cursor.need(")")
    return modulus


def _side(cursor: Cursor) -> Node:
    """One side of a relation, with the unit of its own unless it stands inside a TeX group."""
    if cursor.in_group:
        return _whole_side(cursor) or _total(cursor)
    kept, start = cursor.begin_side(), cursor.at
    node = _whole_side(cursor)
    if node is None:
        node = _total(cursor)
        words = prose_behind(cursor, start)
        if words is not None:
            node = words
        elif cursor.unit is not None:
            if cursor.unit == "%" and cursor.texts[cursor.at - 1] not in _PERCENT:
                cursor.fail()
            node = measured(value_of(node), cursor.unit)
    cursor.end_side(kept)
    return node


def _total(cursor: Cursor) -> Node:
    node = total(cursor)
    kind = cursor.kinds[cursor.at]
    if kind == ":" and not cursor.in_builder:
        return _ratio(cursor, value_of(node))
    return _sets(cursor, node) if kind in _SET_SIGNS else node


def _whole_side(cursor: Cursor) -> Node | None:
    """Words, dots, or work left undone: what is taken as it is written."""
    kind = cursor.kinds[cursor.at]
    if kind == "w" or (kind == "l" and cursor.texts[cursor.at].isupper()):
        words = _words(cursor, is_word=kind == "w")
        if words is not None:
            return words
    if kind == "dots" and cursor.kinds[cursor.at + 1] in _SIDE_ENDS | _CLOSING:
        cursor.at += 1
        return Dots()
    return _undone(cursor) if cursor.has_undone else None


def _words(cursor: Cursor, *, is_word: bool) -> Node | None:
    start = cursor.starts[cursor.at]
    match = _PROSE.match(cursor.text, start)
    if match is None:
        return None
    written = match[0]
    stop = _JOINT.search(written)
    written = written[: stop.start()] if stop else written
    if not is_word and not _is_capitals(written):
        return None
    if written.partition(" ")[0].lower() in _ABOUT and not written.replace(" ", "").isalpha():
        cursor.fail()
    end = start + len(written)
    while cursor.starts[cursor.at] < end and cursor.kinds[cursor.at] != END:
        cursor.at += 1
    written = written.strip(" ")
    return NamedSet("R") if written.lower() in _ALL_REALS else Words(written)


def _is_capitals(written: str) -> bool:
    return len(written) > 2 and written.isalpha() and written.isupper()


def _undone(cursor: Cursor) -> Node | None:
    """A side with a sum, an integral, a limit or a row of dots in it."""
    depth, end, name = 0, cursor.at, ""
    while True:
        kind = cursor.kinds[end]
        if depth == 0 and (kind in _SIDE_ENDS or kind in _CLOSING):
            break
        if kind in _OPENING:
            depth += 1
        elif kind in _CLOSING:
            depth -= 1
        elif kind in ("undone", "dots") and not name and (depth == 0 or kind == "undone"):
            name = cursor.texts[end] if kind == "undone" else "dots"
        elif kind == END:
            cursor.fail()
        end += 1
    if not name:
        return None
    written = cursor.text[cursor.starts[cursor.at] : cursor.starts[end]]
    cursor.at = end
    return Undone(name, written)


def _ratio(cursor: Cursor, first: Expression) -> Node:
    parts = [first]
    while cursor.take(":"):
        parts.append(cursor.doors.expression(cursor))
    return Ratio(tuple(parts))


def _sets(cursor: Cursor, first: Node) -> Node:
    """Unions and such, of one sign only; a number in braces is a set there."""
    node, first_name = _as_set(first), _SET_SIGNS[cursor.kinds[cursor.at]]
    while (name := _SET_SIGNS.get(cursor.kinds[cursor.at])) is not None:
        cursor.at += 1
        part = _as_set(total(cursor))
        if name != first_name:
            cursor.fail()
        if isinstance(node, SetOperation) and node.name == name != "difference":
            node = SetOperation(node.name, (*node.parts, part))
        else:
            node = SetOperation(name, (node, part))  # type: ignore[arg-type]  # a name of the table
    return node


def _as_set(node: Node) -> Node:
    if node == Symbol("R"):
        return NamedSet("R")
    return Bracketed("{", "}", (node,)) if type(node) in _VALUES else node
