r"""What the last tier's child is never asked: too long, too deep, or of absurd size."""

from __future__ import annotations

import re
from typing import Final

from graders.math_answers.formulas.algebra.equivalence import rational_value
from graders.math_answers.formulas.reading.parser import read
from graders.math_answers.formulas.tree import TooBig, Unread, is_expression

__all__ = ["MAX_ANSWER_CHARS", "is_too_complex"]

MAX_ANSWER_CHARS: Final = 2_000
_MAX_CHARS: Final = 400
_MAX_DEPTH: Final = 50
_MAX_TOWER: Final = 2
_MAX_EXPONENT: Final = 1_000
_MAX_FACTORIAL: Final = 200
_MAX_FACTORIALS: Final = 3
_MAX_DIGITS: Final = 500
_MAX_ITEMS: Final = 200
_BRACKET: Final = re.compile(r"\\[{}]|[(){}\[\]]")
_DIGITS: Final = re.compile(rf"[0-9]{{{_MAX_DIGITS},}}")
_ATOM: Final = re.compile(r"\s?(?:-?[0-9.]+|\\[a-zA-Z]+|.)", re.DOTALL)
_LAST_NUMBER: Final = re.compile(r"[0-9.]+$")


def is_too_complex(normal: str) -> bool:
    """Whether a normal form is over a limit of length, depth or size."""
    if len(normal) > _MAX_CHARS or _depth(normal) > _MAX_DEPTH:
        return True
    if _DIGITS.search(normal) or normal.count(",") > _MAX_ITEMS:
        return True
    try:
        return _has_tower(normal, 0) or _has_big_factorial(normal) or _has_big_binomial(normal)
    except TooBig:
        return True


def _depth(normal: str) -> int:
    depth = deepest = 0
    for bracket in _BRACKET.finditer(normal):
        depth += 1 if bracket[0][-1] in "({[" else -1
        deepest = max(deepest, depth)
    fractions = normal.count("\\frac") + normal.count("\\sqrt")
    return deepest if fractions <= _MAX_DEPTH else _MAX_DEPTH + 1


def _has_tower(text: str, level: int) -> bool:
    """Whether exponents are stacked, or one of them is a great number."""
    place = text.find("^")
    while place >= 0:
        exponent = _operand(text, place + 1)
        if "^" in exponent and (level + 1 >= _MAX_TOWER or _has_tower(exponent, level + 1)):
            return True
        if _size(exponent) > _MAX_EXPONENT:
            return True
        place = text.find("^", place + 1 + len(exponent))
    return False


def _has_big_factorial(text: str) -> bool:
    if text.count("!") > _MAX_FACTORIALS or "!!" in text or ")!)!" in text:
        return "!" in text
    place = text.find("!")
    while place >= 0:
        before = text[:place].rstrip()
        number = _LAST_NUMBER.search(before)
        operand = number[0] if number else _group_before(before)
        if _size(operand) > _MAX_FACTORIAL:
            return True
        place = text.find("!", place + 1)
    return False


def _has_big_binomial(text: str) -> bool:
    place = text.find("\\binom")
    while place >= 0:
        if _size(_operand(text, place + len("\\binom"))) > _MAX_EXPONENT:
            return True
        place = text.find("\\binom", place + 1)
    return False


def _operand(text: str, place: int) -> str:
    """The group or single token at a place."""
    if text[place : place + 1] not in ("{", "("):
        atom = _ATOM.match(text, place)
        return atom[0] if atom else ""
    depth = 0
    for bracket in _BRACKET.finditer(text, place):
        depth += 1 if bracket[0][-1] in "({[" else -1
        if depth == 0:
            return text[place + 1 : bracket.start()]
    return text[place + 1 :]


def _group_before(text: str) -> str:
    depth = 0
    for place in range(len(text) - 1, -1, -1):
        depth += {")": 1, "}": 1, "(": -1, "{": -1}.get(text[place], 0)
        if depth <= 0:
            return text[place + 1 : -1]
    return ""


def _size(text: str) -> int:
    """The whole part of a number written out; 0 where it is none."""
    try:
        tree = read(text)
    except Unread:
        return 0
    value = rational_value(tree) if is_expression(tree) else None
    return abs(int(value)) if value is not None else 0
