"""Reads the transcripts of all files of a folder in the order of time, while workers write them."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias, cast

import orjson
from pydantic import JsonValue

from service.audit.folder import audit_files

__all__ = ["Complain", "Found", "NoAudit", "Query", "read"]

_BUSY_S: Final = 5.0
_COLUMNS: Final = """
    at_ms, tenant, requests, job, item, item_group, prompts.content, completion,
    reference_texts.content, calls.content, verdict, flags, worker, version
"""
_ROWS: Final = f"""
    SELECT {_COLUMNS} FROM transcripts
    LEFT JOIN texts AS prompts ON prompts.number = transcripts.prompt
    LEFT JOIN texts AS reference_texts ON reference_texts.number = transcripts.reference
    LEFT JOIN texts AS calls ON calls.number = transcripts.graders
"""  # noqa: S608 - names of our own

Complain: TypeAlias = Callable[[str], None]
"""Told of a file that cannot be read; the others are."""


class NoAudit(Exception):
    """There is nothing to read; the message says where and what to change."""


class Query(NamedTuple):
    """Which transcripts are read; None asks for nothing in particular."""

    since_ms: int | None = None
    until_ms: int | None = None
    tenant: str | None = None
    grader: str | None = None
    flag: str | None = None
    flagged: bool = False
    newest_first: bool = False

    def sql(self) -> str:
        """The statement for one file; an index gives the order."""
        order = "DESC" if self.newest_first else "ASC"
        wanted = " AND ".join(self._wanted())
        return f"{_ROWS} WHERE {wanted} ORDER BY at_ms {order}, transcripts.number {order}"

    def values(self) -> list[str | int]:
        """What is put in for the statement's question marks."""
        asked = (self.since_ms, self.until_ms, self.tenant)
        return [value for value in asked if value is not None]

    def admits(self, found: Found) -> bool:
        """Whether a grade of the transcript is of the grader and has the flag asked for."""
        if self.grader is None and self.flag is None:
            return True
        return any(
            self.grader in (None, grade["grader"])
            and (self.flag is None or self.flag in cast("list[str]", grade["flags"]))
            for grade in found.grades
        )

    def _wanted(self) -> Iterator[str]:
        yield "1"
        if self.since_ms is not None:
            yield "at_ms >= ?"
        if self.until_ms is not None:
            yield "at_ms < ?"
        if self.tenant is not None:
            yield "tenant = ?"
        if self.flagged or self.flag is not None:
            yield "flags <> '[]'"


class Found(NamedTuple):
    """One transcript as it was written."""

    at_ms: int
    tenant: str
    requests: list[str]
    job: str | None
    item: str | None
    item_group: str | None
    prompt: JsonValue
    completion: str | None
    reference: JsonValue
    graders: list[dict[str, JsonValue]]
    reward: float | None
    outcome: str
    grades: list[dict[str, JsonValue]]
    flags: list[str]
    worker: str
    version: str


def read(folder: Path, query: Query, complain: Complain) -> Iterator[Found]:
    """The transcripts in the order of time, of which no more than one a file is held in memory."""
    try:
        paths = [file.path for file in audit_files(folder)]
    except OSError as error:
        raise NoAudit(
            f"{folder} cannot be read ({error.strerror}): name the folder of the audit with --dir"
            " or TOUCHSTONE_AUDIT_DIR"
        ) from None
    if not paths:
        raise NoAudit(f"{folder} holds no audit: start the service with TOUCHSTONE_AUDIT=all")
    sign = -1 if query.newest_first else 1
    for row in _merged(_starts(paths, query, complain), sign=sign):
        found = _found(row)
        if query.admits(found):
            yield found


# SQLite types its rows as anything.
_Row: TypeAlias = tuple[object, ...]


class _Start(NamedTuple):
    """The time of the first row of a file that is wanted, and how to read from there."""

    at_ms: int
    rows: Callable[[], Iterator[_Row]]


def _starts(paths: Iterable[Path], query: Query, complain: Complain) -> Iterator[_Start]:
    for path in paths:
        with closing(_rows(path, query, complain)) as rows:
            first = next(rows, None)
        if first is not None:
            yield _Start(cast("int", first[0]), partial(_rows, path, query, complain))


def _merged(starts: Iterable[_Start], *, sign: int) -> Iterator[_Row]:
    """All rows in order; a file is open from its first row's turn to its end."""
    waiting = sorted(starts, key=lambda start: -sign * start.at_ms)
    heads: list[tuple[int, int, _Row, Iterator[_Row]]] = []
    opened = 0
    while waiting or heads:
        while waiting and (not heads or sign * waiting[-1].at_ms <= heads[0][0]):
            opened += 1
            _push(heads, opened, waiting.pop().rows(), sign)
        if heads:
            _, number, row, rows = heapq.heappop(heads)
            yield row
            _push(heads, number, rows, sign)


def _push(
    heads: list[tuple[int, int, _Row, Iterator[_Row]]], number: int, rows: Iterator[_Row], sign: int
) -> None:
    row = next(rows, None)
    if row is not None:
        heapq.heappush(heads, (sign * cast("int", row[0]), number, row, rows))


def _rows(path: Path, query: Query, complain: Complain) -> Generator[_Row, None, None]:
    """The rows of one file; one that was removed meanwhile has none, a broken one says so."""
    try:
        with closing(_opened(path)) as file:
            yield from file.execute(query.sql(), query.values())
    except sqlite3.Error as error:
        if path.exists() and path.stat().st_size:
            complain(f"{path} is left out: {error}")


def _opened(path: Path) -> sqlite3.Connection:
    file = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S)
    try:
        file.execute("SELECT number FROM transcripts LIMIT 1")
    except sqlite3.OperationalError:
        file.close()
        if path.with_name(f"{path.name}-wal").exists():
            raise
        # A plain file in a folder that we may not write to.
        return sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)
    return file


def _found(row: _Row) -> Found:
    at_ms, tenant, requests, job, item, group, prompt, completion, reference, calls, *rest = row
    verdict_json, flags, worker, version = cast("list[str]", rest)
    verdict = orjson.loads(verdict_json)
    return Found(
        at_ms=cast("int", at_ms),
        tenant=cast("str", tenant),
        requests=_json(requests) or [],
        job=cast("str | None", job),
        item=cast("str | None", item),
        item_group=cast("str | None", group),
        prompt=_json(prompt),
        completion=cast("str | None", completion),
        reference=_json(reference),
        graders=_json(calls) or [],
        reward=verdict["reward"],
        outcome=verdict["outcome"],
        grades=verdict["grades"],
        flags=_json(flags) or [],
        worker=worker,
        version=version,
    )


# Any: what the writer made of its own fields, read back.
def _json(value: object) -> Any:
    return None if value is None else orjson.loads(cast("str", value))
