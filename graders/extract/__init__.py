r"""Where in a text the answer stands: the only extraction code of the project.

Every scan is linear in the text.  The rules:

1. Only the final part counts: what follows the last closing think tag (`</think>` and its kin in
   other templates, `<scratchpad>`, `<analysis>` and `<reflection>` too, in any case of letters).
   A block that is opened and not closed leaves no final part, nor does a text of several chat
   turns (words on both sides of a template's token): `unfinished`.  Struck out text and comments
   (`~~x~~`, `<s>x</s>`, `<!-- x -->`, a TeX comment) are not there.
2. The strongest style present decides: `boxed` (`\boxed{x}`, `\fbox{x}`, `\framebox{x}`,
   `\boxed 7`, GLM's box tokens), `answer_tag` (`<answer>x</answer>`), `hash` (`#### x`),
   `answer_phrase`, `bare`, and only when asked for `last_number`.  A weaker style is read where the
   stronger ones hold nothing but placeholders, and to notice another value behind a box, a tag or
   a hash line: `several_answers`.  A value says the same when its `key` does, or that of what is
   left of it without a label and a unit; prose is no value.
3. A phrase is "the answer is x", "Answer: x", `A: x` on a line of its own, a heading "Final
   Answer" above x, and the same in Chinese, French, German and Spanish; failing these, "the
   result is x" and its kin in the last line.  It states its first clause: "72" of "72, because".
   A denial, a question or a bound ("not 7", "between 1 and 9") states nothing, and a guess
   ("probably 7") nothing but a contradiction of what came before it.  A phrase about something
   else ("half of the answer is", "a wrong answer is", "I doubt that the answer is") states nothing.
4. `bare` is a final part that is nothing but its answer: one value in one line ("-2*pi", "$29.00",
   "12 cm", "east"), or one sentence that holds one value, at its end and after a verb of being
   ("The change is -5."), and no word of denial, doubt, condition or choice.
5. The words around the last mention may undo it.  "Not" right before a box, or "that is wrong" and
   "Correction:" behind any mention, leave no answer.  Another value offered beside it ("or 17",
   "17 or" before a box, ", 17" at the end of its line, "actually, 17", "but I think 17",
   "otherwise 17") makes several.
6. Within a style all mentions must say the same, or there are `several_answers`.  The last mention
   replaces the one before it only after a word of correction between the two ("wait",
   "actually", "that is wrong"), which is none when it is denied or asked ("no mistake", "wrong?
   No."), under a condition ("if that is wrong", "assuming") or beside a hedge ("or", "perhaps",
   "second option").
7. Boxes with nothing but a comma, "and", "or", `x =` or white space between them are one list.
   A box beside another one within a third says several things.
8. More than a thousand mentions of a style are a loop, and so several answers.
9. An empty or placeholder box, `\boxed{?}`, is no answer; as the last box it hides earlier ones.
   A box or a tag that is opened and not closed is `unfinished`, whatever came before it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from graders.extract.agreement import agreed
from graders.extract.around import differs, is_denied, is_unsaid, is_withdrawn, offered
from graders.extract.bare import bare_answer
from graders.extract.boxes import Mentions, answer_tags, boxes, is_placeholder
from graders.extract.fences import code_blocks, last_block
from graders.extract.hidden import visible
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
_CLOSING: Final = " \t\r\n$.)]}*\\"
"""What may follow an answer that nothing follows."""

_MIN_TAIL: Final = 2
_WINDOW: Final = 240
"""How far behind an answer its contradiction is looked for."""


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
    if "~" in part or "%" in part or "!" in part or "</" in part:
        part = visible(part)
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
            return "boxed" in part or "fbox" in part or "framebox" in part or "_box|>" in part
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
    """Turn a found answer into none, or several, where the words around it do."""
    if chosen.status != "found" or chosen.style in ("bare", "last_number"):
        return chosen
    is_phrase = chosen.style == "answer_phrase"
    if is_phrase:
        is_taken_back = is_unsaid(part, last.start)
    else:
        is_taken_back = not chosen.joined and is_denied(part, last.start, chosen.text, key=key)
    if is_taken_back:
        return Extraction("no_answer", style=chosen.style)
    tail = _tail(part, last, is_phrase=is_phrase)
    if not tail.strip(_CLOSING) and not _may_hold(part, "answer_tag"):
        return chosen
    if is_withdrawn(tail):
        return Extraction("no_answer", style=chosen.style)
    others = [offered(tail)]
    if not is_phrase:
        others += _said_elsewhere(part, chosen, styles, last=last)
    if any(other and differs(other, chosen.text, key=key) for other in others):
        return Extraction("several_answers", style=chosen.style)
    return chosen


def _tail(part: str, last: Mention, *, is_phrase: bool) -> str:
    """What follows the text of the last mention, as far as it may speak of it."""
    if not is_phrase:
        return part[last.end : last.end + _WINDOW]
    return _behind(part, last) if len(part) - last.end > len(last.text) + _MIN_TAIL else ""


def _behind(part: str, phrase: Mention) -> str:
    """What follows the text that the phrase states."""
    rest = part[phrase.end : phrase.end + len(phrase.text) + _WINDOW]
    found, _, tail = rest.partition(phrase.text)
    return tail if found != rest else rest.replace("*", "").partition(phrase.text)[2]


def _said_elsewhere(
    part: str, chosen: Extraction, styles: Sequence[Style], *, last: Mention
) -> list[str]:
    """What the weaker styles state behind the answer, and the tags of the whole text."""
    rest = part[last.end :]
    others: list[str] = []
    if chosen.style == "boxed" and "answer_tag" in styles and _may_hold(part, "answer_tag"):
        tags = answer_tags(part).found
        others += [tag.text for tag in tags if not tag.start <= last.start < tag.end]
    if "hash" in styles:
        others += [mention.text for mention in answer_lines(rest)[-1:]]
    if "answer_phrase" in styles:
        others += [mention.text for mention in answer_phrases(rest)[-1:]]
    return others
