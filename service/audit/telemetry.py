"""What the flags say: how many over time, and the transcripts they were raised on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple, TypeAlias

import orjson

from service.audit.reading import Found

__all__ = ["Count", "Span", "as_json", "as_table", "counts", "shown"]

Span: TypeAlias = Literal["hour", "day"]
_FORMATS: Final[dict[Span, str]] = {"hour": "%Y-%m-%dT%H:00Z", "day": "%Y-%m-%d"}


class Count(NamedTuple):
    """How often a grader raised a flag in one span of time, which is named by its start in UTC."""

    span: str
    grader: str
    flag: str
    raised: int


def counts(found: Iterable[Found], *, by: Span, grader: str | None) -> list[Count]:
    """The flags of these transcripts, counted by span, grader and flag, in that order."""
    counted: Counter[tuple[str, str, str]] = Counter()
    for one in found:
        span = _moment(one).strftime(_FORMATS[by])
        for name, flag in _raised(one):
            if grader in (None, name):
                counted[span, name, flag] += 1
    return [Count(*key, count) for key, count in sorted(counted.items())]


def as_table(counted: Sequence[Count]) -> str:
    """The counts, aligned."""
    if not counted:
        return "no flags"
    rows = [Count._fields, *([*map(_plain, count[:3]), str(count.raised)] for count in counted)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    *names, count = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return "  ".join([*names, count.strip().rjust(widths[-1])])


def as_json(counted: Iterable[Count]) -> str:
    """The counts, one JSON object a line."""
    return "\n".join(orjson.dumps(count._asdict()).decode() for count in counted)


def shown(found: Found, *, chars: int) -> str:
    """One transcript for a terminal, which nothing in it commands; long texts lack their middle."""
    raised = ", ".join(f"{grader}: {flag}" for grader, flag in _raised(found)) or "no flags"
    about = [f"reward {found.reward}", f"tenant {_plain(found.tenant)}"]
    named = (("id", found.item), ("group", found.item_group), ("job", found.job))
    about += [f"{name} {_plain(value)}" for name, value in named if value is not None]
    about += [f"request {_plain(request)}" for request in found.requests]
    parts = [f"{_moment(found).isoformat(timespec='seconds')}  {_plain(raised)}", "; ".join(about)]
    texts = {
        "prompt": _text(found.prompt),
        "completion": found.completion,
        "reference": _text(found.reference),
    }
    for name, text in texts.items():
        if text is not None:
            parts += [f"  {name}, {len(text)} characters", *_indented(_shortened(text, chars))]
    parts += [f"  {_plain(_reason(grade))}" for grade in found.grades]
    return "\n".join(parts)


def _raised(found: Found) -> Iterator[tuple[str, str]]:
    for grade in found.grades:
        flags = grade["flags"]
        if isinstance(flags, list):
            yield from ((str(grade["grader"]), str(flag)) for flag in flags)


def _reason(grade: Mapping[str, object]) -> str:
    return f"{grade['grader']} {grade['version']}: {grade['score']}, {grade['reason']}"


def _moment(found: Found) -> datetime:
    return datetime.fromtimestamp(found.at_ms / 1000, UTC)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _shortened(text: str, chars: int) -> str:
    if len(text) <= chars:
        return text
    head = chars // 2
    tail = chars - head
    return f"{text[:head]}\n[{len(text) - chars} characters left out]\n{text[len(text) - tail :]}"


def _indented(text: str) -> Iterator[str]:
    return (f"    | {_plain(line)}" for line in text.split("\n"))


def _plain(text: str) -> str:
    """The text with everything that a terminal might obey, or not show, written out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
