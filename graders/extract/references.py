"""What a reference text states: a data set's answer column may hold a whole worked solution."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Final

from graders.extract.agreement import runs
from graders.extract.boxes import answer_tags, boxes, is_placeholder
from graders.extract.phrases import answer_lines, answer_phrases
from graders.extract.thinking import final_part
from graders.extract.wordings import A_LINE

__all__ = ["stated_gold"]

_LAST_HASH: Final = re.compile(r"[ \t]{0,3}####[ \t]*(\S.*)")
_ENDS: Final = " \t\r*_`.$)\\]。"


def stated_gold(text: str) -> str:
    """The last box, `#### x` line, answer tag, or closing answer phrase; else the text itself.

    It is empty where the reference leaves its thinking, its last box or its tag unfinished.
    """
    part, finished = final_part(text)
    if not finished:
        return ""
    for read in (_boxed, _hashed, _tagged, _phrased):
        stated = read(part)
        if stated is not None:
            return stated
    return part


def _boxed(part: str) -> str | None:
    found, unfinished, several = boxes(part)
    if unfinished or several:
        return ""
    if not found:
        return None
    if is_placeholder(found[-1].text):
        return ""
    real = [mention for mention in found if not is_placeholder(mention.text)]
    keys: dict[str, Hashable] = {mention.text: mention.text for mention in real}
    return runs(part, real, keys, joining=True)[-1].text


def _hashed(part: str) -> str | None:
    if "####" not in part:
        return None
    if last := _LAST_HASH.fullmatch(_last_line(part)):
        return last[1].strip().removesuffix(".")
    lines = answer_lines(part)
    return lines[-1].text if lines else None


def _tagged(part: str) -> str | None:
    found, unfinished, several = answer_tags(part)
    if unfinished or several:
        return ""
    return found[-1].text if found else None


def _phrased(part: str) -> str | None:
    line = _last_line(part)
    phrases = answer_phrases(line)
    # `A: 7` in a reference is the choice A.
    if not phrases or A_LINE.match(line[phrases[-1].start :]):
        return None
    stated = phrases[-1].text
    return stated if line.rstrip(_ENDS).endswith(stated.rstrip(_ENDS)) else None


def _last_line(part: str) -> str:
    text = part.rstrip()
    return text[text.rfind("\n") + 1 :]
