"""Whose a container is: the process that made it, told apart from all that had its number."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["Owner"]

_START_TIME: Final = 19  # of the fields of /proc/PID/stat after the name


class Owner(NamedTuple):
    """A process: the boot and the pid namespace that give its number a meaning, and its start."""

    boot: str
    namespace: str
    pid: int
    started: str

    @classmethod
    def this_process(cls) -> Owner:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = re.sub(r"\D", "", str(Path("/proc/self/ns/pid").readlink()))
        return cls(boot, namespace, os.getpid(), _started(os.getpid()))

    @classmethod
    def parse(cls, text: str) -> Owner | None:
        """None where the text is not what `str` gave."""
        match text.split("/"):
            case [boot, namespace, pid, started] if pid.isdecimal():
                return cls(boot, namespace, int(pid), started)
            case _:
                return None

    def __str__(self) -> str:
        return "/".join(map(str, self))

    def is_dead(self) -> bool | None:
        """None where that cannot be seen from here."""
        here = Owner.this_process()
        if (self.boot, self.namespace) != (here.boot, here.namespace):
            return None
        return _started(self.pid) != self.started


def _started(pid: int) -> str:
    try:
        status = Path("/proc", str(pid), "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return status.rpartition(")")[2].split()[_START_TIME]
