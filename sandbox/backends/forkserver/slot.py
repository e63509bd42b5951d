"""The owner's side of one slot: starts its warm parent and hands it one run at a time."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from sandbox.backends.forkserver import start
from sandbox.backends.forkserver.cgroups import RunCgroup
from sandbox.backends.forkserver.program import MAIN
from sandbox.backends.forkserver.protocol import (
    LARGEST_MESSAGE,
    Command,
    Plan,
    Report,
    SlotSetup,
    Usage,
    answer_of,
    plan_bytes,
)
from sandbox.backends.forkserver.streams import Drain
from sandbox.backends.forkserver.watch import SlotBroken, Watch
from sandbox.box import ENVIRONMENT
from sandbox.confinement import collect
from sandbox.contract import EndingKind, Job, Unfetched

__all__ = ["Slot", "Watched"]

_START_S: Final = 60.0
_READ_ONLY: Final = 0o444
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_OWN_INODES: Final = 4
"""The folders that every run finds: the filesystem's root and three below it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """What was seen of one run from outside, when all of its processes were dead."""

    stopped: EndingKind | None
    report: Report
    stdout: Drain
    stderr: Drain
    wall_s: float
    most: Usage
    files: Mapping[str, bytes]
    unfetched: Mapping[str, Unfetched]


class Slot:
    """One warm parent in its own namespaces, used by one caller at a time."""

    def __init__(self, setup: SlotSetup, *, python: str) -> None:
        self.preload = tuple(setup.preload)
        self.runs = 0
        self.broken = False
        """A run could not begin: whatever is wrong, this slot is not to be used again."""
        self._setup = setup
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(_START_S)
        with theirs:
            # Its own session: a terminal's Ctrl-C is for the owner, which decides who stops when.
            self._process = subprocess.Popen(
                [python, "-I", start.__file__, str(theirs.fileno())],
                env=None if "environment" in setup.without else ENVIRONMENT,
                pass_fds=(theirs.fileno(),),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=None,  # what it says there is a fault of ours
                start_new_session=True,
            )
        try:
            self._control.send(setup.packed())
            answer = answer_of(self._control.recv(LARGEST_MESSAGE) or b'["report",1,0,"it ended"]')
        except OSError as error:
            self.close()
            raise OSError(f"{python} did not start as a warm interpreter: {error}") from error
        if isinstance(answer, Report) and answer.failure:
            self.close()
            raise OSError(answer.failure)

    def kill(self) -> None:
        """End the warm parent, and with it all that is below it; a run under way breaks."""
        self._process.kill()

    def close(self) -> None:
        """End the warm parent and forget it; no run may be under way."""
        self._control.close()
        self._process.kill()
        self._process.wait()

    def run(self, job: Job, *, rlimits: Mapping[int, int], cgroup: RunCgroup) -> Watched:
        """Run the job to its end, when all of its processes are dead."""
        self.runs += 1
        with ExitStack() as stack:
            stdout, stderr = self._send(job, rlimits=rlimits, cgroup=cgroup, stack=stack)
            watch = Watch(self._control, job.limits, cgroup=cgroup)
            report = watch.until_ended(stdout, stderr)
            self.broken = bool(report.failure)
            if watch.scratch is not None:
                stack.callback(os.close, watch.scratch)
            wall_s = watch.wall_s
            stdout.to_the_end()
            stderr.to_the_end()
            files, unfetched = (
                _fetched(job, watch.scratch) if watch.scratch is not None else ({}, {})
            )
        return Watched(
            stopped=watch.stopped,
            report=report,
            stdout=stdout,
            stderr=stderr,
            wall_s=wall_s,
            most=watch.most,
            files=files,
            unfetched=unfetched,
        )

    def _send(
        self,
        job: Job,
        *,
        rlimits: Mapping[int, int],
        cgroup: RunCgroup,
        stack: ExitStack,
    ) -> tuple[Drain, Drain]:
        files = job.files if job.source is None else {**job.files, MAIN: job.source.encode()}
        plan = plan_bytes(Plan(argv=job.argv, rlimits=rlimits, files=files))
        drains, theirs = [], [_memory_file("plan", plan), _memory_file("stdin", job.stdin)]
        for _ in range(2):
            read_end, write_end = os.pipe()
            stack.callback(os.close, read_end)
            drains.append(Drain(read_end, job.limits.output_bytes))
            theirs.append(write_end)
            if not self._setup.in_user_namespace:
                # So that the program may open /dev/stdout, too.
                os.fchown(write_end, self._setup.uid, self._setup.gid)
        theirs += cgroup.doors()
        size = job.limits.disk_bytes + sum(map(_size_on_disk, files.values()))
        inodes = job.limits.inodes + _OWN_INODES + sum(name.count("/") + 1 for name in files)
        try:
            message = Command("run", size, inodes).packed()
            socket.send_fds(self._control, [message], theirs)
        except OSError as error:
            raise SlotBroken(f"the warm parent is gone: {error}") from error
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        return drains[0], drains[1]


def _memory_file(name: str, data: bytes) -> int:
    """A file of this content without a place in any folder, open for reading only."""
    descriptor = os.memfd_create(name)
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    os.fchmod(descriptor, _READ_ONLY)
    try:
        return os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY)
    finally:
        os.close(descriptor)


def _size_on_disk(data: bytes) -> int:
    return -(-len(data) // _PAGE_BYTES) * _PAGE_BYTES


def _fetched(job: Job, scratch: int) -> tuple[Mapping[str, bytes], Mapping[str, Unfetched]]:
    if not job.fetch:
        return {}, {}
    folder = os.open("work", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=scratch)
    try:
        return collect(folder, job.fetch, most_bytes=job.limits.fetch_bytes)
    finally:
        os.close(folder)
