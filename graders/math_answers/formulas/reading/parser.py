"""The door: answer notation in normal form to a tree."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import Final

from graders.math_answers.formulas.reading.atoms import atom
from graders.math_answers.formulas.reading.clauses import clause, items
from graders.math_answers.formulas.reading.cursor import Cursor, Doors
from graders.math_answers.formulas.reading.lexer import END, lex
from graders.math_answers.formulas.reading.symbols import defined_functions
from graders.math_answers.formulas.reading.tails import compound
from graders.math_answers.formulas.reading.terms import expression, power
from graders.math_answers.formulas.tree import Negative, Node, Number, TooBig, Unread, Words
from graders.math_answers.formulas.walking import depth_of
from graders.math_answers.words import clock_of

__all__ = ["read"]

_MAX_CHARS: Final = 2_000
_MAX_CACHED: Final = 4_096
_MAX_CACHED_CHARS: Final = 200
_MAX_DEPTH: Final = 100
"""No tree is deeper than its text is long."""

_WHOLE: Final = re.compile(r"-?[0-9]{1,18}")
_HALF_OF_DAY: Final = re.compile(r"[0-9] ?[ap]\.? ?m\.?$", re.IGNORECASE)
_HIDDEN: Final = "\x03"
_DOORS: Final = Doors(items, clause, expression, power, atom)


def read(normal: str) -> Node:
    """The tree of a normal form; Unread for what is no notation, TooBig beyond a limit."""
    return _read(normal) if len(normal) > _MAX_CACHED_CHARS else _remembered(normal)


def _read(normal: str) -> Node:
    if _WHOLE.fullmatch(normal):
        number = Number(Fraction(abs(int(normal))))
        return Negative(number) if normal[0] == "-" else number
    if len(normal) > _MAX_CHARS:
        raise TooBig
    if _HIDDEN in normal:
        raise Unread("a TeX comment")
    if _HALF_OF_DAY.search(normal[-8:]) and clock_of(normal) is not None:
        return Words(normal)
    if normal[:1].isdigit() and (whole := compound(normal)) is not None:
        return whole
    cursor = Cursor(lex(normal), _DOORS)
    cursor.functions = defined_functions(cursor)
    try:
        node = items(cursor)
    except RecursionError:
        # The caller stood so deep already that the bounded rest does not fit.
        raise TooBig from None
    if cursor.kinds[cursor.at] != END:
        cursor.fail()
    if len(normal) > _MAX_DEPTH and depth_of(node) > _MAX_DEPTH:
        raise TooBig
    return node


_remembered: Final = lru_cache(maxsize=_MAX_CACHED)(_read)
"""Trees of short texts; a long one takes some hundred kB."""
