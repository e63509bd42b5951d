"""A program under test that looks at its own walls, and prints what it finds.

This file stands alone: it is run as any other program is.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
from contextlib import suppress
from pathlib import Path
from typing import Final

__all__ = ["look"]

_SCRATCH: Final = ("/work", "/tmp", "/var/tmp", "/dev/shm")  # noqa: S108
_LIMITS: Final = ("CPU", "FSIZE", "AS", "CORE", "NPROC", "NOFILE")
_PR_GET_NO_NEW_PRIVS: Final = 39
_PTRACE: Final = {"x86_64": 101, "aarch64": 117}


def look() -> dict[str, object]:
    status = _status("self")
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall(_PTRACE[os.uname().machine], 0, 0, 0, 0)
    return {
        "uid": os.getuid(),
        "agent_uid": _status("1").get("Uid", "0").split()[0],
        "capabilities": [int(status[name], 16) for name in status if name.startswith("Cap")],
        "no_new_privs": libc.prctl(_PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
        "seccomp": status.get("Seccomp"),
        "ptrace": ctypes.get_errno(),
        "root_is_read_only": _root_is_read_only(),
        "namespaces": _namespaces(),
        "interfaces": _interfaces(),
        "hostname": os.uname().nodename,
        "inodes": os.statvfs("/work").f_files,
        "scratch": [_size(folder) for folder in _SCRATCH],
        "scratch_devices": [_device(folder) for folder in _SCRATCH],
        "limits": [resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))[1] for name in _LIMITS],
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "environment": _environment(),
    }


def _status(process: str) -> dict[str, str]:
    lines = Path("/proc", process, "status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _environment() -> list[str]:
    entries = Path("/proc/self/environ").read_bytes().split(b"\0")
    return sorted(entry.partition(b"=")[0].decode() for entry in entries if entry)


def _root_is_read_only() -> bool:
    # Not asked of statvfs, whose flags gVisor leaves out.
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    return any(place == "/" and "ro" in options.split(",") for _, place, _, options, *_ in mounts)


def _size(folder: str) -> int | None:
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    return found.f_blocks * found.f_frsize


def _device(folder: str) -> int | None:
    try:
        return Path(folder).stat().st_dev
    except OSError:
        return None


def _namespaces() -> dict[str, str]:
    found = {}
    for name in ("pid", "net", "ipc", "uts"):
        with suppress(OSError):
            found[name] = str(Path("/proc/self/ns", name).readlink())
    return found


def _interfaces() -> list[str]:
    lines = Path("/proc/net/dev").read_text().splitlines()[2:]
    return [line.partition(":")[0].strip() for line in lines]


if __name__ == "__main__":
    os.write(1, json.dumps(look()).encode())
