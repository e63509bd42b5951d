"""What is said of validated references: figures, types, and the rows to mend with the remedy."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import orjson
from pydantic import JsonValue

from graders.contract import Grade
from service.reference_rows import Row, Rows, is_empty
from service.validation import ReferenceVerdict, faults, summed

__all__ = ["report"]

_SHOWN_CHARS: Final = 60
_EMPTY: Final = "empty"
_MEND: Final = "mend it, or drop the row"
_REMEDIES: Final[Mapping[str, str]] = {
    _EMPTY: "there is no gold: fill it in, or drop the row",
    "bad_reference": "give it in this form, or name another column with --column",
    "deadline": "ours: validate again, or raise TOUCHSTONE_MAX_DEADLINE_S",
    "different": "as it is written it is not equal to itself: simplify it, or drop the row",
    "internal_error": "ours: validate again",
    "no_answer": "nothing in it can be read: state the answer alone, or drop the row",
    "several_answers": "wrap what belongs together, as in (1, 2), or make alternatives a list",
    "timeout": "it takes too long to compare: simplify it, or drop the row",
    "too_complex": "it takes too much to compare: simplify it, or drop the row",
    "unfinished": "a brace or a tag is left open: close it, or drop the row",
    "unparsed_gold": r"state the answer alone, wrap it as \boxed{...} in its text, or drop the row",
    "unparsed_answer": r"wrap words as \text{...}, simplify it, or drop the row",
    "worker_died": "ours: validate again",
}
_AFTER_HASHES: Final = "keep what follows ####, the final answer"
_FAILING_SOLUTION: Final = "the solution does not pass its tests: mend one of them, or drop the row"


def report(rows: Rows, verdicts: Sequence[ReferenceVerdict], *, limit: int) -> str:
    """The report as text; at most `limit` rows that cannot be graded are shown."""
    summary = summed(verdicts)
    spoilt = [
        (row, verdict)
        for row, verdict in zip(rows.rows, verdicts, strict=True)
        if verdict.outcome != "gradable"
    ]
    lines = [f"{summary.items:,} rows, {len(rows.items):,} distinct references"]
    figures = {"gradable": summary.gradable, "cannot be graded": summary.ungradable}
    lines += _table(figures | ({"failed": summary.failed} if summary.failed else {}))
    reasons: Counter[str] = Counter()
    for row, verdict in spoilt:
        reasons.update({_told(grade, _gold(rows, row)) for grade in faults(verdict)})
    lines += _section("why", dict(reasons.most_common()))
    lines += _section(
        "types",
        {
            f"{grader} {kind}": n
            for grader, kinds in summary.types.items()
            for kind, n in kinds.items()
        },
    )
    if spoilt and limit:
        lines += ["", f"rows to mend ({min(limit, len(spoilt)):,} of {len(spoilt):,})"]
        lines += itertools.chain.from_iterable(
            _mending(row, verdict, _gold(rows, row)) for row, verdict in spoilt[:limit]
        )
    return "\n".join(lines)


def _section(title: str, counts: Mapping[str, int]) -> list[str]:
    return ["", title, *_table(counts)] if counts else []


def _table(counts: Mapping[str, int]) -> list[str]:
    names = max(map(len, counts), default=0)
    figures = max((len(f"{count:,}") for count in counts.values()), default=0)
    return [f"  {name:<{names}}  {count:>{figures},}" for name, count in counts.items()]


def _mending(row: Row, verdict: ReferenceVerdict, gold: JsonValue) -> Iterator[str]:
    place = _printable(f"{row.source}:{row.line}")
    for grade in faults(verdict):
        yield f"  {place}  {_shown(gold)}  {_told(grade, gold)}: {_remedy(grade, gold)}"


def _gold(rows: Rows, row: Row) -> JsonValue:
    """What stands in the row's reference: the one value of it, or all."""
    if row.complaint is not None:
        return "?"
    reference = rows.items[row.item].get("reference")
    if isinstance(reference, dict) and len(reference) == 1:
        (reference,) = reference.values()
    return reference


def _told(grade: Grade, gold: JsonValue) -> str:
    return f"{grade.grader} {_reason(grade, gold)}"


def _reason(grade: Grade, gold: JsonValue) -> str:
    return _EMPTY if grade.outcome == "ungradable" and is_empty(gold) else grade.reason


def _remedy(grade: Grade, gold: JsonValue) -> str:
    reason = _reason(grade, gold)
    if reason == "unparsed_gold" and isinstance(gold, str) and "####" in gold:
        return _AFTER_HASHES
    remedy = _REMEDIES.get(reason, _FAILING_SOLUTION if grade.grader == "code" else _MEND)
    if reason == _EMPTY:
        return remedy
    said = ": ".join(
        str(grade.detail[key]) for key in ("field", "message") if grade.detail.get(key)
    )
    return _printable(f"{said}; {remedy}" if said else remedy)


def _shown(gold: JsonValue) -> str:
    text = gold if isinstance(gold, str) else orjson.dumps(gold).decode()
    text = " ".join(text.split()) if text.strip() else repr(text)
    return _printable(text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 3] + "...")


def _printable(text: str) -> str:
    """The text without what could steer a terminal."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)
