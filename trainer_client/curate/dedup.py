"""`dedup`: the first of equal rows is kept, or of nearly equal ones; memory holds hashes only."""

from __future__ import annotations

import hashlib
import unicodedata
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from trainer_client.curate.errors import BadRow
from trainer_client.curate.inputs import Unit
from trainer_client.curate.jsonl import encoded
from trainer_client.curate.notes import percent
from trainer_client.curate.outputs import Decision
from trainer_client.curate.rows import MISSING, Candidate, Writer, value_at
from trainer_client.curate.shingles import (
    band_hashes,
    rows_per_band,
    shingles,
    similarity,
    sketch_of,
)
from trainer_client.verdicts import Verdict

__all__ = ["Dedup", "Seen", "text_of"]

_BUCKET: Final = 64  # so that rows which share a preamble are not all compared with each other


class _Double(NamedTuple):
    line: int
    similarity: float


@dataclass
class Seen:
    """What was kept so far: about 150 bytes a row, and 5 kB where near doubles count."""

    near: float | None
    ngram: int
    exact: dict[bytes, int] = field(default_factory=dict)
    lines: list[int] = field(default_factory=list)
    sketches: list[array[int]] = field(default_factory=list)
    buckets: dict[int, list[int]] = field(default_factory=dict)

    def double_of(self, text: str, scope: str, line: int) -> _Double | None:
        """The kept row that this text doubles within its scope; without one it is kept."""
        digest = hashlib.blake2b(
            f"{scope}\n{text}".encode("utf-8", "surrogatepass"), digest_size=16
        ).digest()
        if (first := self.exact.get(digest)) is not None:
            return _Double(first, 1.0)
        if self.near is not None and (double := self._near_double(text, scope, line, self.near)):
            return double
        self.exact[digest] = line
        return None

    def _near_double(self, text: str, scope: str, line: int, near: float) -> _Double | None:
        hashes = shingles(text, ngram=self.ngram)
        sketch = sketch_of(hashes)
        within = int(scope or "0", 16)
        keys = [hash((within, band)) for band in band_hashes(hashes, rows_per_band(near))]
        for place in sorted({place for key in keys for place in self.buckets.get(key, ())}):
            found = similarity(sketch, self.sketches[place])
            if found >= near:
                return _Double(self.lines[place], found)
        for key in keys:
            bucket = self.buckets.setdefault(key, [])
            if len(bucket) < _BUCKET:
                bucket.append(len(self.lines))
        self.lines.append(line)
        self.sketches.append(sketch)
        return None


@dataclass(frozen=True)
class Dedup:
    """Keeps each row that none before it equals in these columns, within its prompt or the file."""

    writer: Writer
    seen: Seen
    on: tuple[str, ...] = ("completion",)
    within_prompt: bool = False
    ignore_case: bool = False

    def decide(self, unit: Unit, verdicts: Sequence[Verdict]) -> Decision:
        """The rows of the unit that are new, and the doubles with the line they double."""
        kept: list[bytes] = []
        doubles: list[bytes] = []
        near = 0
        for candidate in unit.candidates:
            text = text_of(candidate, self.on, self.writer.columns.one)
            scope = (candidate.group or "") if self.within_prompt else ""
            folded = text.casefold() if self.ignore_case else text
            double = self.seen.double_of(folded, scope, candidate.line.number)
            if double is None:
                kept.append(self.writer.line(candidate, None))
            else:
                near += double.similarity < 1.0
                note = {"double_of_line": double.line, "similarity": double.similarity}
                doubles.append(self.writer.line(candidate, note))
        tally = {
            "rows": len(unit.candidates),
            "kept": len(kept),
            "doubles": len(doubles),
            "near": near,
        }
        return Decision({"out": b"".join(kept), "rejected": b"".join(doubles)}, tally)

    def report(self, tally: Mapping[str, float]) -> list[str]:
        """The counts, for people."""
        equal = tally["doubles"] - tally["near"]
        return [
            f"{tally['kept']:,.0f} of {tally['rows']:,.0f} rows kept",
            f"  {equal:,.0f} equal an earlier one, {tally['near']:,.0f} nearly "
            f"({percent(tally['doubles'], tally['rows'])} in all)",
        ]


def text_of(candidate: Candidate, on: Sequence[str], completion: str) -> str:
    """What is compared: the columns' texts in composed form, less space at their lines' ends."""
    parts = []
    for name in on:
        value = candidate.text if name == completion else value_at(candidate.row, name)
        if value is MISSING:
            has = ", ".join(sorted(candidate.row)[:12])
            raise BadRow(f"lacks {name!r}: name the columns with --on; the row has {has}")
        text = value if isinstance(value, str) else encoded({"value": value}).decode()
        # Indentation and line breaks stay: programs differ by them.
        lines = unicodedata.normalize("NFC", text).strip().split("\n")
        parts.append("\n".join(line.rstrip() for line in lines))
    return " \n".join(parts)  # which no part holds
