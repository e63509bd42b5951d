r"""LaTeX of plain formulas as the text of a program: `\frac{3x^2}{2}` is `3*x**2/2`."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["as_ascii"]

_TOKEN: Final = re.compile(r" *(\\[A-Za-z]+|[0-9]+(?:\.[0-9]+)?|[A-Za-z]|[-+*/^(){}\[\],])")
_NAMES: Final = {"\\pi": "pi", "\\infty": "oo", "\\theta": "theta", "\\alpha": "alpha"}
_FUNCTIONS: Final = frozenset("fghPQR")


class _Untold(ValueError):
    """There is no one way to write it as text."""


def as_ascii(gold: str, *, power: str) -> str | None:
    """The formula, tuple or interval as text; None beyond the safe subset or if nothing changes."""
    if "\\!" in gold or re.search(r"[0-9] ?\\[dt]?frac|[0-9],[0-9]{3}(?![0-9])", gold):
        return None
    text = re.sub(r"\\[,;]|\\left(?![a-z])|\\right(?![a-z])", " ", gold.rstrip("."))
    try:
        text = _Writer(text, power).whole()
    except _Untold:
        return None
    return text if text.replace(" ", "") != gold.replace(" ", "") else None


class _Writer:
    """Walks the LaTeX once; every factor it returns can stand beside a `*` or a `/`."""

    def __init__(self, text: str, power: str) -> None:
        self._tokens = _tokens(text)
        self._place = 0
        self._power = power

    def whole(self) -> str:
        text = self._listed()
        if self._place < len(self._tokens):
            raise _Untold
        return text

    def _peek(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def _next(self) -> str:
        self._place += 1
        return self._tokens[self._place - 1] if self._place <= len(self._tokens) else ""

    def _listed(self) -> str:
        items = [self._sum()]
        while self._peek() == ",":
            self._next()
            items.append(self._sum())
        return ", ".join(items)

    def _sum(self) -> str:
        text = ""
        while True:
            sign = self._next() if self._peek() in ("+", "-") else ""
            if text and not sign:
                return text
            text += sign + self._product()

    def _product(self) -> str:
        text = self._factor()
        while True:
            token = self._peek()
            if token in ("\\cdot", "\\times", "*", "/"):
                self._next()
                text += ("/" if token == "/" else "*") + self._factor()
            elif token and token not in ("+", "-", ",", ")", "]", "}"):
                text += "*" + self._factor()
            else:
                return text

    def _factor(self) -> str:
        base = self._atom()
        if self._peek() != "^":
            return base
        self._next()
        if any(char in base for char in "*/") and base[0] != "(":
            base = f"({base})"
        return f"{base}{self._power}{_grouped(self._argument())}"

    def _argument(self) -> str:
        if self._peek() != "{":
            token = self._next()
            if len(token) > 1 and token.isdigit():
                # TeX raises one digit only.
                self._place -= 1
                self._tokens[self._place] = token[1:]
                return token[0]
            if not token.isalnum():
                raise _Untold
            return token
        self._next()
        text = self._sum()
        self._expect("}")
        return text

    def _atom(self) -> str:
        token = self._next()
        if token in ("(", "[", "{"):
            text = self._listed()
            closing = self._next()
            if token == "{" and closing == "}":
                return f"({text})"
            if closing not in (")", "]") or "{" in (token, closing):
                raise _Untold
            return f"{token}{text}{closing}"
        if token in ("\\frac", "\\dfrac", "\\tfrac"):
            top, below = self._argument(), self._argument()
            return f"{_grouped(top, keep='*')}/{_grouped(below)}"
        if token == "\\sqrt":
            return self._root()
        return _named(token, self._peek())

    def _root(self) -> str:
        if self._peek() != "[":
            return f"sqrt({self._argument()})"
        self._next()
        degree = self._next()
        self._expect("]")
        if not degree.isdigit():
            raise _Untold
        return f"({self._argument()}){self._power}(1/{degree})"

    def _expect(self, token: str) -> None:
        if self._next() != token:
            raise _Untold


def _tokens(text: str) -> list[str]:
    tokens, place = [], 0
    text = text.strip()
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise _Untold
        tokens.append(found[1])
        place = found.end()
    return tokens


def _named(token: str, following: str) -> str:
    if token in _NAMES:
        return _NAMES[token]
    if not token or not token.isascii() or not token.replace(".", "").isalnum():
        raise _Untold
    if token in _FUNCTIONS and following == "(":
        raise _Untold
    return token


def _grouped(text: str, *, keep: str = "") -> str:
    """In parentheses unless it is one name or number, or made with an operator to keep."""
    is_plain = all(char.isalnum() or char in keep + "." for char in text)
    is_call = re.fullmatch(r"sqrt\([^()]*\)", text)
    return text if is_plain or is_call else f"({text})"
