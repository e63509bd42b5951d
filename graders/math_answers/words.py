"""Answers that are no formulas: choices, plain words, clock times."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["choice_of", "clock_of", "is_wordy", "reads_as_text", "same_words"]

_NAMED_CHOICE: Final = re.compile(r"(?:[Oo]ption|[Cc]hoice)s?:? (?=\(?[A-J]\b)")
_CHOICE: Final = re.compile(
    r"\(?([A-J])(?:\)[.:]?|[.:]?$|[.:](?= ?\S)|(?=: ))(.*)",
    re.DOTALL,
)
_PARENTHESISED: Final = re.compile(r"\(([A-Z])\)")
_OTHER_CHOICE: Final = re.compile(r"(?<![A-Za-z])[A-J](?![A-Za-z'])|\([a-j]\)")
_NO_TEXT: Final = re.compile(
    r"[-+*/^=<>,;!|&]|\\(?:ne|leq|geq|cdot|pm|mp|approx|equiv|to|in|lnot|neg|cup|cap)(?![a-z])"
    r"|(?i:(?:or|and|is|isn't|isnt|was|wasn't|not|but|nor|may|might|could|cannot|can't|plus|minus"
    r"|times|if|maybe|perhaps|probably)(?![a-z]))"
)
_DENIAL: Final = re.compile(r"(?i:(?<![a-z])(?:is|are|was) (?:not|wrong|incorrect|false)(?![a-z]))")
_CHOICE_TEXT: Final = re.compile(r"-[$0-9.\\]")
_CLOCK: Final = re.compile(
    r"([0-9]{1,2})(?::([0-5][0-9])(?::([0-5][0-9]))?|(?= ?[ap]\.? ?m\b)) ?(?:([ap])\.? ?m\.?)?",
    re.IGNORECASE,
)
_WORDS: Final = re.compile(r"[A-Za-z][A-Za-z'\u2019-]*(?:[ ,./;-]+[A-Za-z][A-Za-z'\u2019-]*)*")
_WORD: Final = re.compile(r"[^\W\d_](?:[^\W\d_]|['\u2019])*")
_NO_PUNCTUATION: Final = re.compile(r"[^\w\s'\u2019,.;:!\"()/-]")
_TURNING: Final = re.compile(r"^[-!]")
_MAX_NAME: Final = 3
_DIGITS: Final = re.compile(r"\d+")
_VOWELS: Final = frozenset("aeiouyAEIOUY")
_SHORT_WORDS: Final = frozenset(("no", "yes", "odd", "even", "true", "false", "none", "up", "down"))
_MATH_WORDS: Final = frozenset((
    "abs", "alpha", "arccos", "arcsin", "arctan", "beta", "cos", "cosh", "cot", "csc", "exp",
    "gamma", "gcd", "inf", "infinity", "infty", "lambda", "lcm", "ln", "log", "max", "min", "mod",
    "nan", "oo", "pi", "sec", "sin", "sinh", "sqrt", "tan", "tanh", "theta",
))  # fmt: skip
_ARTICLES: Final = frozenset(("a", "an", "the"))
_WRAPPED: Final = re.compile(r"\s*\\(?:text|mbox|textrm|textbf|mathrm|mathbf)[a-z]*\s?\{")


def choice_of(normal: str) -> str | None:
    """The letter of a multiple-choice answer such as `(C)`, `C. 12`; None for several letters."""
    normal = _NAMED_CHOICE.sub("", normal)
    match = _CHOICE.fullmatch(normal)
    if match is None:
        other = _PARENTHESISED.fullmatch(normal)
        return other[1] if other else None
    rest = match[2].lstrip(" .:)")
    if (_NO_TEXT.match(rest) and not _CHOICE_TEXT.match(rest)) or _DENIAL.search(rest):
        return None
    return None if _OTHER_CHOICE.search(rest.removeprefix("A ")) else match[1]


def clock_of(normal: str) -> str | None:
    """A clock time as `h:mm:ss`, with the half of the day where it is written."""
    match = _CLOCK.fullmatch(normal)
    if match is None:
        return None
    half = (match[4] or "").lower()
    return f"{int(match[1])}:{match[2] or '00'}:{match[3] or '00'}{half}"


def is_wordy(normal: str) -> bool:
    """Whether a normal form is made of words only, none of them a name of mathematics."""
    if not normal[:1].isalpha() or _WORDS.fullmatch(normal) is None:
        return False
    words = _WORD.findall(normal.lower())
    return max(map(len, words), default=0) > 1 and _MATH_WORDS.isdisjoint(words)


def reads_as_text(raw: str, normal: str) -> bool:
    """Whether a gold is words to be compared as words."""
    if not is_wordy(normal):
        return False
    if _WRAPPED.match(raw):
        return True
    words = normal.split()
    longest = max(words, key=len)
    if len(words) == 1 and len(longest) < 4:
        return longest.lower() in _SHORT_WORDS or (longest[0].isupper() and longest[1:].islower())
    return len(longest) > 3 and not _VOWELS.isdisjoint(longest)


def same_words(gold: str, answer: str) -> bool:
    """Whether two texts say the same, case, articles, punctuation and plural endings aside.

    A sign that is no punctuation may turn the meaning round, so it has to stand in both.
    """
    signs = [
        _TURNING.findall(text) + _NO_PUNCTUATION.findall(text) + _DIGITS.findall(text)
        for text in (gold, answer)
    ]
    return signs[0] == signs[1] and _stems(gold) == _stems(answer) and _same_case(gold, answer)


def _same_case(gold: str, answer: str) -> bool:
    """Whether short names in capitals agree in case: Co is no CO."""
    if gold == answer or answer.islower():
        return True
    pairs = zip(_WORD.findall(gold), _WORD.findall(answer), strict=False)
    return not any(
        ours != theirs and ours.lower() == theirs.lower() and _is_name(ours, theirs)
        for ours, theirs in pairs
    )


def _is_name(ours: str, theirs: str) -> bool:
    if len(ours) > _MAX_NAME or theirs.islower() or ours.islower():
        return False
    if ours.lower() in _SHORT_WORDS:
        return ours == "NO"
    return not (ours[1:].islower() and theirs[1:].islower())


def _stems(text: str) -> list[str]:
    words = _WORD.findall(text.lower())
    # The last word is a name: vitamin A.
    return [
        word[:-1] if len(word) > 3 and word.endswith("s") else word
        for at, word in enumerate(words)
        if word not in _ARTICLES or (at and at == len(words) - 1)
    ]
