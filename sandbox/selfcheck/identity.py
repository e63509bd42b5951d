"""Identity: nothing tells a program on which host it runs."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

from sandbox.contract import Backend, Job
from sandbox.selfcheck.check import ROOMY, Check, breaches, run

__all__ = ["CHECKS"]

_HOST_NAME: Final = """
import os, socket
seen = {os.uname().nodename, socket.gethostname()}
for path in ("/etc/hostname", "/proc/sys/kernel/hostname"):
    if os.path.exists(path):
        seen.add(open(path).read().strip())
if NAME in seen:
    print(NAME)
print("end")
"""

_COMMAND_LINE: Final = """
import os
for path, content in SHOWN.items():
    if os.path.exists(path) and open(path).read() == content:
        print(path)
print("end")
"""


def _host_name(backend: Backend) -> str | None:
    name = socket.gethostname()
    if name == "localhost":
        return None
    return breaches(run(backend, Job(source=f"NAME = {name!r}\n{_HOST_NAME}", limits=ROOMY)))


def _command_line(backend: Backend) -> str | None:
    shown = {}
    for path in ("/proc/cmdline", "/etc/machine-id", "/proc/sys/kernel/random/boot_id"):
        with suppress(OSError):
            shown[path] = Path(path).read_text("utf-8", "replace")
    filled = {path: content for path, content in shown.items() if content.strip()}
    return breaches(run(backend, Job(source=f"SHOWN = {filled!r}\n{_COMMAND_LINE}")))


CHECKS: Final = (
    Check("host name", "hostname", _host_name, "The host's name is not told."),
    Check("boot parameters", "root", _command_line, "Nothing tells this host from others."),
)
