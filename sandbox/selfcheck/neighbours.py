"""Neighbours: two runs at the same time know nothing of each other."""

from __future__ import annotations

import ctypes
import json
import secrets
from itertools import pairwise
from typing import Final

from sandbox.contract import LAYERS, Backend, Job, LayerName, Limits
from sandbox.selfcheck.check import (
    ROOMY,
    Check,
    Unexpected,
    at_once,
    breaches,
    contained,
    described,
    run,
)

__all__ = ["CHECKS"]

_WINDOWS_S: Final = (0.3, 1.5, 6.0)

# It takes a thing that only one can have, holds it, and prints it where another had it before.
_TAKE: Final = """
import errno, json, os, sys, time
TAKEN = {errno.EEXIST, errno.EADDRINUSE, errno.EAGAIN, errno.EACCES}
held = []
def take(name, what):
    try:
        held.append(what())
    except OSError as error:
        if error.errno in TAKEN:
            print(name)
"""
_HOLD: Final = """
started = time.time()
time.sleep(WINDOW)
print(json.dumps([started, time.time()]), file=sys.stderr)
print("end")
"""

_SOCKETS: Final = """
import socket
def bind(family, kind, address):
    s = socket.socket(family, kind)
    s.bind(address)
    return s
take("abstract name", lambda: bind(socket.AF_UNIX, socket.SOCK_STREAM, "\\0touchstone-held"))
"""

_PORTS: Final = """
import socket
def bind(kind):
    s = socket.socket(socket.AF_INET, kind)
    s.bind(("127.0.0.1", 47_812))
    return s
take("TCP port", lambda: bind(socket.SOCK_STREAM))
take("UDP port", lambda: bind(socket.SOCK_DGRAM))
"""

_SYSTEM_V: Final = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
KEY, EXCLUSIVE = 0x746f7564, 0o3666
def made(result, remove):
    if result < 0:
        raise OSError(ctypes.get_errno(), "ipc")
    return result, remove
take("shared memory", lambda: made(libc.shmget(KEY, 4096, EXCLUSIVE), libc.shmctl))
take("semaphore", lambda: made(libc.semget(KEY, 1, EXCLUSIVE), libc.semctl))
take("message queue", lambda: made(libc.msgget(KEY, EXCLUSIVE), libc.msgctl))
"""
_REMOVE: Final = """
for identity, remove in held:
    arguments = (identity, 0, 0) if remove is libc.semctl else (identity, 0, None)
    remove(*arguments)
"""

_FILES: Final = """
folders = ("/work", "/tmp", "/dev/shm", "/var/tmp", "/run/lock")
for folder in {os.path.realpath(folder) for folder in folders}:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    def create(path=f"{folder}/touchstone-held"):
        try:
            return os.open(path, flags)
        except PermissionError:
            return None
    take(folder, create)
