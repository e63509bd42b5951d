"""What a prompt's completions say together: pass@k without bias, and the majority's answer."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from fractions import Fraction
from typing import Final, NamedTuple

__all__ = ["Vote", "ballot", "majority", "pass_at_k"]

_DIGITS: Final = 100  # longer ones are compared as text
_NUMBER: Final = re.compile(r"([+-]?)(\d{1,3}(?:,\d{3})+|\d*)(?:\.(\d*))?(?:/0*([1-9]\d*))?")
_LATEX_FRACTION: Final = re.compile(r"([+-]?)\\[dt]?frac\{(\d+)\}\{(\d+)\}")
_SPACE: Final = re.compile(r"(?:\s|(?<!\\)(?:\\[,;:! ]|\$|\\(?:left|right)(?![a-zA-Z])))+")
_BESIDE_A_SIGN: Final = re.compile(r"(?<![^\W_]) | (?![^\W_])")


class Vote(NamedTuple):
    """The answer that most completions give; `first` is the place of the first that gives it."""

    answer: str
    votes: int
    first: int


def pass_at_k(count: int, right: int, k: int) -> float | None:
    """The chance that k of the completions hold a right one, 1 - C(n-c, k) / C(n, k).

    None where there are fewer than k completions: the estimate would be a guess.
    """
    if not 0 <= right <= count or k < 1:
        raise ValueError(f"count={count}, right={right}, k={k}: give 0 <= right <= count, k >= 1")
    if k > count:
        return None
    if count - right < k:
        return 1.0
    # The quotient as a product: the binomials themselves are beyond a double's range.
    return 1.0 - math.prod(1.0 - k / n for n in range(count - right + 1, count + 1))


def majority(answers: Sequence[str | None]) -> Vote | None:
    """The vote over answers; None abstains, and of a tie the answer that came first wins.

    Answers vote together if they are the same number (0.5, 1/2, 1,000) or the same text but for
    a last full stop, and but for white space, dollar signs and the spacing commands of LaTeX
    anywhere save between two letters or digits: 3 4 is not 34.
    """
    votes: dict[str, int] = {}
    first: dict[str, int] = {}
    for place, answer in enumerate(answers):
        if answer is not None:
            name = ballot(answer)
            votes[name] = votes.get(name, 0) + 1
            first.setdefault(name, place)
    if not votes:
        return None
    name = max(votes, key=lambda one: votes[one])  # of equals, the first that was put in
    return Vote(answers[first[name]] or "", votes[name], first[name])


def ballot(answer: str) -> str:
    """What an answer votes for; nothing is changed that could change its meaning."""
    spaced = _SPACE.sub(" ", unicodedata.normalize("NFC", answer))
    text = _BESIDE_A_SIGN.sub("", spaced).removesuffix(".")
    fraction = _LATEX_FRACTION.fullmatch(text)
    plain = fraction.expand(r"\1\2/\3") if fraction else text
    found = _NUMBER.fullmatch(plain) if len(plain) <= _DIGITS else None
    if found is None:
        return text
    sign, whole, decimals, below = found.groups()
    digits = whole.replace(",", "") + (decimals or "")
    if not digits or (decimals is not None and below):
        return text
    value = Fraction(int(digits), 10 ** len(decimals or "") * int(below or 1))
    return str(-value if sign == "-" else value)
