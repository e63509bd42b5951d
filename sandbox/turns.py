"""Whose turn it is to run: any number at once, or one alone, among all of this user's processes.

Two files in a folder of this user's are locked, so that a process that dies frees what it held:
everybody passes the turnstile to get to the floor, which runs share and a lone one has for itself.
A lone one stands in the turnstile until the floor is empty, so that others cannot slip in before.
Where there can be no such folder, the threads of each process take turns among themselves.
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["Turns"]

_PATIENCE_S: Final = 600.0
"""No more: a process that somebody has stopped is not to stop every other one for good."""
_PATIENCE_ALONE_S: Final = 120.0
"""And no more for the floor, as nobody else can have it meanwhile: a run that lasts longer still
goes on beside the lone one."""
_FIRST_PAUSE_S: Final = 0.000_5
_LONGEST_PAUSE_S: Final = 0.01
_OTHERS: Final = 0o077
_CLOSED: Final = "the sandbox was closed"
_FILES: Final = ("turnstile", "floor")


class _Ticket(NamedTuple):
    """Both files, opened for one run: a lock belongs to the opening and not to the process."""

    turnstile: int
    floor: int

    @property
    def is_found(self) -> bool:
        """Whether others find these files: somebody may tidy up the folder of temporary files."""
        return os.fstat(self.turnstile).st_nlink > 0 < os.fstat(self.floor).st_nlink

    def unlock(self) -> None:
        for descriptor in self:
            fcntl.flock(descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        for descriptor in self:
            os.close(descriptor)


class Turns:
    """The turns of one process; each costs a few microseconds where nobody is in the way."""

    def __init__(self) -> None:
        self._idle: list[_Ticket] = []
        self._making = threading.Lock()
        self._own: list[int] | None = None
        """Files in memory that only this process has, where there can be no others."""
        self._closed = threading.Event()

    @contextmanager
    def turn(self, *, alone: bool = False) -> Iterator[None]:
        """A time in which no one else runs alone; with `alone`, in which no one else runs.

        To be taken last, when all that a run waits for is had: then whoever has the floor waits
        for nobody, no two can wait for each other, and a lone one waits for no more than what is
        left of the wall limits of those that run.
        """
        if self._closed.is_set():
            raise ConnectionAbortedError(_CLOSED)
        ticket = self._ticket()
        try:
            how = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
            self._lock(ticket.turnstile, how, patience_s=_PATIENCE_S)
            self._lock(ticket.floor, how, patience_s=_PATIENCE_ALONE_S if alone else _PATIENCE_S)
            fcntl.flock(ticket.turnstile, fcntl.LOCK_UN)
            yield
        finally:
            ticket.unlock()
            self._idle.append(ticket)
            if self._closed.is_set():
                self.close()

    def close(self) -> None:
        """Let go of every file; a turn under way does so at its end, and nobody waits on."""
        self._closed.set()
        while (ticket := self._taken()) is not None:
            ticket.close()
        with self._making:
            for descriptor in self._own or ():
                os.close(descriptor)
            self._own = None

    def _lock(self, descriptor: int, how: int, *, patience_s: float) -> None:
        """Lock the file; after that time it is taken for locked."""
        until = time.monotonic() + patience_s
        pause_s = _FIRST_PAUSE_S
        while not _locked(descriptor, how) and time.monotonic() < until:
            # Not by waiting in the kernel, which knows no time at which to give up.
            if self._closed.wait(pause_s):
                raise ConnectionAbortedError(_CLOSED)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _ticket(self) -> _Ticket:
        while (ticket := self._taken()) is not None:
            if ticket.is_found == (self._own is None):
                return ticket
            ticket.close()
        with self._making:
            if self._own is None:
                with suppress(OSError):
                    return _opened_in_folder()
                self._own = [os.memfd_create(name) for name in _FILES]
            return _opened([f"/proc/self/fd/{descriptor}" for descriptor in self._own])

    def _taken(self) -> _Ticket | None:
        # By one call, which no other thread comes between.
        with suppress(IndexError):
            return self._idle.pop()
        return None


def _opened_in_folder() -> _Ticket:
    """An OSError where there is no such folder, or it is not ours alone, or knows no locks."""
    path = Path(tempfile.gettempdir(), f"touchstone-turns-{os.geteuid()}")
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        found = os.fstat(folder)
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & _OTHERS:
            raise PermissionError(f"{path} is not this user's alone")
        ticket = _opened(_FILES, folder=folder)
    finally:
        os.close(folder)
    try:
        _locked(ticket.floor, fcntl.LOCK_SH)
        # Or whoever stands in the turnstile would wait for this one, which is going there first.
        fcntl.flock(ticket.floor, fcntl.LOCK_UN)
    except OSError:
        ticket.close()
        raise
    return ticket


def _opened(files: Iterable[str], *, folder: int | None = None) -> _Ticket:
    flags = os.O_RDONLY | os.O_CREAT | (0 if folder is None else os.O_NOFOLLOW)
    turnstile, floor = files
    first = os.open(turnstile, flags, 0o600, dir_fd=folder)
    try:
        return _Ticket(first, os.open(floor, flags, 0o600, dir_fd=folder))
    except OSError:
        os.close(first)
        raise


def _locked(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
