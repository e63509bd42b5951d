"""What a reader of the rendered text does not read: struck out passages, and comments."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["visible"]

_STRIKE: Final = re.compile(r"<(/?)(?:s|del|strike)>", re.IGNORECASE)
# Two tildes are spaces in TeX: those that strike out cling to what stands between them.
_TILDES: Final = re.compile(
    r"(?<![^\s(*_\"'])(?P<opens>~~)(?=[^\s~])|(?<=[^\s~])(?P<closes>~~)(?![\w~\\$])"
)
# A percent sign behind a number is a percentage.
_TEX_COMMENT: Final = re.compile(r"(?:^|(?<=[^\d\s\\)}$])[ \t]{1,4})%[^\n]*", re.MULTILINE)
_COMMENT_OPEN: Final = "<!--"
_COMMENT_CLOSE: Final = "-->"


def visible(part: str) -> str:
    """The text without its struck out passages and its comments."""
    if _COMMENT_OPEN in part:
        part = _without_comments(part)
    if "~~" in part:
        part = _without_struck(part, _TILDES)
    if "</" in part:
        part = _without_struck(part, _STRIKE)
    if "%" in part and "\\boxed" in part:
        part = _TEX_COMMENT.sub("", part)
    return part


def _without_comments(part: str) -> str:
    kept: list[str] = []
    position = 0
    while (start := part.find(_COMMENT_OPEN, position)) >= 0:
        kept.append(part[position:start])
        end = part.find(_COMMENT_CLOSE, start)
        if end < 0:
            return "".join(kept)
        position = end + len(_COMMENT_CLOSE)
    return "".join([*kept, part[position:]])


def _without_struck(part: str, marks: re.Pattern[str]) -> str:
    """Drop what stands between an opening mark and the closing one behind it."""
    kept: list[str] = []
    position, opened = 0, -1
    for mark in marks.finditer(part):
        if mark[1] == "~~" or mark[1] == "":
            opened = mark.start() if opened < 0 else opened
        elif opened >= 0:
            kept.append(part[position:opened])
            position, opened = mark.end(), -1
    return "".join([*kept, part[position:]])
