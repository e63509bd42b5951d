"""The smallest pieces of a formula: numbers, letters, brackets, fractions, roots."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Final

from graders.math_answers.formulas.reading.brackets import (
    angled,
    bars,
    braces,
    counted,
    curly,
    round_or_square,
)
from graders.math_answers.formulas.reading.cursor import Cursor
from graders.math_answers.formulas.reading.environments import environment
from graders.math_answers.formulas.reading.functions import arguments, function, tex_argument
from graders.math_answers.formulas.reading.numerals import number, repeating
from graders.math_answers.formulas.reading.symbols import symbol
from graders.math_answers.formulas.tree import (
    Call,
    Constant,
    Matrix,
    NamedSet,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Root,
    Symbol,
)

__all__ = ["CURRENCIES", "STARTS", "atom"]

CURRENCIES: Final = {"$": "dollar", "£": "pound sterling", "€": "euro"}
_SETS: Final = frozenset("RZNQC")
_UNIT_VECTORS: Final = frozenset((" i", " j", " k"))
_MAX_DEGREE: Final = 100


def atom(cursor: Cursor) -> Node:
    """One piece, without what is raised, lowered or marked behind it."""
    read = _BY_KIND.get(cursor.kinds[cursor.at])
    if read is None:
        cursor.fail()
    return read(cursor)


def _fraction(cursor: Cursor) -> Node:
    cursor.at += 1
    top = tex_argument(cursor)
    return Quotient(top, tex_argument(cursor))


def _root(cursor: Cursor) -> Node:
    cursor.at += 1
    if not cursor.take("["):
        return Root(tex_argument(cursor))
    degree = cursor.doors.expression(cursor)
    cursor.need("]")
    inner = tex_argument(cursor)
    if isinstance(degree, Number) and degree.value in range(2, _MAX_DEGREE + 1):
        return Root(inner, int(degree.value))
    return Power(inner, Quotient(Number(Fraction(1)), degree))


def _binomial(cursor: Cursor) -> Node:
    cursor.at += 1
    upper = tex_argument(cursor)
    return Call("binomial", (upper, tex_argument(cursor)))


def _constant(cursor: Cursor) -> Node:
    cursor.at += 1
    return Constant("pi")


def _infinity(cursor: Cursor) -> Node:
    cursor.at += 1
    return Constant("infinity")


def _empty(cursor: Cursor) -> Node:
    cursor.at += 1
    return NamedSet("empty")


def _named_set(cursor: Cursor) -> Node:
    r"""`\mathbb{R}`, `\mathbb{Z}^+`, `\mathbb{R}^2`."""
    cursor.at += 1
    is_group = cursor.take("{")
    name = cursor.texts[cursor.at]
    cursor.need("l")
    if is_group:
        cursor.need("}")
    if name not in _SETS:
        cursor.fail()
    if cursor.take("^") or cursor.take("_"):
        is_group = cursor.take("{")
        if cursor.kinds[cursor.at] not in ("+", "-", "*", "n", "l"):
            cursor.fail()
        mark = cursor.texts[cursor.at]
        cursor.at += 1
        if is_group:
            cursor.need("}")
        name += mark if mark in "+-*" else f"^{mark}"
    return NamedSet(name)


def _money(cursor: Cursor) -> Node:
    cursor.at += 1
    if cursor.kinds[cursor.at] != "n" or cursor.nesting != cursor.side_nesting:
        cursor.fail()
    cursor.unit = CURRENCIES[cursor.texts[cursor.at - 1]]
    return number(cursor)


def _barred(cursor: Cursor) -> Node:
    r"""`\overline{z}` is a conjugate, `\overline{AB}` a name; digits under a bar are not read."""
    at = cursor.at
    cursor.at += 1
    if cursor.kinds[at + 1 : at + 5] == ["{", "l", "l", "}"]:
        return _name(cursor, at)
    inner = tex_argument(cursor)
    if isinstance(inner, Number):
        cursor.fail()
    return Call("conjugate", (inner,))


def _accented(cursor: Cursor) -> Node:
    at = cursor.at
    cursor.at += 1
    name = _name(cursor, at)
    if cursor.has_vectors and isinstance(name, Symbol) and name.name[-2:] in _UNIT_VECTORS:
        return Symbol(name.name[-1])
    if name == Symbol("mathcal O") and cursor.kinds[cursor.at] == "(":
        return Call("O", arguments(cursor))
    return name


def _name(cursor: Cursor, at: int) -> Node:
    """A mark and the letters under or behind it, as one name."""
    is_group = cursor.take("{")
    start = cursor.at
    while cursor.kinds[cursor.at] == "l" and cursor.at - start < 6:
        cursor.at += 1
        if not is_group and cursor.texts[at] in ("\\vec", "\\hat", "\\tilde", "\\mathcal"):
            break
    letters = "".join(cursor.texts[start : cursor.at])
    if not letters:
        cursor.fail()
    if is_group:
        cursor.need("}")
    return Symbol(f"{cursor.texts[at][1:]} {letters}")


def _letters(cursor: Cursor) -> Node:
    """A unit's letters where no unit can stand: side by side they multiply."""
    letters = cursor.texts[cursor.at]
    cursor.at += 1
    return Product(tuple(Symbol(letter) for letter in letters))


def _function(cursor: Cursor) -> Node:
    if cursor.texts[cursor.at] == "Matrix":
        cursor.at += 1
        cursor.need("(")
        inner = atom(cursor)
        cursor.need(")")
        if not isinstance(inner, Matrix):
            cursor.fail()
        return inner
    return function(cursor)


_BY_KIND: Final[dict[str, Callable[[Cursor], Node]]] = {
    "n": number, "r": repeating, "l": symbol, "u": _letters, "f": _function, "frac": _fraction,
    "sqrt": _root, "binom": _binomial, "constant": _constant, "infty": _infinity,
    "empty": _empty, "mathbb": _named_set, "$": _money, "£": _money, "€": _money,
    "over-bar": _barred, "accent": _accented, "shape": _accented, "(": round_or_square,
    "[": round_or_square, "]": round_or_square, "{": braces, "\\{": curly, "langle": angled,
    "<": angled, "|": bars, "||": bars, "_": counted, "^": counted, "lfloor": bars, "lceil": bars,
    "begin": environment,
}  # fmt: skip
STARTS: Final = frozenset(_BY_KIND) - {
    "n",
    "r",
    *CURRENCIES,
    "]",
    "_",
    "^",
    "<",
    "\\{",
    "empty",
    "mathbb",
    "begin",
}
"""The kinds that may follow a factor without a sign."""
