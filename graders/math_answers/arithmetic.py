r"""Exact arithmetic on written numbers: a bounded recursive descent over a normal form.

Reads integers, decimals, fractions, mixed numbers, sums, products, powers, factorials, binomials
and roots that come out rational, and nothing with a letter in it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Final, NamedTuple

from graders.math_answers.formulas.tree import TooBig

__all__ = ["Parsed", "evaluate", "parse_prefix"]

_MAX_BITS: Final = 1 << 22
_MAX_FRACTION_BITS: Final = 1 << 16
_MAX_FACTORIAL: Final = 5_000
_MAX_DIGITS: Final = 4_000
_MAX_DEPTH: Final = 60
_TOKEN: Final = re.compile(
    r" ?(?:([0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]*)?|[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
    r"|(\\[a-zA-Z]+|\*\*|[-+*/^!(){}\[\],]))"
)


class _Unread(ValueError):
    """The text is no arithmetic at this place."""


class Parsed(NamedTuple):
    """The longest arithmetic prefix: its value, its end, whether no work was left undone."""

    value: Fraction
    end: int
    is_literal: bool


def parse_prefix(text: str) -> Parsed | None:
    """Read the arithmetic at the start of a normal form; raise TooBig before computing too much."""
    parser = _Parser(text)
    try:
        value = parser.sum()
    except (_Unread, ZeroDivisionError):
        return None
    return Parsed(value, parser.end, parser.operations == 0)


def evaluate(text: str) -> Parsed | None:
    """Read a normal form that is arithmetic from end to end."""
    parsed = parse_prefix(text)
    return parsed if parsed is not None and not text[parsed.end :].strip() else None


class _Parser:
    """Walks the text once; `operations` counts the arithmetic left undone by the writer."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.end = 0
        self.depth = 0
        self.groups = 0
        self.operations = 0
        self.budget = _MAX_BITS

    def _peek(self) -> re.Match[str] | None:
        return _TOKEN.match(self.text, self.end)

    def _operator(self) -> str:
        token = self._peek()
        return (token[2] or "") if token else ""

    def _take(self, expected: str) -> bool:
        token = self._peek()
        if token is None or token[2] != expected:
            return False
        self.end = token.end()
        return True

    def _expect(self, expected: str) -> None:
        if not self._take(expected):
            raise _Unread(expected)

    def _spend(self, bits: int) -> None:
        self.budget -= bits
        if self.budget < 0:
            raise TooBig

    def _kept(self, value: Fraction) -> Fraction:
        bits = value.numerator.bit_length()
        below = value.denominator.bit_length()
        if below > 1 and bits + below > _MAX_FRACTION_BITS:
            raise TooBig
        self._spend(bits + below)
        return value

    def sum(self) -> Fraction:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise TooBig
        value = self._product()
        while True:
            start = self.end
            operator = self._operator()
            if operator not in ("+", "-"):
                break
            self._take(operator)
            try:
                right = self._product()
            except _Unread:
                self.end = start
                break
            self.operations += 1
            value = self._kept(value + right if operator == "+" else value - right)
        self.depth -= 1
        return value

    def _product(self) -> Fraction:
        sign = 1
        while self._operator() in ("-", "+"):
            sign = -sign if self._take("-") else sign
            self._take("+")
        value = self._power()
        while True:
            start = self.end
            operator = self._operator()
            if operator not in ("*", "\\cdot", "/", "("):
                break
            if operator != "(":
                self._take(operator)
            try:
                right = self._signed_power()
            except _Unread:
                self.end = start
                break
            value = self._combined(value, right, operator=operator)
        return sign * value

    def _combined(self, left: Fraction, right: Fraction, *, operator: str) -> Fraction:
        if operator == "/":
            if self.operations or left.denominator != 1 or right.denominator != 1:
                self.operations += 1
            return self._kept(left / right)
        self.operations += 1
        return self._kept(left * right)

    def _signed_power(self) -> Fraction:
        if self._take("-"):
            return -self._power()
        return self._power()

    def _power(self) -> Fraction:
        before = self.operations
        base = self._postfix()
        if not (self._take("^") or self._take("**")):
            return base
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise TooBig
        exponent = self._braced() if self._operator() == "{" else self._signed_power()
        self.depth -= 1
        if exponent.denominator != 1:
            raise _Unread("root")
        is_power_of_ten = base == 10 and self.operations == before
        self.operations = before if is_power_of_ten else before + 1
        return self._raised(base, exponent.numerator)

    def _raised(self, base: Fraction, exponent: int) -> Fraction:
        size = max(base.numerator.bit_length(), base.denominator.bit_length())
        if abs(base) != 1 and base != 0:
            self._spend(size * abs(exponent))
            if base.denominator != 1 and size * abs(exponent) > _MAX_FRACTION_BITS:
                raise TooBig
        elif abs(exponent) > _MAX_BITS:
            exponent = 2 - exponent % 2
        if base == 0 and exponent <= 0:
            raise _Unread("zero to no power")
        return base**exponent

    def _postfix(self) -> Fraction:
        value = self._mixed()
        while self._take("!"):
            self.operations += 1
            if value.denominator != 1 or value < 0:
                raise _Unread("factorial")
            if value > _MAX_FACTORIAL:
                raise TooBig
            value = self._kept(Fraction(math.factorial(value.numerator)))
            self._spend(_MAX_BITS >> 7)
        return value

    def _mixed(self) -> Fraction:
        """An atom, or a whole number with a proper fraction written right after it."""
        token = self._peek()
        value = self._atom()
        if token is None or token[1] is None or value.denominator != 1 or "." in token[1]:
            return value
        start = self.end
        if self._operator() == "\\frac":
            part = self._atom()
            if not 0 < part < 1:
                raise _Unread("improper fraction")
            return value + part
        mixed = _SLASHED.match(self.text, start)
        if mixed:
            part = Fraction(_integer(mixed[1]), _integer(mixed[2]))
            if 0 < part < 1:
                self.end = mixed.end()
                return value + part
        return value

    def _atom(self) -> Fraction:
        token = self._peek()
        if token is None:
            raise _Unread("end")
        self.end = token.end()
        if token[1] is not None:
            if self.groups and "," in token[1]:
                raise _Unread("a comma in brackets lists")
            return _number(token[1])
        operator = token[2]
        if operator in ("(", "["):
            return self._grouped(")" if operator == "(" else "]")
        reader = _READERS.get(operator)
        if reader is None:
            raise _Unread(operator)
        return reader(self)

    def _grouped(self, closing: str) -> Fraction:
        self.groups += 1
        value = self.sum()
        self._expect(closing)
        self.groups -= 1
        return value

    def _braced(self) -> Fraction:
        self._expect("{")
        value = self.sum()
        self._expect("}")
        return value

    def _fraction(self) -> Fraction:
        top, bottom = self._braced(), self._braced()
        return self._kept(top / bottom)

    def _binomial(self) -> Fraction:
        self.operations += 1
        upper, lower = self._braced(), self._braced()
        if upper.denominator != 1 or lower.denominator != 1 or not 0 <= lower <= upper:
            raise _Unread("binomial")
        if upper > _MAX_FACTORIAL and min(lower, upper - lower) > 3:
            raise TooBig
        return self._kept(Fraction(math.comb(upper.numerator, lower.numerator)))

    def _root(self) -> Fraction:
        self.operations += 1
        degree = 2
        if self._take("["):
            degree = self.sum().numerator
            self._expect("]")
        inside = self._braced()
        top, bottom = (_exact_root(n, degree) for n in (inside.numerator, inside.denominator))
        return Fraction(top, bottom)


_READERS: Final[dict[str, Callable[[_Parser], Fraction]]] = {
    "\\frac": _Parser._fraction,
    "\\binom": _Parser._binomial,
    "\\sqrt": _Parser._root,
}
_SLASHED: Final = re.compile(r" ([0-9]+)/([0-9]+)(?![0-9./])")


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise TooBig
    return int(digits)


def _number(written: str) -> Fraction:
    if "," in written:
        written = written.replace(",", "")
    if "." not in written:
        return Fraction(_integer(written))
    whole, _, part = written.partition(".")
    return Fraction(_integer((whole + part) or "0"), 10 ** len(part))


def _exact_root(number: int, degree: int) -> int:
    """The integer root; a number without one is no rational."""
    if degree == 2 and number >= 0 and math.isqrt(number) ** 2 == number:
        return math.isqrt(number)
    if degree == 3 and abs(number) < 1 << 50:
        root: int = round(float(abs(number)) ** (1 / 3))
        if root**3 == abs(number):
            return root if number >= 0 else -root
    raise _Unread("irrational")
