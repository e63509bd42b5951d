"""Leftovers: nothing of a run is found by a later one.

A backend may have several boxes, so each program runs until it has met every one of them again;
it prints what it finds of an earlier run, and then leaves all that it can.
"""

from __future__ import annotations

import secrets
import zlib
from typing import Final

from sandbox.contract import Backend, Job
from sandbox.selfcheck.check import (
    ROOMY,
    Check,
    Proof,
    at_once,
    breaches,
    contained,
    described,
    run,
)

__all__ = ["CHECKS"]

_RUNS: Final = 6

_FILES: Final = """
import os
for folder in {os.path.realpath(folder) for folder in (
    "/dev/shm", "/tmp", "/var/tmp", "/run/lock", "/run", "/var/lock", "/work", "/", "/dev",
    os.path.expanduser("~"), os.getcwd(), "/etc", "/home", "/mnt",
)}:
    path = f"{folder}/touchstone-left"
    if os.path.lexists(path):
        print(path)
        continue
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except OSError:
        continue
    # What would lie on a disk is not left there.
    if not f"{folder}/".startswith(("/dev/shm/", "/tmp/", "/work/")):
        print(path, "can be written")
        os.unlink(path)
print("end")
"""

_SYSTEM_V: Final = """
import ctypes
libc = ctypes.CDLL(None)
KEY, CREATE = 0x746f7563, 0o1666
for name, get in {
    "shared memory": lambda flags: libc.shmget(KEY, 4096, flags),
    "semaphore": lambda flags: libc.semget(KEY, 1, flags),
    "message queue": lambda flags: libc.msgget(KEY, flags),
}.items():
    if get(0) >= 0:
        print(name)
    get(CREATE)
print("end")
"""

_POSIX_IPC: Final = """
import ctypes, os
libc = ctypes.CDLL(None)
try:
    libc = ctypes.CDLL("librt.so.1") if not hasattr(libc, "mq_open") else libc
    if libc.mq_open(b"/touchstone-left", os.O_RDWR) >= 0:
        print("message queue")
    libc.mq_open(b"/touchstone-left", os.O_RDWR | os.O_CREAT, 0o666, None)
except (OSError, AttributeError):
    pass
from multiprocessing import shared_memory, resource_tracker
try:
    shared_memory.SharedMemory("touchstone_left")
    print("shared memory")
except OSError:
    pass
path = "/dev/shm/touchstone_left"
open(path, "wb").write(bytes(4096))
print("end")
"""

_KEYRINGS: Final = """
import ctypes, platform
libc = ctypes.CDLL(None)
ADD, REQUEST = {"x86_64": (248, 249), "aarch64": (217, 218)}[platform.machine()]
if libc.syscall(REQUEST, b"user", b"touchstone-left", None, 0) >= 0:
    print("key")
for ring in (-1, -2, -3, -4, -5):
    libc.syscall(ADD, b"user", b"touchstone-left", b"left", 4, ring)
print("end")
"""

# The end that closes first keeps the port for a minute, and the next server cannot have it.
_PORTS: Final = """
import socket
server = socket.socket()
try:
    server.bind(("127.0.0.1", 47_811))
except OSError as error:
    print("port:", error)
else:
    server.listen()
    client = socket.create_connection(server.getsockname())
    accepted, _ = server.accept()
    accepted.close()
    client.recv(1)
    client.close()
    server.close()
name = socket.socket(socket.AF_UNIX)
try:
    name.bind("\\0touchstone-left")
except OSError as error:
    print("abstract name:", error)
print("end")
"""

_PROCESSES: Final = """
import os, signal, time
NAME = "touchstone-left"
for pid in os.listdir("/proc"):
    if pid.isdigit() and pid != str(os.getpid()):
        try:
            if open(f"/proc/{pid}/comm").read().strip() == NAME:
                print("process", pid)
        except OSError:
            pass
if os.fork() == 0:
    os.setsid()
    open("/proc/self/comm", "w").write(NAME)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(20)
    os._exit(0)
time.sleep(0.02)
print("end", flush=True)
os._exit(0)
"""

