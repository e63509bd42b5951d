"""Functions for a sandboxed child to run: one per way a call may end."""

from __future__ import annotations

import ctypes
import os
import signal
import threading

from sandbox.call_contract import Json


def add(left: int, right: int) -> Json:
    return left + right


def pid_of_child() -> Json:
    return os.getpid()


def spin() -> Json:
    while True:
        pass


def spin_in_c() -> Json:
    return len(str(9 ** (10**9)))


def hog() -> Json:
    return len(bytearray(2**30))


def boom(text: str) -> Json:
    raise LookupError(text)


def segfault() -> Json:
    return ctypes.string_at(0).decode()


def sleep_for_ever() -> Json:
    threading.Event().wait()
    return None


def flood(size: int) -> Json:
    return "x" * size


def killed_from_outside() -> Json:
    os.kill(os.getpid(), signal.SIGKILL)
    return None


def crash_once(marker: str) -> Json:
    try:
        descriptor = os.open(marker, os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        return "second time lucky"
    os.close(descriptor)
    os.kill(os.getpid(), signal.SIGSEGV)
    return "survived"


def environment() -> Json:
    return dict(os.environ)


def descriptors() -> Json:
    return sorted(int(name) for name in os.listdir("/proc/self/fd"))  # noqa: PTH208


def echo(text: str) -> Json:
    # Kept, so that a test may look for it in this process's memory.
    _KEPT.append(text)
    return text


_KEPT: list[str] = []


def remember_pid() -> None:
    _PIDS.append(os.getpid())


def remembered_pid() -> Json:
    return _PIDS[0]


_PIDS: list[int] = []


def out_of_memory() -> Json:
    raise MemoryError
