"""Starts one program in the container, waits for its end, and then kills what it left behind.

Its text is sent into the container after that of `confinement`, `frames` and `relay`, and runs as
the program's user.
Standard input is the owner's: a byte asks whether the container is clean, then comes the plan, a
byte that lets the program go, and one that stops it, as the end of it does. Each of the first two
is answered with a line.
A program that talks to another one has a relay between its streams and ours, and instead of that
last byte there are records.
How the program ended goes to the mailbox. A program can write there too, and claim what it could
as well have done.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from sandbox.backends.docker.frames import read_from, read_head
from sandbox.backends.docker.relay import Relay
from sandbox.confinement import (
    drop_capabilities,
    forbid_new_privileges,
    forbid_syscalls,
    limit_resources,
    write_files,
)

__all__ = ["main"]

_WORK: Final = Path("/work")
_SCRATCH: Final = (_WORK / ".scratch/tmp", _WORK / ".scratch/var", _WORK / ".scratch/shm")
_ELSEWHERE: Final = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))  # noqa: S108
# What outlives its process: System V objects, and ports that are held for a minute.
_TABLES: Final = ("sysvipc/shm", "sysvipc/sem", "sysvipc/msg", "net/tcp", "net/tcp6")
_SHOWN: Final = _TABLES[:-1]  # the last one is absent where there is no IPv6
_MAILBOX: Final = Path("/run/ending")
_MOST_HEAD: Final = 2**26
_PR_SET_DUMPABLE: Final = 4
_KILL_S: Final = 10.0
_COPIED_BYTES: Final = 2**20
_ALARM_BYTES: Final = 4_096
_FAILED: Final = 3
_NOT_FOUND: Final = 127
_NOT_EXECUTABLE: Final = 126


class _Launch(NamedTuple):
    """A program that waits to be let go: its pid, and the ends of pipes that are about it."""

    program: int
    go: int
    alarm: int
    failure: int
    relay: Relay | None
    """Of a program that talks to another one."""


def main() -> None:
    if not os.read(0, 1):
        return
    _answer([_clean(), _unseen()])
    try:
        launch = _prepare(read_from(0))
    except EOFError:
        return
    except OSError as error:
        _answer(str(error))
        return
    _answer("")
    if os.read(0, 1):
        _say(_run(launch))


def _answer(answer: object) -> None:
    os.write(1, json.dumps(answer).encode() + b"\n")


def _say(mail: dict[str, object]) -> None:
    _MAILBOX.write_text(json.dumps(mail), encoding="ascii")


def _clean() -> list[str]:
    """Empty every place that an earlier program could write; the tables that are not empty."""
    _MAILBOX.write_text("", encoding="ascii")
    for folder in (_WORK, *_ELSEWHERE):
        if folder.is_dir() and os.access(folder, os.W_OK):
            _empty(folder)
    for folder in _SCRATCH:
        folder.mkdir(parents=True)
    return [table for table in _TABLES if _has_rows(Path("/proc", table))]


def _unseen() -> list[str]:
    """The tables that this kernel does not show, so that nothing is known of what they list."""
    return [table for table in _SHOWN if not Path("/proc", table).exists()]


def _has_rows(table: Path) -> bool:
    try:
        return len(table.read_text().splitlines()) > 1
    except FileNotFoundError:
        return False


def _empty(folder: Path) -> None:
    """Remove all that is in it, however deep, and whatever its modes are."""
    number = 0
    while entries := list(folder.iterdir()):
        for entry in entries:
            if not _is_folder(entry):
                entry.unlink()
                continue
            entry.chmod(0o700)
            # Brought up one by one, no path gets longer than the kernel takes.
            for below in list(entry.iterdir()):
                number += 1
                if _is_folder(below):
                    below.chmod(0o700)
                below.rename(folder / f"{number}-{os.getpid()}")
            entry.rmdir()


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _prepare(read: Callable[[int], bytes]) -> _Launch:
    """Take in the plan, and fork what will be the program, which then waits."""
    head, (filter_bytes, stdin_bytes, *file_bytes) = read_head(read, most_bytes=_MOST_HEAD)
    syscall_filter = read(filter_bytes)
    streams, relay = _streams(read, stdin_bytes, converses=head["converses"])
    folder = os.open(_WORK, os.O_RDONLY | os.O_DIRECTORY)
    for name, length in zip(head["files"], file_bytes, strict=True):
        write_files(folder, {name: read(length)}, uid=os.getuid(), gid=os.getgid())
    os.close(folder)
    failure, failed = os.pipe()
    going, go = os.pipe()
    alarm, ring = os.pipe()
    os.set_blocking(ring, False)
    signal.set_wakeup_fd(ring)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    program = os.fork()
    if not program:
        os.close(go)
        if not os.read(going, 1):
            os._exit(1)
        _become(head, streams=streams, syscall_filter=syscall_filter, failed=failed)
    for descriptor in (failed, *streams, going):
        os.close(descriptor)
    return _Launch(program, go, alarm, failure, relay)


def _streams(
    read: Callable[[int], bytes], stdin_bytes: int, *, converses: bool
) -> tuple[tuple[int, ...], Relay | None]:
    """What the program has for stdin, and for stdout where that is not ours, too."""
    if not converses:
        return (_in_memory(read, stdin_bytes),), None
    stdin, feed = os.pipe()
    listen, stdout = os.pipe()
    return (stdin, stdout), Relay(feed=feed, listen=listen)


def _run(launch: _Launch) -> dict[str, object]:
    # For the agent, should the program kill this process.
    _say({"program": launch.program})
    # No process of the same user may look into this one.
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    os.write(launch.go, b".")
    _await_end(launch)
    ended = _ended(launch.program, launch.failure)
    if launch.relay is not None:
        launch.relay.finish()
    return ended


def _await_end(launch: _Launch) -> None:
    """Return when the program has ended, or is to be ended."""
    while _rings(launch):
        os.read(launch.alarm, _ALARM_BYTES)
        # A program that was only stopped rings as well.
        how = os.WEXITED | os.WNOHANG | os.WNOWAIT
        if os.waitid(os.P_PID, launch.program, how) is not None:
            return


def _rings(launch: _Launch) -> bool:
    """Wait for the alarm; False where the owner wants an end instead."""
    if launch.relay is not None:
        return launch.relay.carry(launch.alarm)
    return 0 not in select.select([0, launch.alarm], [], [])[0]


def _in_memory(read: Callable[[int], bytes], length: int) -> int:
    """A file that can only be read, and takes no room from the program's own."""
    descriptor = os.memfd_create("stdin")
    while length:
        part = read(min(length, _COPIED_BYTES))
        length -= len(part)
        while part:
            part = part[os.write(descriptor, part) :]
    reading = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY)
    os.close(descriptor)
    return reading


