"""What the processes of a run use, counted one by one: where no cgroup counts them all at once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from sandbox.backends.forkserver.protocol import Usage

__all__ = ["Census"]

_PROC: Final = Path("/proc")
# Fields of /proc/<pid>/stat, counted from the one after the name in brackets.
_TIMES: Final = slice(11, 15)
_TASKS: Final = 17


class Census:
    """Counts every process of this PID namespace but its first one."""

    def __init__(self) -> None:
        self._tick_s = 1 / os.sysconf("SC_CLK_TCK")
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")
        # What a forked process shares with us from its start is not its own use.
        self._baseline = _own_pages(_PROC / "self")

    def take(self, *, leave_out: int) -> Usage:
        """The sum over all that live now; CPU time also of children they have waited for."""
        ticks = pages = tasks = 0
        for process in _PROC.glob("[0-9]*"):
            if int(process.name) in (os.getpid(), leave_out):
                continue
            try:
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                pages += max(0, _own_pages(process) - self._baseline)
            except OSError:
                # It ended in between.
                continue
            ticks += sum(map(int, fields[_TIMES]))
            tasks += int(fields[_TASKS])
        return Usage(ticks * self._tick_s, pages * self._page_bytes, tasks)


def _own_pages(process: Path) -> int:
    _, resident, shared, *_ = (process / "statm").read_text().split()
    return int(resident) - int(shared)
