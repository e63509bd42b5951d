"""Rows of datasets as references: which columns the graders read, each distinct gold once."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, TypeAlias

import orjson
from pydantic import JsonValue

from graders.contract import GraderCall
from graders.registry import GRADERS
from service.settings import Settings
from service.strict_json import BadJson, loads

__all__ = [
    "BadColumns",
    "BadFile",
    "Column",
    "Columns",
    "Row",
    "Rows",
    "columns_of",
    "is_empty",
    "read_rows",
]

_GZIP: Final = b"\x1f\x8b"
_NAMES_SHOWN: Final = 20
_NAME_CHARS: Final = 60


class Column(NamedTuple):
    """The column that holds a key of the references, and what the graders want of that key."""

    name: str
    required: bool
    takes_text: bool


Columns: TypeAlias = Mapping[str, Column]
"""By key of a reference, the column it is taken from."""


class BadColumns(Exception):
    """No reference can be made of these columns; the message says which there are."""


class BadFile(Exception):
    """The file cannot be read to its end."""


class Row(NamedTuple):
    """A line, and which of the distinct items it holds, or why it holds none."""

    source: Path
    line: int
    item: int = -1
    complaint: str | None = None


@dataclass(slots=True)
class Rows:
    """The lines of some files, and the distinct items in them."""

    rows: list[Row] = field(default_factory=list)
    items: list[dict[str, JsonValue]] = field(default_factory=list)
    names: dict[str, None] = field(default_factory=dict)
    """Every column that some row has, in the order of their first rows."""
    objects: int = 0
    """How many rows were looked up by their columns."""
    _numbers: dict[bytes, int] = field(default_factory=dict)

    def put(self, place: Row, item: dict[str, JsonValue]) -> None:
        """Add a line's item, which is kept once however often it comes."""
        number = self._numbers.setdefault(orjson.dumps(item), len(self.items))
        if number == len(self.items):
            self.items.append(item)
        self.rows.append(place._replace(item=number))


def columns_of(texts: Sequence[str], graders: Sequence[GraderCall]) -> Columns:
    """The columns by `KEY=COLUMN`, or COLUMN where one key is read; without any, every key's own.

    Raises BadColumns for a key that none of the graders reads.
    """
    keys = _keys(graders)
    known = ", ".join(keys) or "nothing"
    found: dict[str, str] = {}
    for text in texts:
        key, equals, name = text.partition("=")
        if not equals:
            key, name = text if text in keys else _only(keys), text
        if key not in keys or not name:
            raise BadColumns(
                f"--column {text}: the graders read {known}; write --column KEY={name or 'NAME'}"
            )
        found[key] = name
    return {key: column._replace(name=found.get(key, key)) for key, column in keys.items()}


def _keys(graders: Sequence[GraderCall]) -> dict[str, Column]:
    """The keys of the graders' references, each with the column of its own name."""
    keys: dict[str, Column] = {}
    for call in graders:
        root = GRADERS[call.name].Reference.model_json_schema()
        for key, schema in root.get("properties", {}).items():
            before = keys.get(key, Column(key, required=False, takes_text=False))
            keys[key] = Column(
                key,
                required=before.required or key in root.get("required", []),
                takes_text=before.takes_text or _takes_text(schema, root),
            )
    return keys


# Any: JSON Schema, as pydantic writes it.
def _takes_text(schema: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    if "$ref" in schema:
        return _takes_text(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    several = schema.get("anyOf") or schema.get("oneOf")
    if several:
        return any(_takes_text(one, root) for one in several)
    return bool(schema.get("type", "string") == "string")


def _only(keys: Columns) -> str:
    required = [key for key, column in keys.items() if column.required]
    for candidates in (required, list(keys)):
        if len(candidates) == 1:
            return candidates[0]
    return ""


def read_rows(sources: Sequence[Path], columns: Columns, *, settings: Settings) -> Rows:
    """Every line of the files, gzip or not; raises BadColumns where a column is in no row.

    A row with an object under `reference` is an Item, and its own graders are asked.
    """
    rows = Rows()
    for source in sources:
        for number, line in enumerate(_lines(source), start=1):
            if line.strip():
                _take(rows, Row(source, number), line, columns, settings.nesting)
    if rows.objects:
        _check_columns(rows, columns)
    return rows


def _lines(source: Path) -> Iterator[bytes]:
    with source.open("rb") as file:
        try:
            yield from _opened(file)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise BadFile(f"{source} is not whole: {error}") from None


def _opened(file: BinaryIO) -> Iterator[bytes]:
    packed = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    if not packed:
        yield from file
        return
    with gzip.open(file) as lines:
        yield from lines


def _take(rows: Rows, place: Row, line: bytes, columns: Columns, nesting: int) -> None:
    try:
        value = loads(line, nesting=nesting)
    except BadJson as error:
        rows.rows.append(place._replace(complaint=str(error)))
        return
    if not isinstance(value, dict):
        _take_bare(rows, place, value, columns)
    elif _is_item(value, columns):
        rows.put(place, {key: value[key] for key in ("reference", "graders") if key in value})
    else:
        rows.names |= dict.fromkeys(value)
        rows.objects += 1
        # A null stands for a column that this row has not.
        reference = {
            key: _data(value[column.name], column, nesting)
            for key, column in columns.items()
            if value.get(column.name) is not None
        }
        rows.put(place, {"reference": reference})


def _is_item(value: Mapping[str, JsonValue], columns: Columns) -> bool:
    named = any(column.name in value for column in columns.values())
    return isinstance(value.get("reference"), dict) and not named


def _data(value: JsonValue, column: Column, nesting: int) -> JsonValue:
    """The value, or what it holds as JSON where no text can be meant."""
    if column.takes_text or not isinstance(value, str):
        return value
    try:
        return loads(value.encode(), nesting=nesting)
    except BadJson:
        return value


def _take_bare(rows: Rows, place: Row, value: JsonValue, columns: Columns) -> None:
    """A line that is no object is the gold itself, where there is but one key to put it under."""
    if len(columns) == 1:
        (key,) = columns
        rows.put(place, {"reference": {key: value}})
        return
    rows.rows.append(
        place._replace(complaint="the line is no object: write one with a column each")
    )


def _check_columns(rows: Rows, columns: Columns) -> None:
    for key, column in columns.items():
        wanted = column.required or column.name != key
        if wanted and column.name not in rows.names:
            raise BadColumns(
                f"no row has the column {_short(column.name)}, the reference's {key}: the columns"
                f" are {_listed(list(rows.names))}; say which with --column {key}=NAME"
            )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(_short(name) for name in names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown or "none"


def _short(name: str) -> str:
    return ascii(name[:_NAME_CHARS])


def is_empty(value: JsonValue) -> bool:
    """Whether there is nothing in it: a blank text, null, or a list or object of nothing else."""
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, dict):
        return all(map(is_empty, value.values()))
    return value is None or (isinstance(value, list) and all(map(is_empty, value)))
