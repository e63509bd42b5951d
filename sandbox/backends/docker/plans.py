"""What a launcher is told: a program, its files and input, and the limits of each process."""

from __future__ import annotations

import math
import resource
from typing import Final

from sandbox import seccomp
from sandbox.backends.docker.frames import pack
from sandbox.backends.docker.walls import Walls
from sandbox.box import ADDRESS_SPACE_BYTES, DESCRIPTORS, ENVIRONMENT, STACK_BYTES
from sandbox.contract import Job, Limits

__all__ = ["plan_of"]

_SOURCE_FILE: Final = "main.py"
_SOURCE_ARGV: Final = ("python3", "-B", _SOURCE_FILE)


def plan_of(job: Job, *, walls: Walls, converses: bool = False) -> list[bytes]:
    """What the launcher is told."""
    without = walls.without
    files = dict(job.files)
    argv = job.argv
    if job.source is not None:
        files[_SOURCE_FILE] = job.source.encode("utf-8", "surrogatepass")
        argv = _SOURCE_ARGV
    environment = dict(ENVIRONMENT)
    if "environment" in without:
        environment |= {"TOUCHSTONE_LEFT_IN": "1"}
    head = {
        "argv": argv,
        "converses": converses,
        "files": list(files),
        "environment": environment,
        "limits": {} if "rlimits" in without else _resource_limits(job.limits, walls),
        "close_descriptors": "descriptors" not in without,
        "drop_capabilities": "capabilities" not in without,
        "forbid_new_privileges": "no_new_privs" not in without,
    }
    # Without no_new_privs the kernel takes no filter.
    is_filtered = not {"seccomp", "no_new_privs"} & without
    syscall_filter = seccomp.filter_program() if is_filtered else b""
    return pack(head, [syscall_filter, job.stdin, *files.values()])


def _resource_limits(limits: Limits, walls: Walls) -> dict[int, int]:
    return {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: math.ceil(limits.cpu_s) + 1,
        resource.RLIMIT_FSIZE: 2 * limits.disk_bytes,
        resource.RLIMIT_AS: ADDRESS_SPACE_BYTES,
        resource.RLIMIT_STACK: STACK_BYTES,
        resource.RLIMIT_NOFILE: DESCRIPTORS,
        resource.RLIMIT_NPROC: limits.processes + walls.spare_processes,
        # A queue outlives its program, and nothing in the container could find it.
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_MEMLOCK: 8 * 2**20,
    }