"""

_LOCKS: Final = """
import fcntl
def lock(path):
    descriptor = os.open(path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor
for path in ("/etc/passwd", "/usr/lib/os-release", "/bin/sh", "/usr/bin/env", os.__file__, "/"):
    if os.path.exists(path):
        take(path, lambda: lock(path))
"""

_OUTPUT: Final = """
import sys, time
for _ in range(20):
    print(sys.stdin.readline().strip() or TOKEN, flush=True)
    time.sleep(0.005)
"""

_RANDOM: Final = """
import os, random, secrets, tempfile, uuid
print(random.random(), random.getrandbits(64), secrets.token_hex(8), uuid.uuid4())
print(os.urandom(8).hex(), tempfile.mkdtemp(), random.SystemRandom().random())
"""

_HOST_SEGMENT: Final = """
import ctypes
if ctypes.CDLL(None).shmget(KEY, 0, 0) >= 0:
    print("shared memory of the host")
print("end")
"""
_IPC_CREAT: Final = 0o1000
_IPC_RMID: Final = 0


def _exclusive(name: str, layer: LayerName, source: str, promise: str) -> Check:
    """A check that two runs, which were alive at the same time, both could take the same things."""

    def prove(backend: Backend) -> str | None:
        for window in _WINDOWS_S:
            job = Job(source=f"WINDOW = {window}\n{source}", limits=ROOMY)
            endings = at_once(backend, [job, job])
            found = next(filter(None, map(breaches, endings)), None)
            if found:
                return found
            first, second = sorted(json.loads(ending.stderr) for ending in endings)
            if first[1] > second[0]:
                return None
        raise Unexpected("two runs were never alive at the same time: are there two slots?")

    return Check(name, layer, prove, promise)


def _outputs_apart(backend: Backend) -> str | None:
    tokens = [secrets.token_hex(8) for _ in range(6)]
    limits = Limits(cpu_s=10, wall_s=30)
    jobs = [
        Job(source=f"TOKEN = {token!r}\n{_OUTPUT}", stdin=f"{token}\n".encode() * 10, limits=limits)
        for token in tokens
    ]
    for token, ending in zip(tokens, at_once(backend, jobs), strict=True):
        if ending.stdout != f"{token}\n".encode() * 20:
            return f"{described(ending)}, not {token!r} twenty times"
    return None


def _random_apart(backend: Backend) -> str | None:
    endings = at_once(backend, [Job(source=_RANDOM, limits=ROOMY)] * 4)
    columns = list(zip(*(ending.stdout.split() for ending in endings), strict=True))
    if not columns:
        return described(endings[0])
    for column in columns:
        for one, other in pairwise(sorted(column)):
            if one == other:
                return f"two runs drew {one.decode(errors='replace')} by chance"
    return None


def _host_segment(backend: Backend) -> str | None:
    """A segment of System V shared memory that this process makes is not found."""
    libc = ctypes.CDLL(None)
    key = secrets.randbits(31)
    segment = libc.shmget(key, 4096, _IPC_CREAT | 0o666)
    if segment < 0:
        return None
    try:
        return contained(f"KEY = {key}\n{_HOST_SEGMENT}")(backend)
    finally:
        libc.shmctl(segment, _IPC_RMID, None)


def _isolation_told(backend: Backend) -> str | None:
    isolation = backend.isolation()
    names = sorted(layer.name for layer in isolation.layers)
    if names != sorted(LAYERS):
        return f"the layers told are {', '.join(names)}"
    for layer in isolation.missing:
        if not layer.remedy:
            return f"no remedy is told for the missing layer {layer.name}"
    ending = run(backend, Job(source="print('end')", limits=ROOMY))
    other = "the ending tells another isolation" if ending.isolation != isolation else None
    return other or breaches(ending)


CHECKS: Final = (
    _exclusive(
        "abstract sockets between runs",
        "network",
        f"{_TAKE}{_SOCKETS}{_HOLD}",
        "Two runs can have the same abstract name, and so cannot meet there.",
    ),
    _exclusive(
        "ports between runs",
        "network",
        f"{_TAKE}{_PORTS}{_HOLD}",
        "Two runs can have the same port, and so cannot meet there.",
    ),
    _exclusive(
        "system v ipc between runs",
        "ipc",
        f"{_TAKE}{_SYSTEM_V}{_HOLD}{_REMOVE}",
        "Two runs can have segment, semaphore and queue of the same key.",
    ),
    _exclusive(
        "files between runs",
        "scratch",
        f"{_TAKE}{_FILES}{_HOLD}",
        "Two runs can make the same file in any folder that is writable.",
    ),
    _exclusive(
        "locks between runs",
        "root",
        f"{_TAKE}{_LOCKS}{_HOLD}",
        "Two runs cannot signal by locking a file that both can read.",
    ),
    Check("ipc of the host", "ipc", _host_segment, "The host's shared memory is not found."),
    Check("outputs apart", "contract", _outputs_apart, "Each of many runs gets its own streams."),
    Check("chance apart", "contract", _random_apart, "Two runs do not draw the same numbers."),
    Check("isolation told", "contract", _isolation_told, "Every ending tells all layers in force."),
)
