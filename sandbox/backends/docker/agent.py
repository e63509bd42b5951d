"""Process 1 of a container: it reaps orphans, answers for the container, and ends with its owner.

This file stands alone, as its text is sent into the container, and runs as a user of its own, so
that no program can signal it, read it or speak for it.
Its standard input is the owner's: a byte asks for a report of one line, the end ends the container.
"""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

__all__ = ["Agent", "main"]

_MAILBOX: Final = Path("/run/ending")
_MOST_MAIL: Final = 2_000
_CGROUPS: Final = Path("/sys/fs/cgroup")
# Of cgroup v2 and of v1: the file, and the word before the figure where there are several.
_FIGURES: Final = {
    "cpu_us": [("cpu.stat", "usage_usec")],
    "cpu_ns": [("cpuacct/cpuacct.usage", ""), ("cpu,cpuacct/cpuacct.usage", "")],
    "peak_bytes": [("memory.peak", ""), ("memory/memory.max_usage_in_bytes", "")],
    "oom_kills": [("memory.events", "oom_kill"), ("memory/memory.oom_control", "oom_kill")],
    "refused_forks": [("pids.events", "max"), ("pids/pids.events", "max")],
}


class Agent:
    """What it knows of the programs in the container."""

    def __init__(self, *, mailbox: Path = _MAILBOX, cgroups: Path = _CGROUPS) -> None:
        self._mailbox = mailbox
        self._cgroups = cgroups
        self._wait_status: int | None = None

    def reap(self) -> None:
        """Bury every dead child, and keep the status of a program that killed its launcher."""
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                if pid == self._mail().get("program"):
                    self._wait_status = status

    def report(self) -> dict[str, object]:
        figures: dict[str, object] = {name: self._figure(name) for name in _FIGURES}
        mail = self._mail()
        if self._wait_status is not None and "program" in mail:
            mail.setdefault("wait_status", self._wait_status)
        processes = sum(found.name.isdigit() for found in Path("/proc").iterdir())
        return {**figures, "others": processes - 1, "mail": mail}

    def _mail(self) -> dict[str, Any]:  # the launcher's JSON, or the program's
        """What the launcher wrote of the program, or the program in its name."""
        with suppress(OSError, ValueError, RecursionError), self._mailbox.open("rb") as mailbox:
            mail = json.loads(mailbox.read(_MOST_MAIL))
            if isinstance(mail, dict):
                return mail
        return {}

    def _figure(self, name: str) -> int | None:
        for file, word in _FIGURES[name]:
            with suppress(OSError, ValueError, IndexError):
                for line in (self._cgroups / file).read_text().splitlines():
                    words = line.split()
                    if words[0] == word or not word:
                        return int(words[-1])
        return None


def main() -> None:
    os.umask(0)
    os.close(os.open(_MAILBOX, os.O_WRONLY | os.O_CREAT, 0o622))
    # Where /dev is ours, as it is unless the runtime insists on its own.
    with suppress(FileExistsError, PermissionError):
        Path("/dev/shm").symlink_to("/work/.scratch/shm")  # noqa: S108
    agent = Agent()
    signal.signal(signal.SIGCHLD, lambda _number, _frame: agent.reap())
    while os.read(0, 1):
        os.write(1, json.dumps(agent.report()).encode() + b"\n")


if __name__ == "__main__":
    main()
