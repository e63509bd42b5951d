"""Where the thinking ends: only what follows it states an answer."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["FinalPart", "final_part"]

_TAG: Final = re.compile(
    r"<\s?(?P<close>/?)\s?"
    r"(?P<name>think|thinking|thought|reasoning|seed:think|scratchpad|analysis|reflection)\s{0,4}>"
    r"|(?P<square>\[)(?P<close_square>/?)think\]|(?P<kimi>◁)(?P<close_kimi>/?)think▷"
    r"|<\|(?:begin|(?P<close_thought>end))_of_(?P<thought>thought)\|>"
    r"|<\|(?:start|(?P<close_start>end))_(?P<start>thinking)\|>"
    r"|<\|(?P<channel>channel)\|>\s{0,2}"
    r"(?:analysis|commentary|(?P<close_channel>final)\s{0,2}<\|message\|>)",
    re.IGNORECASE,
)
_CLOSING: Final = tuple(group for group in _TAG.groupindex if group.startswith("close"))
_ORDER: Final = (
    *("think", "thinking", "thought", "reasoning", "seed:think", "scratchpad", "analysis"),
    *("reflection", "square", "kimi", "<thought>", "start", "channel"),
)
_HINTS: Final = ("think", "thought", "reasoning", "scratchpad", "analysis", "reflection", "channel")
"""What every tag holds one of."""

_TURN: Final = re.compile(
    r"<\|(?:im_start|im_end|eot_id|start_header_id|end_header_id|endoftext|end_of_text|user"
    r"|assistant|end|start|return|im_sep)\|>|<(?:start|end)_of_turn>"
    r"|<\uff5c(?:User|Assistant|end\u2581of\u2581sentence)\uff5c>"
)
_END_MARKS: Final = (
    "<|endoftext|>", "<|end_of_text|>", "<|im_end|>", "<|eot_id|>", "<|end|>", "<|return|>",
    "<end_of_turn>", "<\uff5cend\u2581of\u2581sentence\uff5c>", "</s>",
)  # fmt: skip
_ROLE: Final = re.compile(r"\s*(?:user|assistant|system|model|human)?\s*", re.IGNORECASE)
_MAX_TURNS: Final = 100


class FinalPart(NamedTuple):
    """The text after the thinking, and whether it is one finished turn."""

    text: str
    finished: bool


def final_part(text: str) -> FinalPart:
    """Cut the thinking off; a text may begin inside it, the template having opened the block."""
    if _may_hold_tags(text):
        start = _end_of_thinking(text)
        if start < 0:
            return FinalPart("", finished=False)
        text = text[start:]
    text = _without_end_mark(text)
    if ("|" in text or "_" in text or "\uff5c" in text) and _has_several_turns(text):
        return FinalPart("", finished=False)
    return FinalPart(text, finished=True)


def _without_end_mark(text: str) -> str:
    """The text without the token with which a template ends a turn."""
    if text.rstrip()[-1:] != ">":
        return text
    for mark in _END_MARKS:
        text = text.rstrip().removesuffix(mark)
    return text


def _may_hold_tags(text: str) -> bool:
    """A quick look that spares most texts the scan for tags."""
    if "<" not in text and "k]" not in text and "K]" not in text and "◁" not in text:
        return False
    folded = text.lower()
    return any(map(folded.__contains__, _HINTS))


def _end_of_thinking(text: str) -> int:
    """Where the last block closes, -1 where one is left open."""
    opened: dict[str, int] = {}
    closed: dict[str, int] = {}
    for tag in _TAG.finditer(text):
        if any(tag.group(*_CLOSING)):
            closed[_kind(tag)] = tag.end()
        else:
            opened[_kind(tag)] = tag.start()
    start = 0
    for kind in _ORDER:
        start = max(start, closed.get(kind, 0))
        if opened.get(kind, -1) >= start:
            return -1
    return start


def _kind(tag: re.Match[str]) -> str:
    if tag["name"]:
        return tag["name"].lower()
    if tag["thought"]:
        return "<thought>"
    return next(group for group in ("square", "kimi", "start", "channel") if tag[group])


def _has_several_turns(text: str) -> bool:
    """Whether text stands on both sides of a token that ends a turn of a chat."""
    if "<|" not in text and "_of_turn>" not in text and "<\uff5c" not in text:
        return False
    said = 0
    for turn in _TURN.split(text, _MAX_TURNS):
        said += _ROLE.fullmatch(turn) is None
    return said > 1
