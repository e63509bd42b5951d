"""A service to measure, and the CPU time that it and all its processes have used."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["ROOT", "RunningService", "cpu_seconds", "running_service"]

ROOT: Final = Path(__file__).resolve().parent.parent
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_WORKERS: Final = os.cpu_count() or 1
_ADDRESS: Final = re.compile(r"listening on (http://\S+)")


class RunningService:
    """A `serve` of its own on a free port."""

    def __init__(self, process: subprocess.Popen[str], workers: int) -> None:
        self._process = process
        self.workers = workers
        assert process.stderr is not None  # noqa: S101 - it is a pipe
        for line in process.stderr:
            found = _ADDRESS.search(line)
            if found:
                self.url = found.group(1)
                # Once the pipe is full, the service waits at the next line that it logs.
                threading.Thread(target=deque, args=(process.stderr, 0), daemon=True).start()
                return
        raise RuntimeError("the service did not start: try `make doctor`")

    @property
    def pid(self) -> int:
        """The process that all others descend from."""
        return self._process.pid

    def cpu_seconds(self) -> float:
        """User and system time of the API, its workers, their children and Redis, so far."""
        return cpu_seconds(self._process.pid)


def cpu_seconds(root_pid: int) -> float:
    """User and system time of a living process tree, so far."""
    parents: dict[int, int] = {}
    used: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        pid = int(entry.parent.name)
        parents[pid] = int(fields[1])
        # Own time, and that of children already reaped: a recycled one is not forgotten.
        used[pid] = sum(int(ticks) for ticks in fields[11:15])
    return sum(t for pid, t in used.items() if _descends(pid, root_pid, parents)) / _TICKS


def _descends(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    while pid not in (0, ancestor):
        pid = parents.get(pid, 0)
    return pid == ancestor


@contextmanager
def running_service(
    settings: Mapping[str, str] | None = None, *, workers: int = _WORKERS
) -> Iterator[RunningService]:
    """A service with the default settings but for these, by their names; ended on exit."""
    environment = {f"TOUCHSTONE_{name}": value for name, value in (settings or {}).items()}
    command = [sys.executable, "-m", "service", "serve", "--port", "0", "--workers", f"{workers}"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield RunningService(process, workers)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
