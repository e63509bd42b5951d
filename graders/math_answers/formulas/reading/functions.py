r"""Functions and their arguments, with brackets or without: `\sin 2x`, `\log_2 8`, `f(x)`.

A name followed by a bracket takes the bracket alone: `\sin(x)y` is the sine of x, times y.
Without one it takes the factors that stand side by side, up to a sign or another function;
`\sin x/2` could mean two things and is not read, `\sin\pi/3` and degrees could not.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from graders.math_answers.formulas.reading.cursor import Cursor, value_of
from graders.math_answers.formulas.reading.names import INVERTIBLE
from graders.math_answers.formulas.reading.numerals import decimal
from graders.math_answers.formulas.tree import (
    Bracketed,
    Call,
    Constant,
    Expression,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Root,
)

__all__ = ["arguments", "function", "script", "tex_argument"]

_TEN: Final = Number(Fraction(10))
_MINUS_ONE: Final = ("{", "-", "n", "}")
_SIDE_BY_SIDE: Final = frozenset(("n", "r", "l", "constant", "frac", "sqrt", "(", "binom", "{"))
_COUNTS: Final = {"binomial": 2, "permutations": 2}
_MANY: Final = frozenset(("max", "min", "gcd", "lcm", "log", "base"))


def function(cursor: Cursor) -> Expression:
    """A known function with its power, its base and its argument."""
    name = cursor.texts[cursor.at]
    cursor.at += 1
    base = script(cursor) if name == "log" and cursor.take("_") else None
    exponent: Expression | None = None
    if cursor.take("^"):
        if tuple(cursor.kinds[cursor.at : cursor.at + 4]) == _MINUS_ONE and name in INVERTIBLE:
            if cursor.texts[cursor.at + 2] != "1":
                cursor.fail()
            cursor.at += 4
            name = f"arc{name}"
        else:
            exponent = script(cursor)
    if name == "log" and base is None and cursor.take("_"):
        base = script(cursor)
    kept, cursor.in_argument = cursor.in_argument, True
    given = _given(cursor, name)
    cursor.in_argument = kept
    if base is not None:
        given = (*given, base)
    call = _call(cursor, name, given)
    return call if exponent is None else Power(call, exponent)


def _call(cursor: Cursor, name: str, given: tuple[Expression, ...]) -> Expression:
    if len(given) != _COUNTS.get(name, 1) and not (name in _MANY and given):
        cursor.fail()
    if name == "sqrt":
        return Root(given[0])
    if name == "cbrt":
        return Root(given[0], 3)
    if name == "lg":
        return Call("log", (given[0], _TEN))
    if name == "log" and len(given) > 2:
        cursor.fail()
    return Call(name, given)


def _given(cursor: Cursor, name: str) -> tuple[Expression, ...]:
    kind = cursor.kinds[cursor.at]
    if kind == "(":
        return arguments(cursor)
    if kind in ("{", "|", "\\{", "["):
        node = cursor.doors.atom(cursor)
        if isinstance(node, Bracketed) and name in _MANY:
            return tuple(value_of(item) for item in node.items)
        return (value_of(node),)
    cursor.enter()
    given = _side_by_side(cursor, name)
    cursor.leave()
    return (given,)


def _side_by_side(cursor: Cursor, name: str) -> Expression:
    if name == "log" and cursor.kinds[cursor.at] == "n" and cursor.kinds[cursor.at + 1] == "(":
        cursor.fail()
    if cursor.kinds[cursor.at] == "f":
        return cursor.doors.power(cursor)
    sign = cursor.take("-")
    if cursor.kinds[cursor.at] not in _SIDE_BY_SIDE and cursor.kinds[cursor.at] != "|":
        cursor.fail()
    factors = [cursor.doors.power(cursor)]
    while cursor.kinds[cursor.at] in _SIDE_BY_SIDE:
        if not _goes_on(cursor, factors[-1]):
            cursor.fail()
        factors.append(cursor.doors.power(cursor))
    given = factors[0] if len(factors) == 1 else Product(tuple(factors))
    if cursor.kinds[cursor.at] == "/" and cursor.kinds[cursor.at + 1] != "f":
        given = _divided(cursor, given)
    return Negative(given) if sign else given


def _goes_on(cursor: Cursor, last: Expression) -> bool:
    r"""Whether an argument takes the next piece for certain: `\sin 2(x+1)`, not `\sin x(x+1)`."""
    kind, text = cursor.kinds[cursor.at], cursor.texts[cursor.at]
    if kind in ("n", "r"):
        return False
    return isinstance(last, Number) or kind == "constant" or (kind == "l" and text not in "ei")


def _divided(cursor: Cursor, given: Expression) -> Expression:
    r"""`\sin\pi/3`: the only slash that an argument without brackets can hold."""
    parts = given.factors if isinstance(given, Product) else (given,)
    if parts[-1] != Constant("pi") or cursor.kinds[cursor.at + 1] != "n":
        cursor.fail()
    cursor.at += 1
    return Quotient(given, cursor.doors.power(cursor))


def arguments(cursor: Cursor) -> tuple[Expression, ...]:
    """A bracket with the arguments of a function."""
    cursor.need("(")
    cursor.enter()
    kept, in_argument = cursor.within_brackets(), cursor.in_argument
    cursor.in_argument = True
    given = [cursor.doors.expression(cursor)]
    while cursor.kinds[cursor.at] in (",", ";"):
        cursor.at += 1
        given.append(cursor.doors.expression(cursor))
    cursor.need(")")
    cursor.restore(kept)
    cursor.in_argument = in_argument
    cursor.leave()
    return tuple(given)


def script(cursor: Cursor) -> Expression:
    """What stands raised or lowered: a group or one sign, a number as a whole."""
    if cursor.kinds[cursor.at] == "{":
        return tex_argument(cursor)
    if cursor.kinds[cursor.at] == "n":
        cursor.at += 1
        return decimal(cursor.texts[cursor.at - 1])
    return tex_argument(cursor)


def tex_argument(cursor: Cursor) -> Expression:
    """The argument of a command: a group, one digit, one letter or one command."""
    kind = cursor.kinds[cursor.at]
    if kind == "n" and len(cursor.texts[cursor.at]) > 1:
        digit, rest = cursor.texts[cursor.at][0], cursor.texts[cursor.at][1:]
        if not digit.isdigit() or not rest.isdigit():
            cursor.fail()
        cursor.texts[cursor.at] = rest
        cursor.starts[cursor.at] += 1
        return Number(Fraction(int(digit)))
    cursor.count()
    if kind == "{":
        return value_of(cursor.doors.atom(cursor))
    cursor.enter()
    given = value_of(cursor.doors.atom(cursor))
    cursor.leave()
    return given
