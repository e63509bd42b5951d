"""Answers stated by marks around them: boxes, answer tags, box tokens."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from graders.extract.phrases import MAX_MENTIONS, Mention, answer_lines, answer_phrases

__all__ = ["Mentions", "answer_tags", "boxes", "is_placeholder"]

_BOX_OPEN: Final = re.compile(
    r"\\(?:boxed|fbox|framebox(?:\[[^\]\n]{0,20}\]){0,2})\s{0,4}(?:\{|([-\u2212]?[0-9](?:[0-9.,/]{0,60}[0-9])?))"
)
_BRACES: Final = re.compile(r"\\.|\{+|\}+", re.DOTALL)
_GLM_OPEN: Final = "<|begin_of_box|>"
_GLM_CLOSE: Final = "<|end_of_box|>"
_TAG_OPEN: Final = "<answer>"
_TAG_CLOSE: Final = "</answer>"
_MAX_NESTING: Final = 4
_MAX_BOX_CHARS: Final = 200_000
_MAX_PLACEHOLDER_CHARS: Final = 80
_EMPTY_INSIDE: Final = re.compile(
    r"\\(?:[hv]?phantom|hspace\*?|text|underline)\s?\{[\s\d.a-z?_]*\}"
)
_PLACEHOLDERS: Final = frozenset((
    "", ".", "..",
    "...", "?", "??", "???", "\\ ", "\\,", "\\Box", "\\_", "\\cdots", "\\dots", "\\ldots",
    "\\qquad", "\\quad", "\\square", "_", "__", "___", "____", "answer", "answerhere",
    "finalanswer", "insertanswer", "theanswer", "thefinalanswer", "youranswer", "youranswerhere",
    "yourfinalanswer", "yourfinalanswerhere", "…",
))  # fmt: skip


class Mentions(NamedTuple):
    """What a scan found, and what spoiled it."""

    found: list[Mention]
    unfinished: bool = False
    several: bool = False
    """One beside another within a third, or more of them than any answer has."""


def boxes(part: str) -> Mentions:
    found: list[Mention] = []
    position = 0
    while opened := _BOX_OPEN.search(part, position):
        if len(found) == MAX_MENTIONS:
            return Mentions(found, several=True)
        if opened[1]:
            # `\boxed 7` is TeX too.
            position = opened.end()
            found.append(Mention(opened[1], opened.start(), position))
            continue
        end = _closing_brace(part, opened.end())
        if end < 0:
            return Mentions(found, unfinished=True)
        position = end + 1
        inner = _unwrapped(part[opened.end() : end])
        if inner is None:
            return Mentions(found, several=True)
        found.append(Mention(inner, opened.start(), position))
    if _GLM_OPEN not in part:
        return Mentions(found)
    tokens = _between(part, _GLM_OPEN, _GLM_CLOSE)
    if tokens.unfinished or tokens.several:
        return tokens
    for token in tokens.found:
        boxed = boxes(token.text)
        if boxed.found or boxed.several or boxed.unfinished:
            return Mentions(boxed.found, unfinished=boxed.unfinished, several=boxed.several)
    return Mentions(sorted(found + tokens.found, key=lambda mention: mention.start))


def _closing_brace(part: str, position: int) -> int:
    """The place of the brace that closes the one opened before `position`, -1 without one near."""
    # Most boxes hold no brace and no sign that could take a brace's meaning away.
    first = part.find("}", position, position + _MAX_BOX_CHARS)
    if first < 0 or not (_holds(part, "{", position, first) or _holds(part, "\\", position, first)):
        return first
    depth = 1
    for token in _BRACES.finditer(part, position, position + _MAX_BOX_CHARS):
        width = token.end() - token.start()
        sign = part[token.start()]
        if sign == "{":
            depth += width
        elif sign == "}":
            if width >= depth:
                return token.start() + depth - 1
            depth -= width
    return -1


def _holds(part: str, sign: str, start: int, end: int) -> bool:
    return part.find(sign, start, end) >= 0


def _unwrapped(inner: str) -> str | None:
    """The content of a box that holds nothing but a box; None when there is a box beside it."""
    for _ in range(_MAX_NESTING):
        inner = inner.strip()
        opened = _BOX_OPEN.search(inner) if "box" in inner else None
        if opened is None:
            return inner
        if opened.start() or opened[1] or _closing_brace(inner, opened.end()) != len(inner) - 1:
            return None
        inner = inner[opened.end() : -1]
    return None


def _between(part: str, opening: str, closing: str) -> Mentions:
    found: list[Mention] = []
    start = part.find(opening)
    while start >= 0:
        if len(found) == MAX_MENTIONS:
            return Mentions(found, several=True)
        end = part.find(closing, start)
        if end < 0:
            return Mentions(found, unfinished=True)
        text = part[start + len(opening) : end].strip()
        found.append(Mention(text, start, end + len(closing)))
        start = part.find(opening, end)
    return Mentions(found)


def answer_tags(part: str) -> Mentions:
    tags = _between(part, _TAG_OPEN, _TAG_CLOSE)
    if tags.several:
        return tags
    found: list[Mention] = []
    for tag in tags.found:
        if _TAG_OPEN in tag.text:
            return Mentions(found, several=True)
        inner = answer_phrases(tag.text) or answer_lines(tag.text)
        text = inner[-1].text if len(inner) == 1 else tag.text
        found.append(Mention(text, tag.start, tag.end))
    return Mentions(found, unfinished=tags.unfinished)


def is_placeholder(text: str) -> bool:
    if len(text) > _MAX_PLACEHOLDER_CHARS:
        return False
    if text[:1].isdigit() and "\\" not in text:
        return False
    if text.strip() in _PLACEHOLDERS:
        return True
    if "{" not in text and any(map(text.__contains__, "0123456789")):
        # Only what stands in the braces of a command counts as nothing.
        return False
    text = "".join(text.split())
    if text[:1] in "[(" and text[-1:] in "])":
        text = text[1:-1]
    text = text.replace("_", "") if text[:1].isalpha() else text
    text = text.casefold() if text.isalpha() else text
    return text in _PLACEHOLDERS or _EMPTY_INSIDE.sub(_blank, text) in _PLACEHOLDERS


def _blank(match: re.Match[str]) -> str:
    """A phantom counts as nothing; a text counts as what it holds."""
    inside = match[0].partition("{")[2][:-1]
    return inside if match[0].startswith(("\\text", "\\underline")) else ""
