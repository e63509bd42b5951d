"""IN as units: what is decided at once, a row or all the rows of a prompt, in bounded memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import BinaryIO, NamedTuple, TypeAlias

from trainer_client.curate.errors import BadLine, BadRow, CannotResume
from trainer_client.curate.jsonl import Line, Place, Reader, read_at
from trainer_client.curate.rows import Candidate

__all__ = ["Batch", "Input", "Progressed", "Spot", "Unit", "batches"]

ParseLine: TypeAlias = Callable[[Line], tuple[Candidate, ...]]


class Spot(NamedTuple):
    """Where a row lies in IN."""

    line: int
    offset: int


class Unit(NamedTuple):
    """What is decided at once; its spots are enough to read it again."""

    candidates: tuple[Candidate, ...]
    spots: tuple[Spot, ...]
    size_bytes: int


class Progressed(NamedTuple):
    """How far a run is: the units that are done, and the place in IN before which they lie."""

    units: int = 0
    place: Place = Place()


class Batch(NamedTuple):
    """Units that are graded together; what is done, and the bad lines left out, up to its end."""

    units: list[Unit]
    end: Progressed
    skipped: int


@dataclass
class Input:
    """IN, as units from where a run has come; bad lines end it, or are counted and left out."""

    stream: BinaryIO
    name: str
    parse: ParseLine
    by_prompt: bool
    skip_bad: bool = False
    _reader: Reader = field(init=False)
    _index: sqlite3.Connection | None = field(init=False, default=None)
    _skipped: int = field(init=False, default=0)
    _done: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._reader = Reader(self.stream)

    @property
    def progressed(self) -> Progressed:
        """How far a run is once all units so far are done."""
        return Progressed(self._done, self._reader.place)

    def begin(self, start: Progressed, seen: Callable[[Unit], object] | None = None) -> None:
        """Make sure that what is done is as it was, and show it to `seen`, if anything sees it."""
        if not self.by_prompt:
            self._reader.skip_to(start.place, lambda line: self._show(line, seen))
        else:
            self._index = self._indexed()
            if start.place.digest and start.place != self._reader.place:
                raise CannotResume(
                    "the input has changed since the output was begun: "
                    "put it back as it was, or delete the output to begin anew"
                )
        if start.place.digest:
            self._skipped = 0  # counted by the run that came first
        self._done = start.units

    def units(self) -> Iterator[Unit]:
        """What is not done yet: each row, or the rows of each prompt by the prompts' first rows."""
        if self._index is not None:
            yield from self._prompts(self._index)
            return
        for line in self._reader:
            if candidates := self._candidates(line):
                self._done += 1
                yield Unit(candidates, (Spot(line.number, line.offset),), line.size)

    def units_again(self, spots: Iterable[Sequence[Spot]]) -> Iterator[Unit]:
        """The units of these rows, read again, and back to where the reading was."""
        yield from map(self.unit_at, spots)
        self._reader.go_back()

    def take_skipped(self) -> int:
        """The bad lines that were left out since the last time."""
        skipped, self._skipped = self._skipped, 0
        return skipped

    def close(self) -> None:
        """Close IN."""
        self.stream.close()
        if self._index is not None:
            self._index.close()

    def _prompts(self, index: sqlite3.Connection) -> Iterator[Unit]:
        found = index.execute(
            "SELECT min(line) OVER (PARTITION BY grp) AS first, line, offset FROM spots"
            " ORDER BY first, line"
        )
        start = self._done
        for number, (_, rows) in enumerate(groupby(found, key=lambda row: row[0]), start=1):
            if number > start:
                self._done = number
                yield self.unit_at([Spot(line, offset) for _, line, offset in rows])

    def unit_at(self, spots: Iterable[Spot]) -> Unit:
        """The unit of these rows, read again."""
        lines = [read_at(self.stream, number=spot.line, offset=spot.offset) for spot in spots]
        candidates = tuple(one for line in lines for one in self.parse(line))
        size_bytes = sum(line.size for line in lines)
        return Unit(candidates, tuple(Spot(line.number, line.offset) for line in lines), size_bytes)

    def _indexed(self) -> sqlite3.Connection:
        # A private file that SQLite deletes: what is in memory does not grow with IN.
        # One thread at a time reads it, though not always the same one.
        index = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        index.execute("PRAGMA temp_store = FILE")
        index.execute("PRAGMA journal_mode = OFF")
        index.execute("CREATE TABLE spots(grp TEXT, line INTEGER, offset INTEGER)")
        index.execute("BEGIN")
        index.executemany(
            "INSERT INTO spots VALUES(?, ?, ?)",
            (
                (candidates[0].group, line.number, line.offset)
                for line in self._reader
                if (candidates := self._candidates(line))
            ),
        )
        index.execute("COMMIT")
        return index

    def _candidates(self, line: Line) -> tuple[Candidate, ...]:
        try:
            return self.parse(line)
        except BadRow as error:
            if self.skip_bad:
                self._skipped += 1
                return ()
            raise BadLine(
                f"{self.name}, line {line.number}: {error}; --skip-bad leaves such lines out"
            ) from error

    def _show(self, line: Line, seen: Callable[[Unit], object] | None) -> None:
        if seen is not None and (candidates := self._candidates(line)):
            seen(Unit(candidates, (Spot(line.number, line.offset),), line.size))


def batches(
    source: Input, units: Iterable[Unit], *, most_candidates: int, most_bytes: int
) -> Iterator[Batch]:
    """The units in batches of about this size, one at the end for what no unit came after."""
    units = iter(units)
    while True:
        taken: list[Unit] = []
        candidates = size_bytes = 0
        while candidates < most_candidates and size_bytes < most_bytes:
            unit = next(units, None)
            if unit is None:
                yield Batch(taken, source.progressed, source.take_skipped())
                return
            taken.append(unit)
            candidates += len(unit.candidates)
            size_bytes += unit.size_bytes
        yield Batch(taken, source.progressed, source.take_skipped())
