"""Rows into candidates: one completion each, with the prompt it belongs to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from trainer_client.curate.errors import BadRow
from trainer_client.curate.jsonl import Line, encoded, parsed
from trainer_client.remote_reward.messages import conversation

__all__ = [
    "MISSING",
    "NOTE_KEY",
    "Candidate",
    "Columns",
    "Writer",
    "candidates_of",
    "digest_of",
    "value_at",
]

MISSING: Final = object()
"""What stands for a column that a row lacks; null is a value."""

NOTE_KEY: Final = "touchstone"
"""The key of what is added, where none is named."""

_NAMES_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class Columns:
    """Where a row holds what; None for a name that the user did not give."""

    completion: str | None = None
    completions: str | None = None
    prompt: str = "prompt"
    group: str | None = None

    @property
    def one(self) -> str:
        """The column of a row's only completion, and of the one chosen out of several."""
        return self.completion or "completion"

    @property
    def several(self) -> str:
        """The column of a list of completions."""
        return self.completions or "completions"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One completion in its row; `index` is its place where the row has several."""

    row: Mapping[str, object]
    line: Line
    completion: object
    index: int | None
    prompt: object
    group: str | None

    @property
    def text(self) -> str:
        """The completion's text; of messages, that of the last."""
        told = conversation(self.completion)
        last = told[-1] if isinstance(told, list) and told else told
        content = last.get("content") if isinstance(last, Mapping) else last
        return content if isinstance(content, str) else ""


@dataclass(frozen=True, slots=True)
class Writer:
    """How rows are written: under which key what was found is added, None for not at all."""

    columns: Columns
    key: str | None = NOTE_KEY

    def check(self, candidate: Candidate) -> None:
        """A BadRow if one of several completions would take the place of another column."""
        one, several = self.columns.one, self.columns.several
        if candidate.index is not None and one in candidate.row:
            raise BadRow(
                f"has {one!r} beside its {several!r}, and one of these would replace it: "
                "name another column for it with --completion"
            )

    def line(self, candidate: Candidate, note: Mapping[str, object] | None) -> bytes:
        """The candidate's row with one completion and the note; unchanged rows keep their bytes."""
        if candidate.index is None and (note is None or self.key is None):
            return candidate.line.raw + b"\n"
        row = {k: v for k, v in candidate.row.items() if k not in {self.columns.several, self.key}}
        if candidate.index is None:
            row = {k: v for k, v in candidate.row.items() if k != self.key}
        else:
            row[self.columns.one] = candidate.completion
            note = {"index": candidate.index, **(note or {})}
        return self._encoded(row, note)

    def prompt_line(self, candidate: Candidate, note: Mapping[str, object]) -> bytes:
        """The candidate's row without the completions that were graded, and the note."""
        graded = self.columns.one if candidate.index is None else self.columns.several
        left_out = {graded, self.key}
        row = {k: v for k, v in candidate.row.items() if k not in left_out}
        return self._encoded(row, note)

    def _encoded(self, row: dict[str, object], note: Mapping[str, object] | None) -> bytes:
        if self.key is not None and note is not None:
            row[self.key] = note
        return encoded(row)


def candidates_of(
    line: Line, columns: Columns, *, grouped: bool, completes: bool
) -> tuple[Candidate, ...]:
    """The completions of a row (none asked for: the row itself), or a BadRow with the remedy."""
    row = parsed(line.raw)
    prompt = value_at(row, columns.prompt)
    found = _completions(row, columns) if completes else [(None, None)]
    # A row by itself has no group: which rows of its prompt are near it is chance.
    group = _group(row, columns, prompt) if grouped else None
    if group is None:
        several = any(index is not None for index, _ in found)
        if grouped and not several:
            raise BadRow(
                f"lacks {columns.prompt!r}, so its prompt is not known: "
                f"name the column with --prompt or --group; {_has(row)}"
            )
        group = digest_of(["line", line.number]) if several else None
    return tuple(
        Candidate(row, line, completion, index, prompt, group) for index, completion in found
    )


def value_at(row: Mapping[str, object], name: str) -> object:
    """The value of a column, or of a path such as `touchstone.reward`; MISSING without one."""
    if name in row:
        return row[name]
    head, dot, rest = name.partition(".")
    inner = row.get(head)
    return value_at(inner, rest) if dot and isinstance(inner, Mapping) else MISSING


def digest_of(value: object) -> str:
    """A digest that two values share if they are the same JSON."""
    text = json.dumps(value, sort_keys=True).encode()
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _completions(row: Mapping[str, object], columns: Columns) -> list[tuple[int | None, object]]:
    # A name that is given rules out the default of the other.
    named_one = columns.completion is not None or columns.completions is None
    named_several = columns.completions is not None or columns.completion is None
    has_one = named_one and columns.one in row
    has_several = named_several and columns.several in row
    if has_one and has_several and columns.completions is None:
        raise BadRow(
            f"has both {columns.one!r} and {columns.several!r}: "
            "say which is meant with --completion or --completions"
        )
    if has_one and not has_several:
        return [(None, _checked(row[columns.one], columns.one))]
    if has_several:
        several = row[columns.several]
        if not isinstance(several, list) or not several:
            what = "empty" if several == [] else f"of type {_kind(several)}"
            raise BadRow(f"{columns.several!r} is {what}: give a list of completions")
        return [
            (index, _checked(one, f"{columns.several}[{index}]"))
            for index, one in enumerate(several)
        ]
    names = [columns.one] * named_one + [columns.several] * named_several
    raise BadRow(
        f"lacks {' and '.join(map(repr, names))}: "
        f"name the column with --completion or --completions; {_has(row)}"
    )


def _checked(completion: object, name: str) -> object:
    if isinstance(completion, str):
        return completion
    if isinstance(completion, list) and completion and isinstance(completion[-1], dict):
        return completion
    raise BadRow(f"{name!r} is of type {_kind(completion)}: give a string or a list of messages")


def _group(row: Mapping[str, object], columns: Columns, prompt: object) -> str | None:
    if columns.group is None:
        return None if prompt is MISSING else digest_of(prompt)
    group = value_at(row, columns.group)
    if group is MISSING:
        raise BadRow(f"lacks {columns.group!r}: name the column with --group; {_has(row)}")
    return digest_of(group)


def _kind(value: object) -> str:
    return "null" if value is None else type(value).__name__


def _has(row: Mapping[str, object]) -> str:
    names: Sequence[str] = sorted(row)
    more = ", ..." if len(names) > _NAMES_SHOWN else ""
    return f"the row has {', '.join(names[:_NAMES_SHOWN]) or 'nothing'}{more}"
