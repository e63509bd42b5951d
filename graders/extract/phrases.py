"""Answers stated in prose: a marked line, an answer phrase, the last number."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from graders.extract.wordings import (
    A_LINE,
    ALSO,
    CLAUSE,
    COPULA_VALUE,
    DENIAL,
    DESCRIPTION,
    DOUBT,
    FILLER,
    HINTS,
    PHRASE,
    RESULT,
    SENTENCE_END,
    VALUE_START,
)

__all__ = [
    "MAX_MENTIONS",
    "Mention",
    "answer_lines",
    "answer_phrases",
    "last_number",
    "result_line",
]


class Mention(NamedTuple):
    """One place that states an answer."""

    text: str
    start: int
    end: int


MAX_MENTIONS: Final = 1_000
"""A text that states its answer more often is a loop."""

_MAX_ANSWER_CHARS: Final = 2_100
_MAX_PROSE_WORDS: Final = 6
_MAX_HEADING_WORDS: Final = 3
_MAX_LEADING_WORDS: Final = 12
"""More words than these with no value at their head are a sentence, not an answer."""
_MIN_SENTENCE_WORDS: Final = 4
_MAX_INDENT: Final = 3
_TAIL_CHARS: Final = 4_000
_MAX_PHRASES: Final = 200
"""Only the last so many phrases are read."""

_NUMBERED_HEADING: Final = re.compile(r"[0-9]{1,3}[.)]\s|[0-9.]+\s+[A-Z][a-z]+\s+[a-z]")
_HASH_LINE: Final = re.compile(r"^[ \t]{0,3}####[ \t]*(\S[^\n]*)$", re.MULTILINE)
_BOLD: Final = re.compile(r"\*\*(?=[\s.,;:]|$)|(?<=\s)\*\*")
_NUMBER: Final = re.compile(r"[-\u2212]?\$?(?:[0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+)(?:/[0-9]+)?%?")
_CONTENT: Final = re.compile(r"[\d\u2070-\u2079\u00b2\u00b3\u00b9\\$]")
_DECORATION: Final = " \t\r\n*_`"
_CLOSERS: Final = frozenset(")]$!")
_DISPLAY: Final = (("\\[", "\\]"), ("$$", "$$"), ("\\(", "\\)"))


def answer_lines(part: str) -> list[Mention]:
    """The first `#### x` lines, one over the limit at most; a Markdown heading is none."""
    if "####" not in part:
        return []
    found: list[Mention] = []
    end = len(part.rstrip())
    for line in _HASH_LINE.finditer(part):
        text = line[1].strip(_DECORATION + "#")
        is_last = line.end() >= end
        if _NUMBERED_HEADING.match(text):
            continue
        text = _inner_phrase(text) if is_last else text
        if VALUE_START.match(text) or (is_last and len(text.split()) <= _MAX_HEADING_WORDS):
            found.append(Mention(_without_full_stop(text), line.start(), line.end()))
            if len(found) > MAX_MENTIONS:
                break
    return found


def _hinted(text: str) -> bool:
    return any(map(text.__contains__, HINTS))


def _a_lines(part: str) -> Iterator[tuple[int, int]]:
    for match in A_LINE.finditer(part):
        start = match.start()
        before = part[max(0, start - _MAX_INDENT - 1) : start].rstrip(" \t")
        if before.endswith("\n") or (not before and start <= _MAX_INDENT):
            yield match.span()


def _inner_phrase(line: str) -> str:
    if len(line) > _MAX_ANSWER_CHARS or not _hinted(line):
        return line
    inner = answer_phrases(line)
    return inner[0].text if len(inner) == 1 else line


def answer_phrases(part: str) -> list[Mention]:
    """The answers introduced by an answer phrase, or by `A:` at the start of a line."""
    spans: list[tuple[int, int]] = []
    if _hinted(part):
        spans = [match.span() for match in deque(PHRASE.finditer(part), _MAX_PHRASES)]
    if "A:" in part or "A :" in part:
        spans += deque(_a_lines(part), _MAX_PHRASES)
        spans.sort()
    found: list[Mention] = []
    spans = spans[-_MAX_PHRASES:]
    for number, (start, end) in enumerate(spans):
        until = spans[number + 1][0] if number + 1 < len(spans) else len(part)
        text = _stated(part, end, until)
        # "Final Answer: The final answer is 42" states its answer once.
        leads_on = until < len(part) and "\n" not in part[end:until]
        if text and not (leads_on and _is_prose(text)):
            found.append(Mention(text, start, end))
    # A guess that a firm answer follows is no answer; one that comes last spoils the firm one.
    firm = [mention for mention in found if not _is_doubtful(mention.text)]
    return found if firm and firm[-1] is not found[-1] else firm


def _is_doubtful(text: str) -> bool:
    # "Maybe" alone is the answer to a question of yes, no and maybe.
    doubt = DOUBT.search(text)
    return doubt is not None and doubt[0] != text


def result_line(part: str) -> list[Mention]:
    """The value that the last line calls the result or the solution, if it does so once."""
    text = part[-_TAIL_CHARS:].rstrip()
    line = text[text.rfind("\n") + 1 :]
    offset = max(0, len(part) - _TAIL_CHARS) + len(text) - len(line)
    found = list(RESULT.finditer(line))
    if len(found) != 1:
        return []
    stated = _stated(line, found[0].end(), len(line))
    if not VALUE_START.match(stated) and not any(map(str.isdigit, stated)):
        return []
    if _is_doubtful(stated):
        return []
    return [Mention(stated, offset + found[0].start(), offset + found[0].end())]


def last_number(part: str) -> list[Mention]:
    """The last number of the text, read from its last few thousand characters."""
    offset = max(0, len(part) - _TAIL_CHARS)
    numbers = list(_NUMBER.finditer(part, offset))
    if not numbers or (offset and numbers[-1].start() == offset):
        return []
    last = numbers[-1]
    return [Mention(last[0].rstrip(","), last.start(), last.end())]


def _stated(part: str, start: int, until: int) -> str:
    """What a phrase that ends at `start` states; empty when it states nothing readable."""
    rest = part[start : min(until, start + _MAX_ANSWER_CHARS)].lstrip(_DECORATION + ":\uff1a#}")
    # What most phrases state needs no reading.
    if (number := rest.partition("\n")[0].rstrip(_DECORATION)).isdecimal():
        return number
    if filler := FILLER.match(rest):
        rest = rest[filler.end() :]
    for opening, closing in _DISPLAY:
        if rest.startswith(opening):
            inner, closed, tail = rest[len(opening) :].partition(closing)
            line = tail.partition("\n")[0]
            if closed and not re.match(r"\s?(?:or|and|,)\s", line) and not ALSO.match(line):
                return _without_full_stop(inner.strip())
    line = _without_closers(_first_clause(_BOLD.sub("", rest.partition("\n")[0])))
    if line.endswith(":") or "?" in line or DENIAL.match(line):
        return ""
    words = len(line.split())
    sentence = COPULA_VALUE.fullmatch(line) if words >= _MIN_SENTENCE_WORDS else None
    if sentence:
        return line[sentence.start(1) :]
    if _is_prose(line):
        rambling = words > _MAX_PROSE_WORDS or (words > 2 and DESCRIPTION.match(line))
    else:
        rambling = words > _MAX_LEADING_WORDS and not VALUE_START.match(line)
    return "" if rambling else _without_full_stop(line)


def _first_clause(line: str) -> str:
    """The line up to the end of its first sentence or clause; an added `or 8` stays in sight."""
    end = SENTENCE_END.search(line)
    if end and not ALSO.match(line, end.start()):
        line = line[: end.start()]
    cut = CLAUSE.search(line)
    if cut and cut.start() and not ALSO.match(line, cut.start()):
        line = line[: cut.start()]
    return line.strip(_DECORATION)


def _is_prose(text: str) -> bool:
    return _CONTENT.search(text) is None


def _without_closers(line: str) -> str:
    """Drop the end of a formula, or of a bracket, whose beginning is before the phrase."""
    if line[-1:] not in _CLOSERS:
        return line
    for opening, closing in (("\\[", "\\]"), ("\\(", "\\)"), ("[", "]"), ("(", ")")):
        # An interval such as "(1, 2]" closes with another bracket than it opened with.
        if line.endswith(closing) and not any(bracket in line for bracket in (opening, "(", "[")):
            line = line.removesuffix(closing).rstrip(_DECORATION)
    line = line.removesuffix("!") if line.endswith("$!") else line
    if line.endswith("$$") and line.count("$$") == 1:
        return line[:-2].rstrip(_DECORATION)
    return line[:-1].rstrip(_DECORATION) if line.endswith("$") and line.count("$") == 1 else line


def _without_full_stop(text: str) -> str:
    return text[:-1].rstrip(_DECORATION) if text.endswith((".", "。")) else text.strip(_DECORATION)
