"""How an answer is put together at its top level: chains, lists, brackets, labels."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["Chain", "chain_of", "is_bare_list", "is_bracketed", "split_top", "with_approximation"]

_STEP: Final = re.compile(r"\\[{}]|\\approx|\\[a-zA-Z]+|[(){}\[\]=,;]| and | or |and | or| and")
_OPENING: Final = frozenset(("(", "[", "{", "\\{"))
_CLOSING: Final = frozenset((")", "]", "}", "\\}"))
_LABEL: Final = re.compile(
    r"(?:[A-Za-z]|\\(?:alpha|beta|gamma|theta|lambda|mu|sigma|phi|omega|ell|angle|triangle|overline"
    r"|Delta|mid)|_\{?[A-Za-z0-9]{1,8}\}?|'|[A-Za-z]\([^()=]{0,20}\)|[ ,{}|()+*-])+"
)
_ABOUT: Final = re.compile(
    r"\( ?(?:or )?(?:about|approximately|approx\.?|roughly|\\approx) ?([0-9.,]*[0-9])[^()]{0,40}\)$"
)
_BRACKETS: Final = {"(": (")", "]"), "[": (")", "]"), "\\{": ("\\}",)}


class Chain(NamedTuple):
    """`label = a = b \\approx c`: the equal parts, and the decimals said to be near them."""

    parts: tuple[str, ...]
    near: tuple[str, ...]
    label: str = ""
    is_restated: bool = False
    """Whether a side with unknowns and numbers is equated: an equation, not a value."""


def split_top(text: str, separators: frozenset[str]) -> tuple[str, ...]:
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


_EQUALS: Final = frozenset(("=",))
_NEAR: Final = frozenset(("\\approx",))
_LIST: Final = frozenset((",", ";", "and", "or"))
_COMMA: Final = frozenset((",", ";"))


def chain_of(normal: str) -> Chain:
    """Read equalities and approximations; the whole is one part where there are none."""
    exact, *near = split_top(with_approximation(normal), _NEAR)
    if "=" not in exact:
        return Chain((exact,), tuple(near))
    parts = split_top(exact, _EQUALS)
    label = ""
    if len(parts) > 1 and _is_label(parts[0]):
        label, parts = parts[0], parts[1:]
    elif len(parts) == 2 and _is_label(parts[1]):
        label, parts = parts[1], parts[:1]
    is_restated = len(parts) > 1 and any(_has_unknown(part) for part in parts)
    return Chain(parts, tuple(near), label, is_restated)


def with_approximation(normal: str) -> str:
    r"""Write `7/2 (about 3.5)` as `7/2\approx3.5`."""
    return _ABOUT.sub(r"\\approx\1", normal) if "(" in normal else normal


def is_bare_list(normal: str) -> bool:
    """Whether several items stand side by side outside of brackets."""
    return len([item for item in split_top(normal, _LIST) if item]) > 1


def is_bracketed(normal: str) -> bool:
    """Whether the whole is a set, or a tuple or interval of several items."""
    for opening, closings in _BRACKETS.items():
        if normal.startswith(opening) and normal.endswith(closings) and _is_closed_at_end(normal):
            inner = normal[len(opening) : -1]
            return opening == "\\{" or len(split_top(inner, _COMMA)) > 1
    return False


def _is_label(part: str) -> bool:
    return bool(part) and _LABEL.fullmatch(part[:200]) is not None and len(part) <= 200


def _has_unknown(part: str) -> bool:
    letters = re.sub(r"\\[a-zA-Z]+|[a-zA-Z]{2,}", "", part)
    return any(char.isalpha() and char not in "ei" for char in letters)


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
