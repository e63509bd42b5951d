"""How an answer is put together at its top level: lists, brackets, what leads up to a value."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["is_bare_list", "is_bracketed", "plain"]

_STEP: Final = re.compile(r"\\[{}]|\\approx|\\[a-zA-Z]+|[(){}\[\]=,;]| and | or |and | or| and")
_OPENING: Final = frozenset(("(", "[", "{", "\\{"))
_CLOSING: Final = frozenset((")", "]", "}", "\\}"))
_ABOUT: Final = re.compile(
    r"\( ?(?:or )?(?:about|approximately|approx\.?|roughly|\\approx) ?([0-9.,]*[0-9])[^()]{0,40}\)$"
)
_LEAD: Final = re.compile(
    r"(?:=|\\(?:Rightarrow|implies|therefore)(?![a-zA-Z])|\([A-J]\)(?= ?[-+\\$0-9.])"
    r"|(?:[A-Za-z]{2,20} ){0,6}[A-Za-z]{2,20} ?"
    r"(?::|(?<= )(?:is|are|equals)) ?(?=[-+\\$0-9(\[{.]))\s?"
)
_DENIAL: Final = re.compile(r"(?i)\b(?:not|no|never|than|least|most|wrong|almost|un\w+|in\w+ct)\b")
_LIST: Final = frozenset((",", ";", "and", "or"))
_COMMA: Final = frozenset((",", ";"))
_BRACKETS: Final = {"(": (")", "]"), "[": (")", "]"), "\\{": ("\\}",)}


def plain(normal: str) -> str:
    r"""A normal form without what leads up to its value: `Area: 5`, `(D) 42`, `\Rightarrow 4`.

    An approximation in brackets is written with its sign, `7/2 (about 3.5)` as `7/2\approx3.5`.
    """
    lead = _LEAD.match(normal)
    if lead and _DENIAL.search(lead[0]) is None:
        normal = normal[lead.end() :]
    return _ABOUT.sub(r"\\approx\1", normal) if "(" in normal else normal


def is_bare_list(normal: str) -> bool:
    """Whether several items stand side by side outside of brackets."""
    return len([item for item in _split_top(normal, _LIST) if item]) > 1


def is_bracketed(normal: str) -> bool:
    """Whether the whole is a set, or a tuple or interval of several items."""
    for opening, closings in _BRACKETS.items():
        if normal.startswith(opening) and normal.endswith(closings) and _is_closed_at_end(normal):
            inner = normal[len(opening) : -1]
            return opening == "\\{" or len(_split_top(inner, _COMMA)) > 1
    return False


def _split_top(text: str, separators: frozenset[str]) -> tuple[str, ...]:
    """Cut a normal form at separators that stand in no bracket."""
    parts: list[str] = []
    depth = start = 0
    for step in _STEP.finditer(text):
        token = step[0]
        if token in _OPENING:
            depth += 1
        elif token in _CLOSING:
            depth -= 1
        elif depth == 0 and token.strip() in separators:
            parts.append(text[start : step.start()])
            start = step.end()
    parts.append(text[start:])
    return tuple(part.strip() for part in parts)


def _is_closed_at_end(normal: str) -> bool:
    """Whether the first bracket is closed by the last one."""
    depth = 0
    for step in _STEP.finditer(normal):
        if step[0] in _OPENING:
            depth += 1
        elif step[0] in _CLOSING:
            depth -= 1
            if depth == 0:
                return step.end() == len(normal)
    return False
