"""What in a block counts as something said."""

from __future__ import annotations

import itertools
import re
from typing import Final

from graders.extract.boxes import is_placeholder
from graders.visible import BLANK_LETTERS, is_blank, is_seen

__all__ = ["is_no_answer", "says_at_least"]

_PLACEHOLDER_MARKS: Final = frozenset(".\u2026?_\u3002\uff1f")
_MOST_CHARS_OF_A_PLACEHOLDER: Final = 80
# Signs of a formula, of code, of bold print or of a box around what is said.
_WRAPPED: Final = re.compile(
    r"(`{3,}|~{3,})[^\n]*\n(.*)\1|(\$\$?|\*\*|``?)(.*)\3"
    r"|\\[(\[](.*)\\[)\]]|\\(?:boxed|fbox)\s?\{(.*)\}",
    re.DOTALL,
)
# One match for a letter however often it comes in a row, with white space between, marks, what is
# invisible, or nothing.
_WORD_RUN: Final = re.compile(rf"(?![{BLANK_LETTERS}])([^\W_])(?:[^\w!-~]*+\1)*+", re.IGNORECASE)
_SIGN_RUN: Final = re.compile(r"([^\w\s]|_)(?:\s*\1)*")


def is_no_answer(text: str) -> bool:
    """Whether an answer is blank, or a placeholder such as `...`, `?` or `\\boxed{}`."""
    text = text.strip()
    while len(text) <= _MOST_CHARS_OF_A_PLACEHOLDER and (wrapped := _WRAPPED.fullmatch(text)):
        text = wrapped[wrapped.lastindex or 0].strip()
    return is_blank(text, besides=_PLACEHOLDER_MARKS) or is_placeholder(text)


def says_at_least(text: str, chars: int) -> bool:
    """Whether so many characters are said: letters and digits, and up to as many signs.

    A character that repeats the one before it says nothing more.
    """
    words = sum(1 for _ in itertools.islice(_WORD_RUN.finditer(text), chars))
    wanted = chars - words
    if wanted > words:
        return False
    signs = itertools.islice(filter(_is_sign, _SIGN_RUN.finditer(text)), wanted)
    return sum(1 for _ in signs) == wanted


def _is_sign(match: re.Match[str]) -> bool:
    return is_seen(match[1])