def _ended(program: int, failure: int) -> dict[str, object]:
    _kill_all()
    _, status, used = os.wait4(program, 0)
    # Only now is there no zombie of ours that a signal still finds.
    until = time.monotonic() + _KILL_S
    while _kill_all() and time.monotonic() < until:
        time.sleep(0.001)
    if reason := os.read(failure, 1_000):
        return {"failed": reason.decode(errors="replace")}
    return {
        "program": program,
        "wait_status": status,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_bytes": used.ru_maxrss * 1024,
    }


def _kill_all() -> bool:
    """Kill every process of this user but this one; whether there was any."""
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _become(
    head: dict[str, Any], *, streams: Sequence[int], syscall_filter: bytes, failed: int
) -> NoReturn:
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        # Where memory runs out, it is the program that goes.
        Path("/proc/self/oom_score_adj").write_text("1000")
        for place, descriptor in enumerate(streams):
            os.dup2(descriptor, place)
        os.dup2(failed, _FAILED, inheritable=False)
        # Not close_range, which gVisor knows only in part; no descriptor is as high as the limit.
        os.closerange(_FAILED + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        if not head["close_descriptors"]:
            os.dup2(0, _FAILED + 1)
        _confine(head, syscall_filter)
    except OSError as error:
        os.write(_FAILED, str(error).encode())
        os._exit(1)
    argv: list[str] = head["argv"]
    try:
        os.execvpe(argv[0], argv, head["environment"])  # noqa: S606
    except OSError as error:
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
        os._exit(_NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE)


def _confine(head: dict[str, Any], syscall_filter: bytes) -> None:
    for number, value in head["limits"].items():
        # gVisor refuses some. Which limits are in force is for the trial to say.
        with suppress(ValueError):
            limit_resources({int(number): value})
    if head["drop_capabilities"]:
        drop_capabilities()
    if head["forbid_new_privileges"]:
        forbid_new_privileges()
    if syscall_filter:
        forbid_syscalls(syscall_filter)


if __name__ == "__main__":
    main()
