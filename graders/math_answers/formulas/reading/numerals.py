"""Numbers as they are written: grouped, mixed, repeating, in scientific notation, in a base."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

from graders.math_answers.formulas.reading.cursor import Cursor
from graders.math_answers.formulas.tree import (
    Call,
    Expression,
    Number,
    Quotient,
    Sum,
    TooBig,
    Unread,
)

__all__ = ["decimal", "number", "repeating"]

_MAX_EXPONENT: Final = 4_000
_MAX_BASE: Final = 16
_CYCLE: Final = re.compile(r"([0-9]*)\.([0-9]*)(?:\\[a-z]+\s?\{?|\()([0-9]+)[})]?")
_TAIL: Final = re.compile(r"([0-9]*)\.([0-9]{0,40}?)([0-9]{1,12}?)\3\3*(?:\.\.\.|\\[a-z]+)")
_MIXED: Final = ("frac", "{", "n", "}", "{", "n", "}")


def number(cursor: Cursor) -> Expression:
    """A number written in digits, with the groups, the fraction or the base that belong to it."""
    at = cursor.at
    text = cursor.texts[at]
    cursor.at = at + 1
    following = cursor.kinds[at + 1]
    if following == "n":
        if not cursor.is_joined(at + 1):
            return _apart(cursor, text)
        raise Unread("two numbers side by side")
    if following == "," and len(text) <= 3 and not cursor.in_brackets:
        text = _grouped(cursor, text)
    elif following == "frac" and text.isdigit():
        return _mixed(cursor, text)
    elif following == "_":
        return _based(cursor, text)
    return decimal(text)


def decimal(text: str) -> Number:
    """The value of plain digits with a point or an exponent; TooBig for a huge exponent."""
    if text.isdigit():
        return Number(Fraction(int(text)))
    mantissa, _, exponent = text.lower().partition("e")
    whole, _, part = mantissa.partition(".")
    value = Fraction(int(whole + part), 10 ** len(part))
    if not exponent:
        return Number(value, len(part))
    if len(exponent) > 6 or abs(int(exponent)) > _MAX_EXPONENT:
        raise TooBig
    return Number(value * Fraction(10) ** int(exponent))


def repeating(cursor: Cursor) -> Expression:
    r"""`0.1\overline{6}`, `0.1(6)`, `0.1666...`."""
    text = cursor.texts[cursor.at]
    match = _CYCLE.fullmatch(text) or _TAIL.fullmatch(text)
    if match is None or len(text) > 200:
        cursor.fail()
    cursor.at += 1
    whole, part, cycle = match.groups()
    value = Fraction(int(whole + part or "0"), 10 ** len(part))
    return Number(value + Fraction(int(cycle), (10 ** len(cycle) - 1) * 10 ** len(part)))


def _grouped(cursor: Cursor, text: str) -> str:
    """`1,234,567`: proper groups of three, none of them an item of a list of numbers."""
    kinds, at = cursor.kinds, cursor.at
    if not text.isdigit() or (at > 2 and kinds[at - 2] == "," and kinds[at - 3] == "n"):
        return text
    pieces = [text]
    while kinds[at] == "," and kinds[at + 1] == "n":
        group = cursor.texts[at + 1]
        digits, point, _ = group.partition(".")
        if len(digits) != 3 or not cursor.is_joined(at + 1) or not group.replace(".", "").isdigit():
            return text
        pieces.append(group)
        at += 2
        if point:
            break
    cursor.at = at
    return "".join(pieces)


def _apart(cursor: Cursor, text: str) -> Expression:
    """`1 234 567` or `2 1/2`; two numbers with only a space between are no notation."""
    kinds, texts, at = cursor.kinds, cursor.texts, cursor.at
    if kinds[at + 1] == "/" and kinds[at + 2] == "n" and text.isdigit():
        top, bottom = texts[at], texts[at + 2]
        if top.isdigit() and bottom.isdigit() and int(top) < int(bottom):
            cursor.at = at + 3
            return _with_fraction(text, top, bottom)
    pieces = [text]
    while kinds[at] == "n" and len(texts[at].partition(".")[0]) == 3 and pieces[-1].isdigit():
        pieces.append(texts[at])
        at += 1
    if kinds[at] == "n" or len(text) > 3 or at == cursor.at or "e" in pieces[-1].lower():
        cursor.fail()
    cursor.at = at
    return decimal("".join(pieces))


def _mixed(cursor: Cursor, text: str) -> Expression:
    r"""`2\frac{1}{2}` is two and a half; `2\frac{3}{2}` stays a product."""
    at = cursor.at
    if tuple(cursor.kinds[at : at + 7]) == _MIXED:
        top, bottom = cursor.texts[at + 2], cursor.texts[at + 5]
        if top.isdigit() and bottom.isdigit() and int(top) < int(bottom):
            cursor.at = at + 7
            return _with_fraction(text, top, bottom)
    return decimal(text)


def _with_fraction(whole: str, top: str, bottom: str) -> Expression:
    return Sum((decimal(whole), Quotient(decimal(top), decimal(bottom))))


def _based(cursor: Cursor, text: str) -> Expression:
    """`4210_7`: digits and the base they are written in."""
    cursor.at += 1
    is_group = cursor.take("{")
    base = cursor.texts[cursor.at]
    cursor.need("n")
    if is_group:
        cursor.need("}")
    if (
        not base.isdigit()
        or not 2 <= int(base) <= _MAX_BASE
        or max(text, default="") > "9"
        or int(max(text)) >= int(base)
    ):
        cursor.fail()
    return Call("base", (decimal(text), decimal(base)))
