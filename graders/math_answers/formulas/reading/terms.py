r"""Sums, products, quotients, powers.

Side by side is a product.  A number below a slash takes nothing along, `1/2x` is half of x, as
`3/4 i` and `1/2(a+b)` mean; a letter or bracket below it takes its neighbours, `1/xy` is `1/(xy)`.
A number never stands right of a factor without a sign: `4 2`, `x2`, `\sqrt{3}2` are not read.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from graders.math_answers.formulas.reading.atoms import CURRENCIES, STARTS, atom
from graders.math_answers.formulas.reading.cursor import Cursor, value_of
from graders.math_answers.formulas.reading.functions import script
from graders.math_answers.formulas.reading.names import DEGREE_WORDS
from graders.math_answers.formulas.reading.tails import degrees_ahead, unit_ahead
from graders.math_answers.formulas.tree import (
    Bracketed,
    Call,
    Constant,
    Expression,
    Matrix,
    NamedSet,
    Negative,
    Node,
    Number,
    PlusMinus,
    Power,
    Product,
    Quotient,
    Sum,
    Symbol,
)

__all__ = ["expression", "power", "total"]

_FACTORS: Final = STARTS | {"begin"}
_POSTFIX: Final = frozenset(("^", "!", "!!", "%", "w", "'", *CURRENCIES))
_TRANSPOSED: Final = frozenset(("T", "\\top", "\\intercal"))
_SIGNS: Final = frozenset(("+", "-", "pm"))
_HALF_TURN: Final = Number(Fraction(180))


def expression(cursor: Cursor) -> Expression:
    """What stands for one value."""
    return value_of(total(cursor))


def total(cursor: Cursor) -> Node:
    r"""A sum, or anything that can stand alone; `a \over b` takes all of its group."""
    cursor.enter()
    first = _signed(cursor)
    if cursor.kinds[cursor.at] in _SIGNS and not _takes_away(cursor, first):
        first = _sum(cursor, value_of(first))
    if cursor.kinds[cursor.at] in ("over", "choose"):
        is_fraction = cursor.kinds[cursor.at] == "over"
        cursor.at += 1
        pair = value_of(first), expression(cursor)
        first = Quotient(*pair) if is_fraction else Call("binomial", pair)
    cursor.leave()
    return first


def _takes_away(cursor: Cursor, first: Node) -> bool:
    r"""Whether a sign stands between sets: `\mathbb{R}-\{0\}`."""
    following = cursor.kinds[cursor.at + 1]
    if isinstance(first, NamedSet):
        return following in ("{", "\\{")
    return following == "\\{" and (isinstance(first, Bracketed) or first == Symbol("R"))


def _sum(cursor: Cursor, first: Expression) -> Expression:
    terms = [first]
    while (sign := cursor.kinds[cursor.at]) in _SIGNS:
        cursor.at += 1
        cursor.count()
        if sign == "pm":
            left = terms[0] if len(terms) == 1 else Sum(tuple(terms))
            terms = [PlusMinus(left, value_of(_term(cursor)))]
            continue
        if sign == "+" and cursor.kinds[cursor.at] == "-":
            sign = "-"
            cursor.at += 1
        term = value_of(_signed(cursor) if cursor.kinds[cursor.at] == "-" else _term(cursor))
        terms.append(Negative(term) if sign == "-" else term)
    return terms[0] if len(terms) == 1 else Sum(tuple(terms))


def _signed(cursor: Cursor) -> Node:
    sign = cursor.kinds[cursor.at]
    if sign not in _SIGNS:
        return _term(cursor)
    cursor.at += 1
    cursor.count()
    term = _term(cursor)
    if sign == "+":
        return term
    if sign == "-":
        return Negative(value_of(term))
    return PlusMinus(None, value_of(term))


def _term(cursor: Cursor) -> Node:
    first = _powered(cursor)
    kind = cursor.kinds[cursor.at]
    if kind == "n":
        return _powers(cursor, first)
    if kind not in ("*", "/", "mod") and not _may_follow(cursor, kind):
        return first
    if kind == "/" and _takes_away(cursor, first):
        return first
    factors = [first]
    while True:
        kind = cursor.kinds[cursor.at]
        if kind == "*":
            cursor.at += 1
            factors.append(_factor(cursor))
        elif kind == "/":
            cursor.at += 1
            factors = [Quotient(_product(factors), _divisor(cursor))]
        elif kind == "mod":
            cursor.at += 1
            factors = [Call("mod", (_product(factors), _factor(cursor)))]
        elif _may_follow(cursor, kind) and not unit_ahead(cursor) and kind in _FACTORS:
            factors.append(_powered(cursor))
        else:
            break
    if len(factors) == 1:
        return factors[0]
    scaled = _scaled(factors)
    return scaled if scaled is not None else _product(factors)


def _powers(cursor: Cursor, first: Node) -> Node:
    """`2^x 3^x`, `3!7!`: powers and factorials side by side, which no decimal can be."""
    factors = [first]
    while _is_closed(factors[-1]) and cursor.kinds[cursor.at] == "n":
        if cursor.kinds[cursor.at + 1] not in ("^", "!"):
            cursor.fail()
        factors.append(_powered(cursor))
    return _product(factors) if len(factors) > 1 else first


def _is_closed(node: Node) -> bool:
    """Whether a mark ends the number, so that another one may begin right behind it."""
    return isinstance(node, Power) or (isinstance(node, Call) and node.name == "factorial")


def _product(factors: list[Node]) -> Expression:
    if len(factors) == 1:
        return value_of(factors[0])
    return Product(tuple([value_of(factor) for factor in factors]))


def _scaled(factors: list[Node]) -> Matrix | None:
    """A value times a matrix, entry by entry."""
    *scales, matrix = factors
    if not isinstance(matrix, Matrix) or matrix.delimiter:
        return None
    scale = _product(scales)
    return Matrix(
        tuple(tuple(Product((scale, value_of(cell))) for cell in row) for row in matrix.rows)
    )


def _may_follow(cursor: Cursor, kind: str) -> bool:
    """Whether a token continues a product without a sign."""
    if kind not in STARTS:
        is_inch = kind == "in" and cursor.texts[cursor.at] == "in"
        return kind in ("w", "begin") or is_inch
    if kind == "[":
        return not cursor.is_french
    following = cursor.at + 1
    if kind in ("|", "||"):
        return cursor.bars == 0 and not cursor.in_builder
    if kind in ("{", "("):
        return cursor.kinds[following] not in (
            ("n", "r") if kind == "{" else ("w", "u", "approx", "mod")
        )
    return kind != "l" or not _begins_equation(cursor)


def _begins_equation(cursor: Cursor) -> bool:
    """Whether a letter after a number and a space begins `x=1 x=2`'s second equation."""
    at = cursor.at
    if cursor.kinds[at - 1] != "n" or cursor.is_joined(at):
        return False
    end = at + 3 if cursor.kinds[at + 1] == "_" else at + 1
    return cursor.kinds[min(end, len(cursor.kinds) - 1)] == "="


