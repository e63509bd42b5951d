"""How an answer is put together at its top level: chains, lists, brackets, labels."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["Chain", "Container", "chain_of", "container_of", "expanded", "interval_of", "split_top"]

_STEP: Final = re.compile(r"\\[{}]|\\approx|\\[a-zA-Z]+|[(){}\[\]=,;]| and | or |and | or| and")
_OPENING: Final = frozenset(("(", "[", "{", "\\{"))
_CLOSING: Final = frozenset((")", "]", "}", "\\}"))
_LABEL: Final = re.compile(
    r"(?:[A-Za-z]|\\(?:alpha|beta|gamma|theta|lambda|mu|sigma|phi|omega|ell|angle|triangle|overline"
    r"|Delta|mid)|_\{?[A-Za-z0-9]{1,8}\}?|'|[A-Za-z]\([^()=]{0,20}\)|[ ,{}|()+*-])+"
)
_SIMPLE_LABEL: Final = re.compile(r"([A-Za-z](?:_\{?[A-Za-z0-9]\}?)?)(?:=|\\in)(?!=)")
_ABOUT: Final = re.compile(
    r"\( ?(?:or )?(?:about|approximately|approx\.?|roughly|\\approx) ?([0-9.,]*[0-9])[^()]{0,40}\)$"
)
_MEMBER: Final = re.compile(r"[A-Za-z]\\in(?=[ (\[\\])")
_BETWEEN: Final = re.compile(
    r"([^<>=\\]*(?:\\(?!leq)[^<>=\\]*)*)(<|\\leq) ?[A-Za-z](<|\\leq) ?([^<>=]*)"
)
_ONE_SIDED: Final = re.compile(r"[A-Za-z](<|>|\\leq|\\geq) ?([^<>=A-Za-z\\]*(?:\\(?!leq|geq).*)?)")
_BRACKETS: Final = {"(": (")", "]"), "[": (")", "]"), "\\{": ("\\}",)}


class Chain(NamedTuple):
    """`label = a = b \\approx c`: the equal parts, and the decimals said to be near them."""

    parts: tuple[str, ...]
    near: tuple[str, ...]
    label: str = ""
    is_restated: bool = False
    """Whether a side with unknowns and numbers is equated: an equation, not a value."""


class Container(NamedTuple):
    """The items between two brackets; no brackets for a bare list."""

    opening: str
    closing: str
    items: tuple[str, ...]


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
_OR: Final = frozenset(("or",))
_COMMA: Final = frozenset((",", ";"))


def chain_of(normal: str) -> Chain:
    """Read equalities and approximations; the whole is one part where there are none."""
    if "(" in normal:
        normal = _ABOUT.sub(r"\\approx\1", normal)
    exact, *near = split_top(normal, _NEAR)
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


def container_of(normal: str) -> Container | None:
    """Read a list, tuple, interval or set of at least one item; None for anything else."""
    for opening, closings in _BRACKETS.items():
        if normal.startswith(opening):
            for closing in closings:
                if normal.endswith(closing) and _is_closed_at_end(normal):
                    inner = normal[len(opening) : -len(closing)]
                    items = split_top(inner, _COMMA)
                    if len(items) > 1 or opening == "\\{":
                        return Container(opening, closing, _unlabelled(items))
    items = split_top(normal, _LIST)
    items = tuple(item for item in items if item)
    return Container("", "", _unlabelled(items)) if len(items) > 1 else None


def interval_of(normal: str) -> str:
    r"""Write `x \in I`, `a < x \leq b`, `x > a` and such joined by "or" as intervals."""
    if " or " not in normal:
        return _interval(normal)
    parts = split_top(normal, _OR)
    intervals = [_interval(part) for part in parts]
    is_union = all(part != interval for part, interval in zip(parts, intervals, strict=True))
    return "\\cup".join(intervals) if is_union else normal


def _interval(normal: str) -> str:
    member = _MEMBER.match(normal)
    if member:
        return normal[member.end() :].strip()
    between = _BETWEEN.fullmatch(normal)
    if between and between[1] and between[4]:
        opening = "[" if between[2] == "\\leq" else "("
        closing = "]" if between[3] == "\\leq" else ")"
        return f"{opening}{between[1].strip()},{between[4].strip()}{closing}"
    side = _ONE_SIDED.fullmatch(normal)
    if side is None or not side[2]:
        return normal
    bound, sign = side[2].strip(), side[1]
    closing, opening = ("]", "[") if sign in ("\\leq", "\\geq") else (")", "(")
    if sign in ("<", "\\leq"):
        return f"(-\\infty,{bound}{closing}"
    return f"{opening}{bound},\\infty)"


def expanded(item: str) -> tuple[str, ...]:
    r"""The two values of an item with one `\pm`."""
    before, sign, after = item.partition("\\pm")
    if not sign or "\\pm" in after or after[:1].isalpha():
        return (item,)
    after = after.strip()
    return (f"{before}+{after}" if before else after, f"{before}-{after}")


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


def _unlabelled(items: tuple[str, ...]) -> tuple[str, ...]:
    """Drop `x=` from each item where every label is the same."""
    labels = {match[1] for item in items if (match := _SIMPLE_LABEL.match(item))}
    if len(labels) != 1:
        return items
    return tuple(_SIMPLE_LABEL.sub("", item, count=1).strip() for item in items)
