"""Partners: two programs that talk have nothing in common but the bytes that they exchange."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sandbox.contract import Backend, Job, LayerName
from sandbox.selfcheck.check import ROOMY, Check, breaches, converse

__all__ = ["CHECKS"]

# Both are there, with what they have laid out, between one meeting and the next.
_MEET: Final = """
import os, sys
sys.stdout = sys.stderr
OTHER = 3 - ME
def meet():
    os.write(1, b".")
    if os.read(0, 1) != b".":
        sys.exit("the partner is gone")
"""
_PART: Final = """
meet()
print("end", flush=True)
if ME == 1:
    os.read(0, 1)
"""

_FILES: Final = """
folders = ("/work", "/tmp", "/var/tmp", "/dev/shm", os.getcwd(), os.path.expanduser("~"))
for folder in folders:
    open(f"{folder}/touchstone-{ME}", "w").close()
meet()
for folder in folders:
    if os.path.exists(f"{folder}/touchstone-{OTHER}"):
        print(folder)
"""

_SOCKETS: Final = """
import socket
ADDRESSES = (
    (socket.AF_UNIX, "\\0touchstone-%d"), (socket.AF_UNIX, "/tmp/touchstone-%d.sock"),
    (socket.AF_INET, ("127.0.0.1", 47_830)),
)
def address_of(one, address):
    return address % one if isinstance(address, str) else (address[0], address[1] + one)
listening = []
for family, address in ADDRESSES:
    listening.append(socket.socket(family))
    listening[-1].bind(address_of(ME, address))
    listening[-1].listen()
meet()
for family, address in ADDRESSES:
    try:
        socket.socket(family).connect(address_of(OTHER, address))
        print("connected by", address)
    except OSError:
        pass
"""

_PROCESSES: Final = """
open("/proc/self/comm", "w").write(f"touchstone-{ME}")
meet()
for name in os.listdir("/proc"):
    if name.isdigit():
        try:
            if open(f"/proc/{name}/comm").read().strip() == f"touchstone-{OTHER}":
                print("process", name)
        except OSError:
            pass
"""

_SHARED_MEMORY: Final = """
import ctypes
libc = ctypes.CDLL(None)
KEY, CREATE, REMOVE = 0x746F7570, 0o1666, 0
segment = libc.shmget(KEY + ME, 4096, CREATE)
meet()
if segment >= 0 and libc.shmget(KEY + OTHER, 0, 0) >= 0:
    print("shared memory")
meet()
libc.shmctl(segment, REMOVE, None)
"""

_DESCRIPTORS: Final = """
import array, socket, stat
meet()
for descriptor in range(3, 600):
    if os.path.exists(f"/proc/self/fd/{descriptor}"):
        print("descriptor", descriptor)
for descriptor in (0, 1):
    if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
        print("descriptor", descriptor, "is a socket")
    try:
        with socket.socket(fileno=os.dup(descriptor)) as way:
            socket.send_fds(way, [b"x"], [2])
            print("a descriptor can be sent by", descriptor)
    except OSError:
        pass
"""


def _apart(name: str, layer: LayerName, source: str, promise: str) -> Check:
    """A check that neither of two partners gets anything of the other one's."""

    def prove(backend: Backend) -> str | None:
        jobs = [Job(source=f"ME = {one}\n{_MEET}{source}{_PART}", limits=ROOMY) for one in (1, 2)]
        # What they print goes to stderr, as their stdout is each other's.
        said = [replace(ending, stdout=ending.stderr) for ending in converse(backend, *jobs)]
        return next(filter(None, map(breaches, said)), None)

    return Check(name, layer, prove, promise)


CHECKS: Final = (
    _apart("partner files", "scratch", _FILES, "No folder shows a file of the partner's."),
    _apart("partner sockets", "network", _SOCKETS, "Partners cannot connect, by any address."),
    _apart("partner processes", "pids", _PROCESSES, "The partner's processes are not seen."),
    _apart("partner memory", "ipc", _SHARED_MEMORY, "The partner's shared memory is not found."),
    _apart(
        "partner descriptors",
        "descriptors",
        _DESCRIPTORS,
        "Each has three descriptors, and no way to send one to the other.",
    ),
)
