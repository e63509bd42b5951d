"""What a process does to itself before it becomes the program, and how its files come out.

This file stands alone: it imports the standard library only, as one backend sends its text into a
container and runs it there.
Every function is for Linux and for a process of one thread; every error is an OSError that names
the step.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import stat
import struct
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final, Literal, NamedTuple

__all__ = [
    "close_descriptors",
    "collect",
    "drop_capabilities",
    "empty_bounding_set",
    "forbid_new_privileges",
    "forbid_syscalls",
    "limit_resources",
    "prepare",
    "write_files",
]

_Unfetched = Literal["missing", "not_regular", "too_large"]

_PR_SET_SECCOMP: Final = 22
_PR_CAPBSET_DROP: Final = 24
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_MODE_FILTER: Final = 2
_NR_CLOSE_RANGE: Final = 436  # on every machine
_LAST_DESCRIPTOR: Final = 2**32 - 1
_CAPABILITY_HEADER: Final = struct.pack("=Ii", 0x20080522, 0)  # version 3, this thread
_NO_CAPABILITIES: Final = bytes(2 * 3 * 4)
_FILTER_INSTRUCTION_BYTES: Final = 8
_OPEN_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# A FIFO that took the place of a file must not block us.
_OPEN_FETCHED: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MODE: Final = 0o755


class _FilterProgram(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


class _Libc(NamedTuple):
    prctl: Callable[..., int]
    capset: Callable[..., int]
    syscall: Callable[..., int]


@cache
def _libc() -> _Libc:
    # PyDLL: giving up the interpreter's lock costs more than these calls do.
    library = ctypes.PyDLL(None, use_errno=True)
    word = ctypes.c_ulong
    library.prctl.argtypes = [ctypes.c_int, word, word, word, word]
    library.capset.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
    library.syscall.argtypes = [ctypes.c_long, word, word, word]
    library.syscall.restype = ctypes.c_long
    return _Libc(library.prctl, library.capset, library.syscall)


@cache
def _described(program: bytes) -> _FilterProgram:
    return _FilterProgram(len(program) // _FILTER_INSTRUCTION_BYTES, program)


def prepare(program: bytes) -> None:
    """Lay out all that can be, and this filter, so that children forked later find it there."""
    _libc()
    _described(program)


def _failed(step: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{step}: {os.strerror(number)}")


def limit_resources(limits: Mapping[int, int]) -> None:
    """Set each limit, soft and hard, to the value or to the hard limit in force if that is less."""
    for number, value in limits.items():
        hard = resource.getrlimit(number)[1]
        limit = hard if _is_less(hard, value) else value
        resource.setrlimit(number, (limit, limit))


def _is_less(one: int, other: int) -> bool:
    if one == resource.RLIM_INFINITY:
        return False
    return other == resource.RLIM_INFINITY or one < other


def empty_bounding_set() -> None:
    """Empty the bounding set where that is allowed; what is held already stays held.

    A process that changes its uid calls this before, as it may not afterwards.
    Where it is never allowed, it is `forbid_new_privileges` that makes the set powerless.
    """
    prctl = _libc().prctl
    capability = 0
    while prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1
    # EINVAL: one above the last that this kernel knows; EPERM: CAP_SETPCAP is not held.
    if ctypes.get_errno() not in {errno.EINVAL, errno.EPERM}:
        raise _failed("empty_bounding_set")


def drop_capabilities() -> None:
    """Empty the bounding set where allowed, and every other set of capabilities."""
    empty_bounding_set()
    # The kernel keeps the ambient set within the permitted and the inheritable one.
    if _libc().capset(_CAPABILITY_HEADER, _NO_CAPABILITIES):
        raise _failed("drop_capabilities")


def forbid_new_privileges() -> None:
    """Make set-uid bits and file capabilities mean nothing to this process and its children."""
    if _libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise _failed("forbid_new_privileges")


def forbid_syscalls(program: bytes) -> None:
    """Attach the filter to this process and its children, for good."""
    address = ctypes.addressof(_described(program))
    if _libc().prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, address, 0, 0):
        raise _failed("forbid_syscalls")


def close_descriptors(first: int) -> None:
    """Close this descriptor and every higher one."""
    # Not os.closerange: built for an older libc it closes two thousand million, one by one.
    if _libc().syscall(_NR_CLOSE_RANGE, first, _LAST_DESCRIPTOR, 0):
        raise _failed("close_descriptors")


def _named(error: OSError, step: str) -> OSError:
    return OSError(error.errno, f"{step}: {error.strerror}")


def write_files(folder: int, files: Mapping[str, bytes], *, uid: int, gid: int) -> None:
    """Make each file, and the folders that its name goes through, executable and owned so."""
    owner = None if (uid, gid) == (os.geteuid(), os.getegid()) else (uid, gid)
    for name, content in files.items():
        try:
            _write_file(folder, name, content=content, owner=owner)
        except OSError as error:
            raise _named(error, f"write_files: {name!r}") from error


def _write_file(folder: int, name: str, *, content: bytes, owner: tuple[int, int] | None) -> None:
    *folders, last = name.split("/")
    here = folder
    try:
        for part in folders:
            here = _step(folder, here, _make_folder(here, part, owner))
        descriptor = os.open(last, _OPEN_NEW, _MODE, dir_fd=here)
    finally:
        _step(folder, here, folder)
    try:
        written = os.write(descriptor, content)
        while written < len(content):
            written += os.write(descriptor, content[written:])
        _hand_over(descriptor, owner)
    finally:
        os.close(descriptor)


def _step(start: int, here: int, onward: int) -> int:
    """Leave a folder for another one, and close it unless the walk began there."""
    if here != start:
        os.close(here)
    return onward


def _make_folder(above: int, name: str, owner: tuple[int, int] | None) -> int:
    try:
        os.mkdir(name, _MODE, dir_fd=above)
        is_new = True
    except FileExistsError:
        is_new = False
    descriptor = os.open(name, _OPEN_FOLDER, dir_fd=above)
    if is_new:
        _hand_over(descriptor, owner)
    return descriptor


def _hand_over(descriptor: int, owner: tuple[int, int] | None) -> None:
    os.fchmod(descriptor, _MODE)  # whatever the umask took away
    if owner is not None:
        os.fchown(descriptor, *owner)


def collect(
    folder: int, names: Sequence[str], *, most_bytes: int
) -> tuple[dict[str, bytes], dict[str, _Unfetched]]:
    """The named regular files below the folder, and why each of the others was not fetched.

    No link is followed, nothing blocks, and all files together have at most so many bytes.
    Call it when every process that could write there is dead.
    """
    fetched: dict[str, bytes] = {}
    unfetched: dict[str, _Unfetched] = {}
    left = most_bytes
    for name in dict.fromkeys(names):
        try:
            found = _collect_file(folder, name, most_bytes=left)
        except OSError as error:
            raise _named(error, f"collect: {name!r}") from error
        if isinstance(found, bytes):
            fetched[name] = found
            left -= len(found)
        else:
            unfetched[name] = found
    return fetched, unfetched


def _collect_file(folder: int, name: str, *, most_bytes: int) -> bytes | _Unfetched:
    *folders, last = name.split("/")
    here = folder
    try:
        for part in folders:
            here = _step(folder, here, os.open(part, _OPEN_FOLDER, dir_fd=here))
        # Looked at first, as the mere opening of a device or a FIFO can have an effect.
        if not stat.S_ISREG(os.stat(last, dir_fd=here, follow_symlinks=False).st_mode):
            return "not_regular"
        descriptor = os.open(last, _OPEN_FETCHED, dir_fd=here)
    except (FileNotFoundError, PermissionError):
        return "missing"
    except OSError as error:
        if error.errno in {errno.ENOTDIR, errno.ELOOP}:
            return "not_regular"
        raise
    finally:
        _step(folder, here, folder)
    try:
        return _read_regular(descriptor, most_bytes)
    finally:
        os.close(descriptor)


def _read_regular(descriptor: int, most_bytes: int) -> bytes | _Unfetched:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        return "not_regular"
    if status.st_size > most_bytes:
        return "too_large"
    chunks: list[bytes] = []
    left = most_bytes
    while chunk := os.read(descriptor, status.st_size + 1):
        chunks.append(chunk)
        left -= len(chunk)
        if left < 0:
            return "too_large"
    return b"".join(chunks)  # of one chunk: that chunk, and no copy
