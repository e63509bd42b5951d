"""What a reference may give as its answer, how it is read as text, and how texts are normalised."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Final, Literal, TypeAlias

__all__ = [
    "MAX_NORMALISED",
    "One",
    "TokenUnit",
    "alternatives",
    "squad_text",
    "squad_tokens",
    "warm_up_squad",
]

MAX_NORMALISED: Final = 200_000
"""A longer text of a model is no answer: a reference has at most half as many characters."""

One: TypeAlias = str | int | float
TokenUnit: TypeAlias = Literal["auto", "word", "character"]

_ARTICLE: Final = re.compile(r"\b(?:a|an|the)\b")
# Scripts that put no spaces between words: Thai, Lao, Burmese, Khmer, kana, Han.
_UNSPACED: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U000323af"
)
_TOKEN: Final = re.compile(f"[{_UNSPACED}]|[^ {_UNSPACED}]+")
_UNWANTED: Final = ("Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Cf")
# Elsewhere in Unicode are ideographs and private characters, and nothing else that has a name.
_PLACES: Final = (range(128, 0x20000), range(0xE0000, 0xE0200))


def alternatives(answer: One | Sequence[One]) -> list[str]:
    """The texts of which any will do; an empty one cannot be compared with."""
    listed = [answer] if isinstance(answer, str | int | float) else answer
    return [_written(one) for one in listed]


def squad_text(text: str) -> str:
    """SQuAD's normal form: no capitals, punctuation or articles, single spaces.

    A text of nothing else, such as the answer "A" or "+", keeps what it has.
    """
    bare = _without_punctuation(text.lower())
    return _spaced(_ARTICLE.sub(" ", bare)) or _spaced(bare) or _spaced(text.lower())


def squad_tokens(text: str, unit: TokenUnit = "auto") -> list[str]:
    """The words of the normal form; `auto` splits scripts that are written without spaces."""
    normal = squad_text(text)
    if unit == "character":
        return list(normal.replace(" ", ""))
    if unit == "auto" and not normal.isascii():
        return _TOKEN.findall(normal)
    return normal.split()


def warm_up_squad() -> None:
    """Build the table of punctuation."""
    _unwanted()


def _written(one: One) -> str:
    try:
        return str(one)
    except ValueError:
        # More digits than Python writes.
        return ""


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _without_punctuation(text: str) -> str:
    return text.translate(_ascii_unwanted() if text.isascii() else _unwanted())


@cache
def _ascii_unwanted() -> dict[int, None]:
    return dict.fromkeys(map(ord, string.punctuation))


@cache
def _unwanted() -> dict[int, None]:
    """ASCII punctuation as in SQuAD, any other punctuation, and what is not seen at all."""
    others = (point for point in chain(*_PLACES) if unicodedata.category(chr(point)) in _UNWANTED)
    return _ascii_unwanted() | dict.fromkeys(others)
