"""Processes and threads: they are counted together, and none of them outlives its run."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from sandbox.contract import Backend, Job, Limits
from sandbox.selfcheck.check import (
    Check,
    at_once,
    described,
    ended,
    holds,
    prints,
    run,
)

__all__ = ["CHECKS"]

_PROCESSES: Final = 16
_LIMITS: Final = Limits(cpu_s=10, wall_s=20, processes=_PROCESSES)

_FORK: Final = """
import os, time
alive = 1
for _ in range(WANTED - 1):
    try:
        if os.fork() == 0:
            time.sleep(5)
            os._exit(0)
    except OSError:
        break
    alive += 1
print(alive)
"""

_BOMB: Final = """
import os, time
for _ in range(7):
    try:
        os.fork()
    except OSError:
        pass
time.sleep(1)
"""

_NEIGHBOUR: Final = """
import os, threading, time
children = []
for number in range(8):
    child = os.fork()
    if child == 0:
        time.sleep(0.1)
        os._exit(number)
    children.append(child)
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
threads = [threading.Thread(target=time.sleep, args=(0.05,)) for _ in range(4)]
[thread.start() for thread in threads], [thread.join() for thread in threads]
print(sum(codes))
"""

_THREADS: Final = """
import threading, time
alive = 1
for _ in range(WANTED - 1):
    try:
        threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
    except RuntimeError:
        break
    alive += 1
print(alive)
"""

_THREADS_OF_CHILDREN: Final = """
import os, threading, time
reading, writing = os.pipe()
for _ in range(4):
    try:
        if os.fork():
            continue
    except OSError:
        break
    os.write(writing, b"x")
    for _ in range(WANTED // 4):
        try:
            threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
        except RuntimeError:
            break
        os.write(writing, b"x")
    time.sleep(5)
    os._exit(0)
time.sleep(0.7)
print(1 + len(os.read(reading, 1 << 16)))
"""

_DOES_NOT_COPE: Final = """
import os, time
for _ in range(WANTED):
    if os.fork() == 0:
        time.sleep(5)
        os._exit(0)
"""

_ONE_BY_ONE: Final = """
import os
for _ in range(100):
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
print("all")
"""

_NAME_ITSELF: Final = """
import ctypes, os, signal, sys, time

def name_itself():
    ctypes.CDLL(None).prctl(15, TOKEN.encode())
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
"""

_DAEMON: Final = f"""{_NAME_ITSELF}
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        name_itself()
        os.closerange(0, 64)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            time.sleep(0.1)
    os._exit(0)
time.sleep(0.2)
print("done")
"""

_DAEMON_WITH_STDOUT: Final = f"""{_NAME_ITSELF}
if os.fork() == 0:
    os.setsid()
    name_itself()
    until = time.monotonic() + 20
    while time.monotonic() < until:
        time.sleep(0.1)
    os._exit(0)
time.sleep(0.1)
print("done")
"""


def _wanting(source: str, wanted: int) -> Job:
    return Job(source=f"WANTED = {wanted}\n{source}", limits=_LIMITS)


def _count(backend: Backend, source: str, wanted: int) -> int:
    ending = run(backend, _wanting(source, wanted))
    return int(ending.stdout) if ending.status == 0 else -1


def _at_limit(backend: Backend) -> str | None:
    # Without the cgroup it is the processes of a user that are counted, one of ours among them.
    wanted = _PROCESSES if holds(backend, "pids_cgroup") else _PROCESSES - 2
    alive = _count(backend, _FORK, wanted)
    return None if alive == wanted else f"{alive} processes could be had, not {wanted}"


def _over(source: str) -> Check:
    is_fork = source is _FORK

    def prove(backend: Backend) -> str | None:
        alive = _count(backend, source, _PROCESSES + 50)
        if _PROCESSES - 3 <= alive <= _PROCESSES:
            return None
        return f"{alive} could be had, where the limit is {_PROCESSES}"

    return Check(
        "processes over the limit" if is_fork else "thread bomb",
        "pids_cgroup",
        prove,
        "Processes stop at the limit." if is_fork else "Threads count as processes.",
    )


def _threads_of_children(backend: Backend) -> str | None:
    alive = _count(backend, _THREADS_OF_CHILDREN, 2 * _PROCESSES)
    if _PROCESSES - 3 <= alive <= _PROCESSES:
        return None
    return f"{alive} could be had over five processes, where the limit is {_PROCESSES}"


def _fork_bomb(backend: Backend) -> str | None:
    bomb = Job(source=_BOMB, limits=_LIMITS)
    _, *neighbours = at_once(backend, [bomb, *[Job(source=_NEIGHBOUR, limits=_LIMITS)] * 3])
    for ending in neighbours:
        if ending.stdout != b"28\n":
            return f"its neighbour: {described(ending)}, not stdout '28'"
    return None


def _does_not_cope(backend: Backend) -> str | None:
    ending = run(backend, _wanting(_DOES_NOT_COPE, _PROCESSES + 20))
    if ending.status != 1:
        return f"{described(ending)}, not with status 1"
    if holds(backend, "pids_cgroup"):
        return ended(ending, "processes")
    return ended(ending, "processes", "exited")


def _alive(token: str) -> list[str]:
    """The processes of this host with that name; none is seen of a host that is not this one."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            name, _, rest = (process / "stat").read_text("utf-8", "replace").rpartition(")")
            if token in name and rest.split()[0] not in "ZX":
                found.append(process.name)
    return found


def _daemon(source: str) -> Job:
    token = secrets.token_hex(6)
    return Job(source=f"TOKEN = {token!r}\n{source}", limits=Limits(cpu_s=10, wall_s=18))


def _daemon_dies(backend: Backend) -> str | None:
    job = _daemon(_DAEMON)
    ending = run(backend, job)
    left = _alive(str(job.source).split("'")[1])
    if left:
        return f"processes {', '.join(left)} of the run are alive after its ending"
    return None if ending.stdout == b"done\n" else described(ending)


def _daemon_with_stdout(backend: Backend) -> str | None:
    job = _daemon(_DAEMON_WITH_STDOUT)
    started = time.monotonic()
    ending = run(backend, job)
    if time.monotonic() - started > 12:
        return f"{described(ending)}: the ending waited for a daemon that held stdout"
    if _alive(str(job.source).split("'")[1]):
        return "the daemon is alive after the ending"
    return None if ending.stdout == b"done\n" else described(ending)


CHECKS: Final = (
    Check("processes at the limit", "contract", _at_limit, "All of its processes can be had."),
    _over(_FORK),
    _over(_THREADS),
    Check(
        "threads of several processes",
        "pids_cgroup",
        _threads_of_children,
        "Threads of all processes of the run count together.",
    ),
    Check(
        "processes stopped a fork",
        "pids_cgroup",
        _does_not_cope,
        "A program that fails because it could not fork ends `processes`.",
    ),
    Check(
        "fork bomb with a neighbour",
        "pids_cgroup",
        _fork_bomb,
        "A fork bomb takes no process from a run beside it.",
    ),
    Check(
        "processes one by one",
        "contract",
        prints(_ONE_BY_ONE, "all\n", limits=_LIMITS),
        "The limit is on those alive at once, not on all that ever were.",
    ),
    Check("daemon", "pids", _daemon_dies, "A daemon that ignores all signals is dead in the end."),
    Check(
        "daemon with stdout",
        "pids",
        _daemon_with_stdout,
        "A daemon that holds stdout open does not delay the ending.",
    ),
)
