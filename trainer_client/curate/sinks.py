"""The files that lines go to."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Final, Literal, TypeAlias

from trainer_client.curate.errors import BadFlags

__all__ = ["SINKS", "Sink", "locked", "spliced", "synced"]

Sink: TypeAlias = Literal["out", "rejected", "ungraded"]
SINKS: Final[tuple[Sink, ...]] = ("out", "rejected", "ungraded")

_CHUNK_BYTES: Final = 1 << 20


def locked(file: BinaryIO, path: Path) -> BinaryIO:
    """The file, or BadFlags if another run writes it now."""
    if sys.platform != "win32":
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise BadFlags(f"{path} is being written by another run: wait for its end") from error
    return file


def synced(file: BinaryIO) -> None:
    """Have what was written reach the disk; of a pipe, its reader."""
    file.flush()
    with contextlib.suppress(OSError):  # a pipe cannot be synced
        os.fsync(file.fileno())


def spliced(
    source: BinaryIO, target: BinaryIO, pieces: Iterable[tuple[tuple[int, int], bytes]]
) -> list[tuple[int, int]]:
    """Copy a file with some spans replaced, in their order, and say where the new ones lie."""
    found = []
    for (begin, end), new in pieces:
        _copy(source, target, begin - source.tell())
        source.seek(end)
        found.append((target.tell(), target.tell() + len(new)))
        target.write(new)
    _copy(source, target, None)
    return found


def _copy(source: BinaryIO, target: BinaryIO, size: int | None) -> None:
    while chunk := source.read(_CHUNK_BYTES if size is None else min(size, _CHUNK_BYTES)):
        target.write(chunk)
        size = None if size is None else size - len(chunk)