def _factor(cursor: Cursor) -> Expression:
    """A factor after a sign, where it may have a sign of its own."""
    if cursor.take("-"):
        return Negative(value_of(_powered(cursor)))
    cursor.take("+")
    return value_of(_powered(cursor))


def _divisor(cursor: Cursor) -> Expression:
    is_number = cursor.kinds[cursor.at] == "n"
    first = _factor(cursor)
    if is_number:
        return first
    factors = [first]
    while cursor.kinds[cursor.at] in STARTS and _may_follow(cursor, cursor.kinds[cursor.at]):
        if unit_ahead(cursor) or cursor.kinds[cursor.at] not in STARTS:
            break
        factors.append(value_of(_powered(cursor)))
    return first if len(factors) == 1 else Product(tuple(factors))


def power(cursor: Cursor) -> Expression:
    """A piece with all that is raised or marked behind it, as one value."""
    return value_of(_powered(cursor))


def _powered(cursor: Cursor) -> Node:
    cursor.count()
    node = atom(cursor)
    while (kind := cursor.kinds[cursor.at]) in _POSTFIX:
        if kind == "^":
            node = _transposed(cursor, node) or _raised(cursor, value_of(node))
        elif kind == "!":
            cursor.at += 1
            node = Call("factorial", (value_of(node),))
        elif kind == "!!":
            cursor.at += 1
            node = Call("double_factorial", (value_of(node),))
        elif kind == "%" or kind in CURRENCIES:
            _note_unit(cursor, CURRENCIES.get(kind, "%"))
        elif kind == "w" and cursor.texts[cursor.at] in DEGREE_WORDS:
            node = _in_degrees(cursor, value_of(node))
        else:
            break
    return node


def _transposed(cursor: Cursor, node: Node) -> Node | None:
    """A row or column with the mark that turns it, which is the same vector."""
    is_row = isinstance(node, Matrix) and 1 in (len(node.rows), len(node.rows[0]))
    if not is_row and not isinstance(node, Bracketed):
        return None
    start = cursor.at + (2 if cursor.kinds[cursor.at + 1] == "{" else 1)
    end = start + start - cursor.at
    if cursor.texts[start] not in _TRANSPOSED or (
        end - start > 1 and cursor.kinds[start + 1] != "}"
    ):
        return None
    cursor.at = end
    if isinstance(node, Matrix):
        return Matrix(tuple(zip(*node.rows, strict=True)), node.delimiter)
    return node


def _raised(cursor: Cursor, base: Expression) -> Expression:
    cursor.at += 1
    is_group = cursor.kinds[cursor.at] == "{"
    if not is_group:
        cursor.enter()
    is_negative = cursor.take("-")
    if not is_negative:
        cursor.take("+")
    exponent = power(cursor) if cursor.kinds[cursor.at] == "f" else script(cursor)
    if cursor.kinds[cursor.at] == "^":
        exponent = _raised(cursor, exponent)
    if not is_group:
        cursor.leave()
    return Power(base, Negative(exponent) if is_negative else exponent)


def _note_unit(cursor: Cursor, unit: str) -> None:
    """Remember a unit for the whole side, if it is allowed here and no other was given."""
    if cursor.unit not in (None, unit) or (
        unit != "degree" and cursor.nesting > cursor.side_nesting
    ):
        cursor.fail()
    cursor.at += 1
    cursor.unit = unit


def _in_degrees(cursor: Cursor, value: Expression) -> Expression:
    """Degrees are part of a function's argument and the unit of anything else."""
    if cursor.in_argument:
        cursor.at += 1
        return Product((value, Quotient(Constant("pi"), _HALF_TURN)))
    _note_unit(cursor, "degree")
    cursor.unit = degrees_ahead(cursor)
    return value
