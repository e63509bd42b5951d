"""The audit's folder: which files are whose, how large they are, and which go first."""

from __future__ import annotations

import fcntl
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

__all__ = [
    "AuditFile",
    "Slot",
    "UnusableFolder",
    "audit_files",
    "check_folder",
    "remove",
    "size_of",
    "take_slot",
]

_SLOTS: Final = 1_000
_NAME: Final = re.compile(r"audit-(\d{3})-(\d{13})\.sqlite3")
_BESIDE: Final = ("", "-wal", "-shm")


class UnusableFolder(Exception):
    """Nothing could be written there; the message names the folder and the setting."""


class AuditFile(NamedTuple):
    """One file of transcripts; those of one slot follow each other by the time they were begun."""

    slot: int
    begun_ms: int
    path: Path


class Slot(NamedTuple):
    """A number that one living process holds, and whose files only that process writes.

    The kernel takes it back when the process ends, however it does: the next one goes on with it.
    """

    folder: Path
    number: int
    lock: int

    def files(self) -> list[AuditFile]:
        """The files of this slot, the oldest first."""
        return [file for file in audit_files(self.folder) if file.slot == self.number]

    def new_file(self, prepare: Callable[[Path], None]) -> Path:
        """A file that its owner alone can read, and nobody before it is prepared."""
        newest = max((file.begun_ms for file in self.files()), default=0)
        begun_ms = max(int(time.time() * 1000), newest + 1)
        path = self.folder / f"audit-{self.number:03d}-{begun_ms:013d}.sqlite3"
        part = self.folder / f"audit-{self.number:03d}.part"
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY, 0o600))
        prepare(part)
        return part.rename(path)

    def release(self) -> None:
        """Let another process have it."""
        os.close(self.lock)


def take_slot(folder: Path) -> Slot:
    """The first slot that nobody holds; OSError where the folder cannot be written to."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & stat.S_IWOTH:
        raise OSError(f"everybody can write to {folder}: chmod o-w {folder}")
    for number in range(_SLOTS):
        flags = os.O_CREAT | os.O_NOFOLLOW | os.O_RDWR
        lock = os.open(folder / f"audit-{number:03d}.lock", flags, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        except OSError:
            os.close(lock)
            raise
        else:
            return Slot(folder, number, lock)
    raise OSError(f"{_SLOTS} processes write to {folder} already: give some another folder")


def check_folder(folder: Path) -> None:
    """Raise UnusableFolder unless a process of ours can write there now."""
    try:
        take_slot(folder).release()
    except OSError as error:
        raise UnusableFolder(
            f"TOUCHSTONE_AUDIT_DIR={folder} will not do ({error.strerror or error}):"
            " name another folder, or set TOUCHSTONE_AUDIT=off"
        ) from None


def audit_files(folder: Path) -> Iterator[AuditFile]:
    """The files of transcripts in the folder, the oldest first."""
    found = []
    for path in folder.iterdir():
        name = _NAME.fullmatch(path.name)
        if name is not None:
            found.append(AuditFile(int(name[1]), int(name[2]), path))
    return iter(sorted(found, key=lambda file: (file.begun_ms, file.slot)))


def size_of(path: Path) -> int:
    """The bytes of a file with what SQLite keeps beside it; 0 once it is gone."""
    return sum(_size(path.with_name(path.name + end)) for end in _BESIDE)


def remove(path: Path) -> None:
    """Remove the file with what is beside it; who reads it just now reads on."""
    for end in _BESIDE:
        path.with_name(path.name + end).unlink(missing_ok=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
