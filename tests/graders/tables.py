"""Cases as data: the project's own tables, and the data that may lie beside the checkout."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any, Final, TypeAlias

__all__ = ["Row", "report", "shared_rows", "table"]

# Any: a row is whatever its table's file says; each test reads the keys it knows.
Row: TypeAlias = dict[str, Any]

_CASES: Final = Path(__file__).resolve().parent / "cases"
_SHARED: Final = Path(__file__).resolve().parents[2].parent / "shared"


def table(name: str) -> list[Row]:
    """The rows of one of the project's own tables."""
    return _rows((_CASES / f"{name}.jsonl").read_text(encoding="utf-8"))


def shared_rows(path: str) -> list[Row] | None:
    """The rows of a shared file; None, and a line that says so, where there is none."""
    file = _SHARED / path
    if not file.is_file():
        report(f"{path}: no data")
        return None
    if file.suffix == ".gz":
        return _rows(gzip.decompress(file.read_bytes()).decode())
    return _rows(file.read_text(encoding="utf-8"))


def report(line: str) -> None:
    """Say what a gate measured; pytest shows it with -s or -rP."""
    sys.stdout.write(f"{line}\n")


def _rows(text: str) -> list[Row]:
    # Not splitlines: a JSON string may hold U+2028 as it is.
    return [json.loads(line) for line in text.split("\n") if line.strip()]
