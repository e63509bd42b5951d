r"""Letters: unknowns with their marks, the constants e and i, and calls of unknown functions.

`f` and `g` before a bracket are functions, `h`, `F`, `G`, `H`, `P`, `Q` before one with a lone
letter or number, and any letter that an equation begins by defining, `v(t)=...`; every other letter
multiplies the bracket: `x(x+1)`, `P(1+r)`.
`i` is the imaginary unit unless the text has `j` or `k` beside it, as unit vectors do.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from graders.math_answers.formulas.reading.cursor import Cursor
from graders.math_answers.formulas.reading.functions import arguments, script
from graders.math_answers.formulas.tree import (
    Call,
    Constant,
    Expression,
    Number,
    Symbol,
)

__all__ = ["defined_functions", "symbol"]

_FUNCTIONS: Final = frozenset(("f", "g", "O", "Theta", "Omega", "Gamma", "zeta"))
_FUNCTION_LETTERS: Final = frozenset(("h", "F", "G", "H", "P", "Q", "phi", "varphi"))
_COUNTS: Final = {"C": "binomial", "P": "permutations"}
_MAX_MARK_CHARS: Final = 40


def symbol(cursor: Cursor) -> Expression:
    """A letter with its index, its primes, its inverse mark and its arguments."""
    name = cursor.texts[cursor.at]
    cursor.at += 1
    kind = cursor.kinds[cursor.at]
    if kind == "(" and _is_function(cursor, name):
        return _called(cursor, name)
    if kind not in ("_", "'", "^"):
        return _plain(cursor, name)
    return _marked(cursor, name)


def _is_function(cursor: Cursor, name: str) -> bool:
    if name in _FUNCTIONS or name in cursor.functions:
        return True
    if name == "C":
        return _holds_two_numbers(cursor)
    return name in _FUNCTION_LETTERS and _holds_one_piece(cursor)


def _holds_one_piece(cursor: Cursor) -> bool:
    """`P(x)`, `h(-1)`, `P(5,2)`, not `P(1+r)`."""
    at = cursor.at + (2 if cursor.kinds[cursor.at + 1] == "-" else 1)
    if cursor.kinds[at] not in ("n", "l"):
        return False
    end = at + 3 if cursor.kinds[at + 1] == "_" else at + 1
    return cursor.kinds[min(end, len(cursor.kinds) - 1)] in (")", ",")


def _holds_two_numbers(cursor: Cursor) -> bool:
    """`C(10,3)` and `C(n,k)`, not `C(x+1)`."""
    at = cursor.at
    return cursor.kinds[at + 1] in ("n", "l") and cursor.kinds[at + 2] == ","


def defined_functions(cursor: Cursor) -> frozenset[str]:
    """The letter that a text such as `v(t)=...` begins by defining."""
    kinds = cursor.kinds
    if kinds[0] != "l" or kinds[1] != "(":
        return frozenset()
    at = 2
    while kinds[at] == "l" and kinds[at + 1] == ",":
        at += 2
    is_defined = kinds[at] == "l" and kinds[at + 1] == ")" and kinds[at + 2] == "="
    return frozenset((cursor.texts[0],)) if is_defined else frozenset()


def _plain(cursor: Cursor, name: str) -> Expression:
    if name == "e":
        return Constant("e")
    if name == "i":
        return Symbol("i") if cursor.has_vectors else Constant("i")
    if name == "j" and not cursor.has_vectors and _follows_number(cursor):
        return Constant("i")
    if name in ("I", "E") and cursor.is_pythonic and _is_multiplied(cursor):
        return Constant("i" if name == "I" else "e")
    return Symbol(name)


def _follows_number(cursor: Cursor) -> bool:
    at = cursor.at - 1
    return at > 0 and cursor.kinds[at - 1] == "n" and cursor.is_joined(at) and (
        "\\" not in cursor.text and cursor.text.count("j") == 1
    )  # fmt: skip


def _is_multiplied(cursor: Cursor) -> bool:
    at = cursor.at
    return cursor.kinds[at] in ("*", "^") or (at > 1 and cursor.kinds[at - 2] == "*")


def _marked(cursor: Cursor, name: str) -> Expression:
    bare = name
    if cursor.take("_"):
        name = f"{name}_{_index(cursor)}"
    while cursor.take("'"):
        name += "'"
    kinds, at = cursor.kinds, cursor.at
    if kinds[at : at + 3] == ["^", "{", "'"]:
        end = at + 2
        while kinds[end] == "'":
            end += 1
        if kinds[end] != "}":
            cursor.fail()
        name += "'" * (end - at - 2)
        cursor.at = end + 1
    if cursor.kinds[cursor.at] == "^" and "_" in name and bare in "CPA":
        return _counted(cursor, name)
    is_function = bare in _FUNCTIONS or bare in _FUNCTION_LETTERS or bare in cursor.functions
    if is_function and kinds[at : at + 6] == ["^", "{", "-", "n", "}", "("]:
        if cursor.texts[at + 3] != "1":
            cursor.fail()
        cursor.at += 5
        name += "^{-1}"
    if is_function and cursor.kinds[cursor.at] == "(":
        return _called(cursor, name)
    return Symbol(name) if name != bare else _plain(cursor, name)


def _index(cursor: Cursor) -> str:
    """The written index, without braces and spaces."""
    start = cursor.at
    if cursor.take("{"):
        depth = 1
        while depth:
            kind = cursor.kinds[cursor.at]
            depth += {"{": 1, "}": -1}.get(kind, 0)
            cursor.at += 1
            if cursor.at >= len(cursor.kinds):
                cursor.at = start
                cursor.fail()
        texts = cursor.texts[start + 1 : cursor.at - 1]
    else:
        if cursor.kinds[start] not in ("l", "n", "w", "u"):
            cursor.fail()
        cursor.at += 1
        texts = cursor.texts[start : cursor.at]
    index = "".join(texts)
    if not index or len(index) > _MAX_MARK_CHARS or not index.replace("+", "").replace(
        "-", "").replace(",", "").isalnum():  # fmt: skip
        cursor.fail()
    return index


def _called(cursor: Cursor, name: str) -> Expression:
    given = arguments(cursor)
    if name in _COUNTS and len(given) == 2:
        upper, lower = given
        if isinstance(upper, Number) and isinstance(lower, Number) and upper.value >= lower.value:
            return Call(_COUNTS[name], given)
        if name == "C" and isinstance(upper, Symbol) and upper.name in "nmNM":
            return Call("binomial", given)
    return Call("gamma" if name == "Gamma" else name, given)


def _counted(cursor: Cursor, name: str) -> Expression:
    """`C_5^2` with two numbers counts; with anything else it is a power."""
    upper = name.partition("_")[2]
    is_number = cursor.kinds[cursor.at + 1] == "n" or (
        cursor.kinds[cursor.at + 1 : cursor.at + 4] == ["{", "n", "}"]
    )
    if not upper.isdigit() or not is_number:
        return Symbol(name)
    place = cursor.at
    cursor.at += 1
    lower = script(cursor)
    if not isinstance(lower, Number) or int(upper) < lower.value:
        cursor.at = place
        return Symbol(name)
    kind = "binomial" if name[0] == "C" else "permutations"
    return Call(kind, (Number(Fraction(int(upper))), lower))
