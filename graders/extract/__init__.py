r"""Where in a text the answer stands: the only extraction code of the project.

Every scan is linear in the text.  The rules:

1. Only the final part counts: what follows the last closing think tag (`</think>` and its kin in
   other templates).  A block that is opened and not closed leaves no final part: `unfinished`.
2. The strongest style present decides: `boxed` (`\boxed{x}`, `\fbox{x}`, `\boxed 7`, GLM's box
   tokens), `answer_tag` (`<answer>x</answer>`), `hash` (`#### x`), `answer_phrase`, `bare`, and
   only when asked for `last_number`.  A weaker style is read where the stronger ones hold nothing
   but placeholders, and to notice another number behind a box, a tag or a hash line:
   `several_answers`.
3. A phrase is "the answer is x", "Answer: x", `A: x` on a line of its own, a heading "Final
   Answer" above x, and the same in Chinese, French, German and Spanish; failing these, "the
   result is x" and its kin in the last line.  It states its first clause: "72" of "72, because".
   A denial, a question or a bound ("not 7", "between 1 and 9") states nothing, and a guess
   ("probably 7") nothing but a contradiction of what came before it.
4. `bare` is a final part that is nothing but its answer: one value in one line ("-2*pi", "$29.00",
   "12 cm", "east"), or one sentence that holds one value, at its end and after a verb of being
   ("The change is -5."), and no word of denial, doubt, condition or choice.
5. Within a style all mentions must say the same, or there are `several_answers`.  The last mention
   replaces the one before it only after a word of correction between the two ("wait",
   "actually", "that is wrong"), which is none under a condition ("if that is wrong") or beside a
   hedge ("or", "perhaps").
6. Boxes with nothing but a comma, "and", "or", `x =` or white space between them are one list.
   A box beside another one within a third says several things.
7. More than a thousand mentions of a style are a loop, and so several answers.
8. An empty or placeholder box, `\boxed{?}`, is no answer; as the last box it hides earlier ones.
   A box or a tag that is opened and not closed is `unfinished`, whatever came before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from graders.extract.agreement import agreed
from graders.extract.bare import bare_answer
from graders.extract.boxes import Mentions, answer_tags, boxes, is_placeholder
from graders.extract.fences import code_blocks, last_block
from graders.extract.phrases import (
    MAX_MENTIONS,
    Mention,
    answer_lines,
    answer_phrases,
    last_number,
    result_line,
)
from graders.extract.references import stated_gold
from graders.extract.thinking import FinalPart, final_part
from graders.extract.wordings import ALSO

__all__ = [
    "STATED",
    "STRICT",
    "Extraction",
    "FinalPart",
    "Style",
    "code_blocks",
    "extract",
    "final_part",
    "last_block",
    "shortened",
    "stated_gold",
]

Style: TypeAlias = Literal["boxed", "answer_tag", "hash", "answer_phrase", "bare", "last_number"]
Status: TypeAlias = Literal["found", "no_answer", "several_answers", "unfinished"]

STRICT: Final[tuple[Style, ...]] = ("boxed", "answer_tag", "hash", "answer_phrase")
"""The styles that state an answer on purpose."""

STATED: Final[tuple[Style, ...]] = (*STRICT, "bare")
"""The strict styles, and a final part that is nothing but its answer."""

_ORDER: Final[tuple[Style, ...]] = (*STATED, "last_number")
_NUMBER_ONLY: Final = re.compile(r"[\s$\\(]{0,4}[-\u2212+]?\$?[0-9][0-9.,/]*\s?\\?%?[\s$.\\)]{0,4}")


class Extraction(NamedTuple):
    """The one answer a text states, or why there is none."""

    status: Status
    text: str = ""
    style: Style | None = None
    joined: bool = False
    """Whether the answer was put together from neighbouring boxes."""


def extract(
    part: str,
    styles: Sequence[Style] = STRICT,
    *,
    key: Callable[[str], Hashable] = str.strip,
) -> Extraction:
    """Find the one answer of a final part; texts of equal `key` say the same."""
    after = 0
    for style in _ORDER:
        if style not in styles or not _may_hold(part, style):
            continue
        mentions = _read(part, style)
        if mentions.unfinished:
            return Extraction("unfinished", style=style)
        if mentions.several:
            return Extraction("several_answers", style=style)
        found = [mention for mention in mentions.found if mention.start >= after]
        real = [mention for mention in found if not is_placeholder(mention.text)]
        if real:
            if real[-1] is not found[-1]:
                return Extraction("no_answer", style=style)
            chosen = _agree(part, real, style, key=key)
            return _unless_contradicted(part, chosen, styles, last=real[-1], key=key)
        if found:
            after = found[-1].end
    return Extraction("no_answer")


def shortened(text: str, limit: int = 200) -> str:
    """Bound a text for a report."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _may_hold(part: str, style: Style) -> bool:
    """A quick look that spares most texts the scan for a style they do not use."""
    match style:
        case "boxed":
            return "boxed" in part or "fbox" in part or "_box|>" in part
        case "answer_tag":
            return "<answer>" in part
        case "hash":
            return "####" in part
        case "answer_phrase" | "bare" | "last_number":
            return True


def _read(part: str, style: Style) -> Mentions:
    match style:
        case "boxed":
            return boxes(part)
        case "answer_tag":
            return answer_tags(part)
        case "hash":
            lines = answer_lines(part)
            return Mentions(lines, several=len(lines) > MAX_MENTIONS)
        case "answer_phrase":
            return Mentions(answer_phrases(part) or result_line(part))
        case "bare":
            return Mentions(_bare(part))
        case "last_number":
            return Mentions(last_number(part))


def _bare(part: str) -> list[Mention]:
    text = bare_answer(part)
    return [Mention(text, 0, len(part))] if text else []


def _agree(
    part: str, mentions: list[Mention], style: Style, *, key: Callable[[str], Hashable]
) -> Extraction:
    run = agreed(part, mentions, key=key, joining=style == "boxed")
    if run is None:
        return Extraction("several_answers", style=style)
    return Extraction("found", run.text, style, run.joined)


def _unless_contradicted(
    part: str,
    chosen: Extraction,
    styles: Sequence[Style],
    *,
    last: Mention,
    key: Callable[[str], Hashable],
) -> Extraction:
    """Turn a found answer into several where another number is offered beside it."""
    if chosen.status != "found" or chosen.style not in ("boxed", "answer_tag", "hash"):
        return chosen
    rest = part[last.end :]
    others = [match[1] for match in [ALSO.match(rest)] if match]
    if chosen.style == "boxed" and "answer_tag" in styles and _may_hold(part, "answer_tag"):
        others += [mention.text for mention in answer_tags(part).found]
    if "hash" in styles:
        others += [mention.text for mention in answer_lines(rest)[-1:]]
    if "answer_phrase" in styles:
        others += [mention.text for mention in answer_phrases(rest)[-1:]]
    for other in others:
        if _NUMBER_ONLY.fullmatch(other) and key(other) != key(chosen.text):
            return Extraction("several_answers", style=chosen.style)
    return chosen
