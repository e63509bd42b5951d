"""The system calls of namespaces and mounts that Python 3.11 does not offer, as typed functions."""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
import signal
import socket
import struct
from functools import cache
from typing import Final

__all__ = [
    "NEWCGROUP",
    "NEWIPC",
    "NEWNET",
    "NEWNS",
    "NEWPID",
    "NEWUSER",
    "NEWUTS",
    "NODEV",
    "NOEXEC",
    "NOSUID",
    "RDONLY",
    "attach",
    "bind",
    "die_with_parent",
    "hide_memory",
    "loopback_up",
    "mount",
    "pivot_root",
    "private_mounts",
    "restrict",
    "return_to",
    "set_hostname",
    "show_memory",
    "spawn_init",
    "tmpfs",
    "unmount",
    "unshare",
]

NEWNS: Final = 0x0002_0000
NEWCGROUP: Final = 0x0200_0000
NEWUTS: Final = 0x0400_0000
NEWIPC: Final = 0x0800_0000
NEWUSER: Final = 0x1000_0000
NEWPID: Final = 0x2000_0000
NEWNET: Final = 0x4000_0000

RDONLY: Final = 1
NOSUID: Final = 2
NODEV: Final = 4
NOEXEC: Final = 8
_BIND: Final = 0x1000
_REC: Final = 0x4000
_PRIVATE: Final = 0x4_0000
_DETACH: Final = 2

_CLONE_VM: Final = 0x100
_CLONE_FILES: Final = 0x400
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4

# The same on every architecture, as all numbers above 423.
_MOVE_MOUNT: Final = 429
_FSOPEN: Final = 430
_FSCONFIG: Final = 431
_FSMOUNT: Final = 432
_MOUNT_SETATTR: Final = 442
_FSOPEN_CLOEXEC: Final = 1
_FSMOUNT_CLOEXEC: Final = 1
_FSCONFIG_SET_STRING: Final = 1
_FSCONFIG_CREATE: Final = 6
_FROM_EMPTY_PATH: Final = 4
_AT_FDCWD: Final = -100
_RECURSIVE: Final = 0x8000
_MOUNT_ATTRIBUTES: Final = struct.Struct("=QQQQ")


@cache
def _libc() -> ctypes.PyDLL:
    # PyDLL keeps the GIL: these calls are short, and their callers have one thread.
    return ctypes.PyDLL(None, use_errno=True)


def _checked(result: int, step: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{step}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """Leave the namespaces of the flags for new ones; for NEWPID, the children will."""
    _checked(_libc().unshare(flags), f"unshare({flags:#x})")


def return_to(namespace: int) -> None:
    """Have children born in the PID namespace of this descriptor again."""
    _checked(_libc().setns(namespace, NEWPID), "setns")


def mount(kind: str, target: str, *, flags: int = 0, options: str = "") -> None:
    """Mount a new filesystem of this kind."""
    arguments = kind.encode(), target.encode(), kind.encode(), flags, options.encode()
    _checked(_libc().mount(*arguments), f"mount {kind} on {target}")


def bind(source: str, target: str, *, flags: int = 0) -> None:
    """Show `source` and all mounted below it at `target`, too, under these flags as well."""
    arguments = source.encode(), target.encode(), None, _BIND | _REC, None
    _checked(_libc().mount(*arguments), f"bind {source} on {target}")
    if flags:
        restrict(target, flags=flags, below=True)


def restrict(target: str, *, flags: int, below: bool) -> None:
    """Add flags to a mount, and to those below it."""
    attributes = _MOUNT_ATTRIBUTES.pack(flags, 0, 0, 0)
    how = _RECURSIVE if below else 0
    arguments = _AT_FDCWD, target.encode(), how, attributes, len(attributes)
    _checked(_libc().syscall(_MOUNT_SETATTR, *arguments), f"mount_setattr {target}")


def private_mounts() -> None:
    """Keep every mount made from now on out of the host's namespace."""
    _checked(_libc().mount(b"none", b"/", None, _REC | _PRIVATE, None), "make mounts private")


def unmount(target: str) -> None:
    """Take a mount away now, and its filesystem when nothing holds it any more."""
    _checked(_libc().umount2(target.encode(), _DETACH), f"unmount {target}")


def pivot_root(new_root: str, old_root: str) -> None:
    """Make `new_root` the root, and show the old one below it at `old_root`."""
    _checked(_libc().pivot_root(new_root.encode(), old_root.encode()), "pivot_root")


def tmpfs(*, size_bytes: int | None, inodes: int | None) -> int:
    """A descriptor of a new empty tmpfs that is mounted nowhere yet; only root may enter it."""
    libc = _libc()
    context = _checked(libc.syscall(_FSOPEN, b"tmpfs", _FSOPEN_CLOEXEC), "fsopen")
    try:
        options = {"mode": "0700", "size": size_bytes, "nr_inodes": inodes}
        for name, value in options.items():
            if value is not None:
                pair = name.encode(), str(value).encode()
                result = libc.syscall(_FSCONFIG, context, _FSCONFIG_SET_STRING, *pair, 0)
                _checked(result, f"tmpfs {name}={value}")
        _checked(libc.syscall(_FSCONFIG, context, _FSCONFIG_CREATE, None, None, 0), "tmpfs")
        return _checked(
            libc.syscall(_FSMOUNT, context, _FSMOUNT_CLOEXEC, NOSUID | NODEV), "fsmount"
        )
    finally:
        os.close(context)


def attach(filesystem: int, target: str) -> None:
    """Mount what `tmpfs` returned."""
    arguments = filesystem, b"", _AT_FDCWD, target.encode(), _FROM_EMPTY_PATH
    _checked(_libc().syscall(_MOVE_MOUNT, *arguments), f"move_mount on {target}")


def spawn_init(stack: mmap.mmap) -> int:
    """Start the first process of a new PID namespace: it reaps orphans and does nothing else.

    It shares this process's memory and descriptors, which costs a tenth of a fork, and runs
    nothing but the C library's `pause` on the given stack.
    Its fate is the namespace's: when it is killed, the kernel kills every process there.
    """
    libc = _libc()
    top = ctypes.addressof(ctypes.c_char.from_buffer(stack)) + len(stack) - 64
    # It inherits this: ignored, the kernel reaps its children for it.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        flags = _CLONE_VM | _CLONE_FILES | signal.SIGCHLD
        pause = ctypes.cast(libc.pause, ctypes.c_void_p)
        return _checked(libc.clone(pause, ctypes.c_void_p(top), flags, None), "clone init")
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def die_with_parent() -> None:
    """Be killed when the thread that started this process ends."""
    _checked(_libc().prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl PDEATHSIG")


def hide_memory() -> None:
    """Let no process without privilege look into this one, whoever it runs as."""
    _checked(_libc().prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0), "prctl DUMPABLE")


def show_memory() -> None:
    """Own the files in /proc/self again after a change of uid."""
    _checked(_libc().prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0), "prctl DUMPABLE")


def set_hostname(name: str) -> None:
    """Name the machine, as this UTS namespace sees it."""
    _checked(_libc().sethostname(name.encode(), len(name)), "sethostname")


_SIOCGIFFLAGS: Final = 0x8913
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 1
_IFREQ: Final = struct.Struct("16sh22x")


def loopback_up() -> None:
    """Let processes of this network namespace talk to 127.0.0.1, which is all there is."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = _IFREQ.pack(b"lo", 0)
        _, flags = _IFREQ.unpack(fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request))
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, _IFREQ.pack(b"lo", flags | _IFF_UP))
