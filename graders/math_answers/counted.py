"""Which words behind a number name things that were counted, and which say something else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

__all__ = ["is_counted", "is_denied", "is_qualifier"]

_DENIED: Final = frozenset((
    # signs and functions in words
    "and", "at", "between", "cos", "cubed", "equals", "exp", "factorial", "least", "less", "ln",
    "log", "minus", "mod", "most", "negative", "over", "pi", "plus", "positive", "sin", "sqrt",
    "tan", "than", "times", "to", "above", "below", "under", "beyond", "mille", "basis",
    # numbers in words
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    "hundred", "thousand", "lakh", "crore", "dozen", "half", "halve", "third", "quarter", "fourth",
    # doubt, denial and second answers
    "alternative", "although", "always", "anyway", "as", "because", "but", "cannot", "could",
    "doesn't", "don't", "does", "either", "else", "except", "fail", "fails", "false", "guess",
    "has", "hence", "if", "incorrect", "instead", "invalid", "is", "isn't", "are", "aren't", "was",
    "were", "may", "maybe", "might", "never", "no", "none", "nor", "not", "nope", "or", "otherwise",
    "perhaps", "rather", "seems", "since", "sometimes", "this", "thus", "true", "unless",
    "unlike", "untrue", "versus", "vs", "wait", "when", "where", "whereas", "wrong", "yes", "also",
    "unknown", "undefined", "appears", "gives", "means", "becomes", "works", "contradicts",
    "hopefully", "lie", "joke", "nonsense", "think", "suppose", "likely", "unlikely", "sure",
    "unsure", "mistaken",
))  # fmt: skip
_NUMERAL: Final = re.compile(
    r"(?:fif|six|seven|eigh|nin|ten|eleven|twelf|[a-z]+teen|[a-z]+tie|hundred"
    r"|thousand|[a-z]*illion)ths?|[a-z]+teens?|[a-z]*illions?"
)
_ADVERBS: Final = frozenset((
    "assembly", "belly", "butterfly", "daily", "early", "elderly", "family", "fly", "friendly",
    "jelly", "monthly", "weekly", "yearly", "hourly", "exactly", "only",
))  # fmt: skip
"""Words in -ly that leave no doubt about a number."""

_PLURALS: Final = frozenset((
    "aircraft", "bacteria", "cacti", "candy", "cattle", "children", "cod", "criteria", "data",
    "deer", "dice", "fish", "foci", "fruit", "geese", "gentlemen", "grandchildren", "homework",
    "loci", "men", "mice", "money", "oxen", "offspring", "people", "polyhedra", "radii", "salmon",
    "sheep", "shrimp", "teeth", "tetrahedra", "trout", "women",
))  # fmt: skip
_NO_PLURALS: Final = re.compile(r".*(?:ss|us|is)$|..s?$")
_QUALIFIERS: Final = frozenset((
    "total", "altogether", "each", "left", "remaining", "overall", "apiece", "in", "all", "old",
))  # fmt: skip
_PARTS: Final = frozenset(("the", "a", "an", "all", "them"))


def is_denied(word: str) -> bool:
    """Whether a word turns the number into another one or the statement round."""
    lower = word.lower().replace("\u2019", "'")
    for part in lower.split("-"):
        singular = part.removesuffix("s")
        if part in _DENIED or singular in _DENIED or _NUMERAL.fullmatch(part):
            return True
        if part.endswith("ly") and part not in _ADVERBS:
            return True
    return lower.endswith("n't")


def is_qualifier(words: Sequence[str]) -> bool:
    """Whether the words only say of what the number is the sum: `in total`, `of the cake`."""
    if words[0] == "of":
        return len(words) > 2 and words[1] in _PARTS
    return _QUALIFIERS.issuperset(words) and words != ["in"]


def is_counted(words: Sequence[str], *, single: bool) -> bool:
    """Whether the words, none of them denied, name things: with a plural but for a single one."""
    if not all(word.replace("'", "").replace("-", "").isalpha() for word in words):
        return False
    if words[0] in ("per", "of", "in", "a", "the"):
        return False
    is_noun = single and len(words[0]) > 2 and len(words) < 4
    return is_noun or any(_is_plural(word) for word in words)


def _is_plural(word: str) -> bool:
    return word in _PLURALS or (word.endswith("s") and _NO_PLURALS.match(word) is None)
