"""Transcripts as one file for other tools: JSON lines, or Parquet."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

import orjson

from service.audit.reading import Found

__all__ = ["CannotExport", "check_target", "export", "record_of"]

_MIB: Final = 2**20
_GROUP_ROWS: Final = 4_096
_GROUP_CHARS: Final = 32 * _MIB

_Record: TypeAlias = dict[str, Any]
"""The names and values of a line; Any: what JSON holds."""


class CannotExport(Exception):
    """The file cannot be written as asked; the message says what to change."""


def check_target(target: Path) -> None:
    """Raise CannotExport if the file's name or folder will not do, before anything is read."""
    if target.suffix not in (".jsonl", ".parquet"):
        raise CannotExport(f"{target} is neither .jsonl nor .parquet: end its name in one of them")
    if not target.absolute().parent.is_dir():
        raise CannotExport(f"there is no folder {target.absolute().parent}: make it first")
    if target.suffix == ".parquet":
        _pyarrow()


def export(found: Iterable[Found], target: Path) -> int:
    """Write the transcripts and return how many; what stood there goes once all is written.

    No more than a row group is held in memory.
    """
    check_target(target)
    part = target.with_name(f"{target.name}.part")
    write = _write_parquet if target.suffix == ".parquet" else _write_lines
    part.unlink(missing_ok=True)
    # As the audit itself, its owner alone can read it.
    descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            count = write(found, out)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return count


def record_of(found: Found) -> _Record:
    """A transcript under the names that an export has; derived fields are added."""
    moment = datetime.fromtimestamp(found.at_ms / 1000, UTC)
    return {
        "at": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "tenant": found.tenant,
        "requests": found.requests,
        "job": found.job,
        "id": found.item,
        "group": found.item_group,
        "prompt": found.prompt,
        "completion": found.completion,
        "reference": found.reference,
        "graders": found.graders,
        "reward": found.reward,
        "outcome": found.outcome,
        "reasons": [grade["reason"] for grade in found.grades],
        "flags": found.flags,
        "grades": found.grades,
        "seconds": sum(grade["seconds"] for grade in found.grades),
        "worker": found.worker,
        "version": found.version,
    }


def _write_lines(found: Iterable[Found], out: BinaryIO) -> int:
    count = 0
    for count, one in enumerate(found, start=1):  # noqa: B007 - the number of the last is what is wanted
        out.write(orjson.dumps(record_of(one)) + b"\n")
    return count


# What is nested is JSON text in Parquet: its shape is each grader's own.
_AS_JSON: Final = ("prompt", "reference", "graders", "grades")


def _write_parquet(found: Iterable[Found], file: BinaryIO) -> int:
    pyarrow = _pyarrow()
    schema = _schema(pyarrow)
    count = 0
    with pyarrow.parquet.ParquetWriter(file, schema, compression="zstd") as out:
        for group in _groups(found):
            out.write_table(pyarrow.Table.from_pylist(group, schema=schema))
            count += len(group)
    return count


def _groups(found: Iterable[Found]) -> Iterator[list[_Record]]:
    """The rows in groups, of which none is large in rows or in text."""
    group: list[_Record] = []
    chars = 0
    for one in found:
        record = record_of(one)
        for name in _AS_JSON:
            value = record[name]
            if value is not None and not (name == "prompt" and isinstance(value, str)):
                record[name] = orjson.dumps(value).decode()
        record["at"] = one.at_ms
        group.append(record)
        chars += sum(len(value) for value in record.values() if isinstance(value, str))
        if len(group) >= _GROUP_ROWS or chars >= _GROUP_CHARS:
            yield group
            group, chars = [], 0
    if group:
        yield group


# Any: pyarrow ships no types.
def _schema(pyarrow: Any) -> Any:
    text, texts = pyarrow.string(), pyarrow.list_(pyarrow.string())
    types = {
        "at": pyarrow.timestamp("ms", tz="UTC"),
        "requests": texts,
        "reasons": texts,
        "flags": texts,
        "reward": pyarrow.float64(),
        "seconds": pyarrow.float64(),
    }
    names = record_of(_EMPTY)
    return pyarrow.schema([(name, types.get(name, text)) for name in names])


_EMPTY: Final = Found(
    *(0, "", [], None, None, None, None, None, None, [], None, "graded", [], [], "", "")
)


def _pyarrow() -> Any:
    try:
        import pyarrow.parquet
    except ImportError:
        raise CannotExport(
            "Parquet needs pyarrow: install the dependency group `audit`"
            " (pip install --group audit), or write .jsonl"
        ) from None
    return pyarrow