# What it poisons for itself is not to be poisoned for another.
_POISON: Final = """
import builtins, json, os, signal, site, sys
MARK = "touchstone_left"
for place in (builtins, json, os, sys, site):
    if hasattr(place, MARK):
        print(place)
    setattr(place, MARK, True)
if MARK in sys.modules:
    print("a module")
sys.modules[MARK] = sys
json.loads = None
for folder in {p for p in sys.path if p} | {os.path.expanduser("~/.local/lib"), sys.prefix}:
    path = f"{folder}/{MARK}.pth"
    if os.path.exists(path):
        print(path)
    elif not folder.startswith("/work"):
        try:
            open(path, "x").close()
        except OSError:
            continue
        os.unlink(path)
        print(folder, "can be written")
if os.path.exists(os.path.expanduser("~/.local/lib/" + MARK)):
    print("~/.local")
else:
    os.makedirs(os.path.expanduser("~/.local/lib/" + MARK))
print("end")
"""

_STATE: Final = """
import os, resource, signal, sys
if os.umask(0o777) == 0o777:
    print("umask")
if os.nice(0) > 0:
    print("nice")
os.nice(5)
if signal.getsignal(signal.SIGUSR1) != signal.SIG_DFL:
    print("handler")
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
if signal.SIGUSR2 in signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2]):
    print("signal mask")
if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 32:
    print("limit of descriptors")
resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
if len(os.sched_getaffinity(0)) < WANTED:
    print("processors")
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
if sys.getrecursionlimit() != 1000:
    print("recursion limit")
sys.setrecursionlimit(5000)
os.chdir("/tmp")
print("end")
"""

# The needle itself is in memory too: what counts is what stands behind it, known by a checksum.
_MEMORY: Final = """
import zlib
found = set()
for line in open("/proc/self/maps"):
    span, access = line.split()[:2]
    start, end = (int(bound, 16) for bound in span.split("-"))
    if not access.startswith("r") or end - start > 1 << 28 or "[v" in line:
        continue
    try:
        with open("/proc/self/mem", "rb", buffering=0) as memory:
            memory.seek(start)
            content = memory.read(end - start)
    except (OSError, OverflowError, ValueError):
        continue
    at = content.find(NEEDLE)
    while at >= 0:
        if zlib.crc32(content[at + 16:at + 32]) == SUM:
            found.add(line.split()[-1])
        at = content.find(NEEDLE, at + 1)
    del content
for where in found:
    print("in", where)
print("end")
"""


def _again(source: str) -> Proof:
    return contained(source, runs=_RUNS)


def _state(backend: Backend) -> str | None:
    counting = Job(source="import os; print(len(os.sched_getaffinity(0)))", limits=ROOMY)
    processors = int(run(backend, counting).stdout)
    return _again(f"WANTED = {processors}\n{_STATE}")(backend)


def _memory(backend: Backend) -> str | None:
    """An earlier program and its input hold a secret; a later one looks for it in its memory."""
    needle, secret = secrets.token_hex(8), secrets.token_hex(8)
    told = f"{needle}{secret}"
    source = f"told = {told!r}; import sys; print(len(sys.stdin.read()))"
    telling = Job(
        source=source,
        stdin=told.encode() * 100,
        files={"told": told.encode()},
        limits=ROOMY,
    )
    for ending in at_once(backend, [telling] * _RUNS):
        if ending.status != 0:
            return described(ending)
    told_apart = f"NEEDLE = {needle.encode()!r}; SUM = {zlib.crc32(secret.encode())}\n"
    job = Job(source=told_apart + _MEMORY, limits=ROOMY)
    return next(filter(None, map(breaches, at_once(backend, [job] * _RUNS))), None)


CHECKS: Final = (
    Check("leftover files", "scratch", _again(_FILES), "Every folder is as it was at first."),
    Check("leftover system v ipc", "ipc", _again(_SYSTEM_V), "No segment, semaphore or queue."),
    Check("leftover posix ipc", "ipc", _again(_POSIX_IPC), "No message queue or shared memory."),
    Check("leftover keys", "seccomp", _again(_KEYRINGS), "No keyring holds a key of before."),
    Check("leftover ports", "network", _again(_PORTS), "Every port and abstract name is free."),
    Check("leftover processes", "pids", _again(_PROCESSES), "No process of before is alive."),
    Check("poisoned interpreter", "root", _again(_POISON), "Modules and folders are as at first."),
    Check("leftover state", "contract", _state, "Masks, limits and priority are as at first."),
    Check("leftover memory", "contract", _memory, "Nothing of an earlier job is in its memory."),
)
