"""A final part that is nothing but its answer: one value, or one sentence that ends in it."""

from __future__ import annotations

import re
from typing import Final

from graders.extract.wordings import COPULA_VALUE, DOUBT, SENTENCE_END

__all__ = ["bare_answer"]

_MAX_CHARS: Final = 200
_MAX_WORDS: Final = 25
_COMMAND: Final = re.compile(
    r"\\(?:begin|end)\s?\{[a-zA-Z*]+\}|\\(?:text|mathrm|textbf|mathbf|mbox)\s?\{[^{}]*\}"
    r"|\\[a-zA-Z]+"
)
_IGNORED: Final = re.compile(
    r"(?<![a-zA-Z])(?:a(?:rc)?)?(?:sqrt|cbrt|sin|cos|tan|cot|sec|csc|sinh|cosh|tanh|log|ln|exp"
    r"|abs|pi|oo|inf|infinity|mod|frac|binom)(?![a-z])"
    r"|(?<=[0-9,)$]) and "
)
"""Words of formulas, and the one that ends a list."""
_ROW: Final = re.compile(r"[0-9]\s+[0-9]{1,2}\s+[0-9]")
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_UNIT: Final = re.compile(r".*[0-9)}\]$%][\s*]?[^\W\d_]{1,15}(?:\^[0-9]|[²³])?", re.DOTALL)
_NOTHING: Final = frozenset(
    ("answer", "solution", "result", "none", "unknown", "antwort", "réponse", "respuesta", "答案")
)
_UNSAID: Final = re.compile(
    r"\b(?:answer|not|no|never|cannot|if|unless|suppose|let|assume|assuming|either|or|say|think"
    r"|believe|sure|unclear|what|whether|error|exit|line|exception|code|warning|step|case|first"
    r"|second|one|some|doubt\w*|nobody|wonder\w*|den(?:y|ies)|unlikely|wrong|incorrect|false"
    r"|wrongly|(?:than|minus|plus|times|twice|thrice|half|double|triple|of)"
    r"\s(?:it|that|this|the\s(?:final\s)?(?:result|solution|outcome))"
    r"|(?:problem|question|exercise|page|task|item|chapter|section|option)(?:'s)?\s(?:number|id|no)"
    r"|number\sof\s(?:the|this)\s(?:problem|question|exercise|page|task)"
    r"|nicht|kein\w*|pas|oder|ou|si|wenn)\b|n't|错误|不",
    re.IGNORECASE,
)
_DISPLAYS: Final = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$"))
_DECORATION: Final = " \t\r\n*_`"


def bare_answer(part: str) -> str:
    """The value a short final part consists of, or its one sentence ends in; else empty."""
    text = part.strip()
    if not text or len(text) > _MAX_CHARS or "?" in text:
        return ""
    text = text.strip(_DECORATION)
    if not any(map(str.isalnum, text)) or DOUBT.search(text):
        return ""
    if _is_value(text):
        return _unwrapped(_without_full_stop(text))
    return _last_of_a_sentence(text)


def _is_value(text: str) -> bool:
    inner = _unwrapped(_without_full_stop(text))
    if _ROW.search(inner) or ("\n" in inner and inner == text):
        return False
    if "\\boxed" in inner or ": " in inner or inner.startswith(("#", "<", "[Y")):
        return False
    words = _WORD.findall(_IGNORED.sub(" ", _COMMAND.sub(" ", inner)))
    if not words:
        return True
    if len(words) > 1 or inner.lower() in _NOTHING:
        return False
    return inner == words[0] or _UNIT.fullmatch(inner) is not None


def _last_of_a_sentence(text: str) -> str:
    stated = COPULA_VALUE.fullmatch(text)
    if stated is None or _UNSAID.search(text) or len(text.split()) > _MAX_WORDS:
        return ""
    if SENTENCE_END.search(text, 0, stated.start(1)):
        return ""
    return text[stated.start(1) :].rstrip(".。")


def _unwrapped(text: str) -> str:
    for opening, closing in _DISPLAYS:
        inner = text[len(opening) : -len(closing)]
        wrapped = text.startswith(opening) and text.endswith(closing)
        if wrapped and inner.strip() and opening not in inner:
            return _without_full_stop(inner.strip())
    return text


def _without_full_stop(text: str) -> str:
    return text[:-1].rstrip(_DECORATION) if text.endswith((".", "。")) else text
