"""How large a service is: memory, descriptors and processes of all its tree."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

__all__ = ["Footprint", "footprint", "worker_pids"]


class Footprint(NamedTuple):
    """What a process tree holds; Redis apart, whose memory is the queue's."""

    memory_mb: float
    redis_mb: float
    descriptors: int
    processes: int

    def __str__(self) -> str:
        return (
            f"{self.memory_mb:.0f} MB without Redis, Redis {self.redis_mb:.1f} MB,"
            f" {self.descriptors} descriptors, {self.processes} processes"
        )


def footprint(root_pid: int) -> Footprint:
    """That of the living process and all below it; boxes, which come and go, are left out."""
    pids = [pid for pid in _tree(root_pid) if not _is_boxed(pid)]
    redis = [pid for pid in pids if _name(pid) in {"redis-server", "valkey-server"}]
    return Footprint(
        memory_mb=sum(_memory_mb(pid) for pid in pids if pid not in redis),
        redis_mb=sum(map(_memory_mb, redis)),
        descriptors=sum(map(_descriptors, pids)),
        processes=len(pids),
    )


def _tree(root_pid: int) -> list[int]:
    below: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(entry.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        below.setdefault(parent, []).append(int(entry.parent.name))
    found = [root_pid]
    for pid in found:
        found += below.get(pid, [])
    return found


def _is_boxed(pid: int) -> bool:
    """Whether it lives in a namespace of processes of its own."""
    try:
        return len(_status(pid, "NSpid").split()) > 1
    except (FileNotFoundError, ProcessLookupError, StopIteration):
        return True


def _name(pid: int) -> str:
    try:
        return _status(pid, "Name").strip()
    except (FileNotFoundError, ProcessLookupError, StopIteration):
        return ""


def _memory_mb(pid: int) -> float:
    try:
        return int(_status(pid, "RssAnon").split()[0]) / 1024
    except (FileNotFoundError, ProcessLookupError, StopIteration):
        return 0.0


def _status(pid: int, field: str) -> str:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line.partition(":")[2] for line in lines if line.startswith(f"{field}:"))


def _descriptors(pid: int) -> int:
    try:
        return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return 0


def worker_pids(root_pid: int) -> list[int]:
    """The worker processes below it."""
    found = []
    for pid in _tree(root_pid):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if b"spawn_main" in command:
            found.append(pid)
    return found
