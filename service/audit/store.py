"""Transcripts in the SQLite files of one slot: appended, begun anew by size, the oldest removed."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from service.audit.folder import Slot, remove, size_of
from service.audit.transcripts import Transcript

__all__ = ["FileLimits", "Store", "is_spoilt"]

# What one process waits for another that has the file open, such as a reader that recovers it.
_BUSY_S: Final = 5.0
_SPOILT: Final = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_KNOWN: Final = 100_000
_SCHEMA: Final = """
CREATE TABLE texts (number INTEGER PRIMARY KEY, content TEXT NOT NULL);
CREATE TABLE transcripts (
    number INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    requests TEXT NOT NULL,
    job TEXT,
    item TEXT,
    item_group TEXT,
    prompt INTEGER REFERENCES texts,
    completion TEXT,
    reference INTEGER REFERENCES texts,
    graders INTEGER REFERENCES texts,
    verdict TEXT NOT NULL,
    flags TEXT NOT NULL,
    worker TEXT NOT NULL,
    version TEXT NOT NULL
);
CREATE INDEX by_time ON transcripts (at_ms);
CREATE INDEX flagged_by_time ON transcripts (at_ms) WHERE flags <> '[]';
"""
_INSERT: Final = (
    f"INSERT INTO transcripts ({', '.join(Transcript._fields)})"  # noqa: S608 - names of our own
    f" VALUES ({', '.join('?' * len(Transcript._fields))})"
)


_Row: TypeAlias = tuple[str | int | bytes | None, ...]


class FileLimits(NamedTuple):
    """The size at which a new file is begun, and what all files of a slot may take."""

    file_bytes: int
    slot_bytes: int


class Store:
    """The file that is written to just now; every method raises OSError or sqlite3.Error."""

    def __init__(self, slot: Slot, limits: FileLimits, *, anew: bool = False) -> None:
        self._slot = slot
        self._limits = limits
        self._known: dict[bytes, int] = {}
        self._path, self._file = (None if anew else self._newest()) or self._new()

    def add(self, transcripts: Sequence[Transcript]) -> None:
        """Write them, all or none, and go on with another file once this one is full or gone."""
        if len(self._known) > _KNOWN:
            self._known.clear()
        texts: list[tuple[int, str]] = []
        with self._file:
            (last,) = self._file.execute("SELECT coalesce(max(number), 0) FROM texts").fetchone()
            rows = [self._sharing(one, texts, last=last) for one in transcripts]
            self._file.executemany("INSERT INTO texts VALUES (?, ?)", texts)
            self._file.executemany(_INSERT, rows)
        size_bytes = size_of(self._path)
        if not size_bytes or size_bytes >= self._limits.file_bytes:
            self._turn_over()

    def close(self) -> None:
        """Leave a plain file, which can be copied and read anywhere."""
        with closing(self._file), suppress(sqlite3.Error):
            # Not while somebody reads it; then its log stays beside it.
            self._file.execute("PRAGMA busy_timeout = 0")
            self._file.execute("PRAGMA journal_mode = DELETE")

    def _sharing(self, one: Transcript, texts: list[tuple[int, str]], *, last: int) -> _Row:
        """The row with the numbers of what it shares with others, new ones from after the last."""
        numbers: list[int | None] = []
        for content in (one.prompt, one.reference, one.graders):
            if content is None:
                numbers.append(None)
                continue
            key = hashlib.blake2b(content, digest_size=16).digest()
            number = self._known.get(key)
            if number is None:
                number = self._known[key] = last + len(texts) + 1
                texts.append((number, content.decode()))
            numbers.append(number)
        return (*one[:6], numbers[0], one.completion, *numbers[1:], *one[10:])

    def _newest(self) -> tuple[Path, sqlite3.Connection] | None:
        """The file with which the slot's last holder ended, unless it is full or broken."""
        files = self._slot.files()
        if not files or size_of(files[-1].path) >= self._limits.file_bytes:
            return None
        path = files[-1].path
        try:
            return path, _opened(path)
        except sqlite3.Error as error:
            if is_spoilt(error):
                return None
            raise

    def _new(self) -> tuple[Path, sqlite3.Connection]:
        self._make_room()
        path = self._slot.new_file(_prepare)
        return path, _opened(path)

    def _turn_over(self) -> None:
        self.close()
        self._known.clear()
        self._path, self._file = self._new()

    def _make_room(self) -> None:
        """Remove the oldest files until the next one may grow to its size."""
        sizes = {file.path: size_of(file.path) for file in self._slot.files()}
        taken = sum(sizes.values())
        for path, size in sizes.items():
            if taken + self._limits.file_bytes <= self._limits.slot_bytes:
                return
            remove(path)
            taken -= size


def is_spoilt(error: Exception) -> bool:
    """Whether the file is no database of ours (any more), where a full disk would only be full."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
    return code in _SPOILT


def _prepare(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        file.executescript(_SCHEMA)


def _opened(path: Path) -> sqlite3.Connection:
    file = sqlite3.connect(path, timeout=_BUSY_S)
    try:
        file.execute("PRAGMA journal_mode = WAL")
        # What a power cut takes is the last moments; what a kill takes is nothing that was written.
        file.execute("PRAGMA synchronous = NORMAL")
        file.execute(f"SELECT {', '.join(Transcript._fields)} FROM transcripts LIMIT 0")  # noqa: S608
    except sqlite3.Error:
        file.close()
        raise
    return file
