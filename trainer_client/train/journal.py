"""What a run logs, as one JSON object a step: written at once, read back by report and plot."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias

__all__ = [
    "JOURNAL",
    "Entry",
    "Journal",
    "append",
    "forget_after",
    "numbers_of",
    "read_entries",
    "step_of",
]

JOURNAL: Final = "log.jsonl"

Entry: TypeAlias = Mapping[str, object]


class Journal:
    """The log of one run, on disk and in memory."""

    def __init__(self, path: Path, *, up_to_step: int) -> None:
        """Keep what was logged up to this step; the steps after it are made anew."""
        self._path = path
        self._entries: list[Entry] = forget_after(path, up_to_step)

    @property
    def entries(self) -> Sequence[Entry]:
        """All entries, oldest first."""
        return self._entries

    def add(self, step: int, logs: Mapping[str, object]) -> None:
        """Log one step."""
        entry = {"step": step, **{key: _finite(value) for key, value in logs.items()}}
        self._entries.append(entry)
        append(self._path, [entry])


def append(path: Path, entries: Iterable[Entry]) -> None:
    """Write the entries behind those that the file holds."""
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(entry) + "\n" for entry in entries)


def forget_after(path: Path, step: int) -> list[Entry]:
    """Drop the entries of later steps from the file, and give those that stay."""
    kept = [entry for entry in read_entries(path) if step_of(entry) <= step]
    # Beside and then in its place: a run that is killed here loses no log.
    beside = path.with_suffix(".tmp")
    beside.unlink(missing_ok=True)
    append(beside, kept)
    beside.replace(path)
    return kept


def read_entries(path: Path) -> list[Entry]:
    """What the file holds, without a line that was cut short when its process died."""
    if not path.is_file():
        return []
    entries: list[Entry] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            entries.append(entry)
    return entries


def numbers_of(entries: Iterable[Entry], key: str) -> list[float]:
    """The values that a measure has, without the steps where it has none."""
    values = (entry.get(key) for entry in entries)
    return [float(value) for value in values if isinstance(value, int | float)]


def step_of(entry: Entry) -> int:
    """The step after which it was logged."""
    step = entry.get("step")
    return step if isinstance(step, int) else 0


def _finite(value: object) -> object:
    """JSON has no NaN, and a measure without a value is none."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
