"""Where the thinking ends: only what follows it states an answer."""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["FinalPart", "final_part"]

_THINK_TAGS: Final = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|channel|>analysis", "<|channel|>final<|message|>"),
)
_HINTS: Final = ("hink", "THINK", "thought", "reasoning>", "<|channel|>")
"""What every tag holds one of."""


class FinalPart(NamedTuple):
    """The text after the thinking, and whether the thinking ended."""

    text: str
    finished: bool


def final_part(text: str) -> FinalPart:
    """Cut the thinking off; a text may begin inside it, the template having opened the block."""
    if not any(hint in text for hint in _HINTS):
        return FinalPart(text, finished=True)
    for opening, closing in _THINK_TAGS:
        end = text.rfind(closing)
        if end >= 0:
            text = text[end + len(closing) :]
        if opening in text:
            return FinalPart("", finished=False)
    return FinalPart(text, finished=True)
