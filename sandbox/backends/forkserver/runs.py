"""One job in one slot, or two that talk: from the plan to what was seen when all was over."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sandbox.backends.forkserver.cgroups import RunCgroup
from sandbox.backends.forkserver.program import MAIN
from sandbox.backends.forkserver.protocol import Command, Plan, Report, Usage, plan_bytes
from sandbox.backends.forkserver.slot import Slot
from sandbox.backends.forkserver.streams import Drain, Written
from sandbox.backends.forkserver.watch import Watch, until_ended
from sandbox.confinement import collect
from sandbox.contract import EndingKind, Job, Unfetched

__all__ = ["Box", "Watched", "converse", "run"]

_READ_ONLY: Final = 0o444
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_OWN_INODES: Final = 4
"""The folders that every run finds: the filesystem's root and three below it."""
_NOTHING: Final = Written()
_NO_USE: Final = Usage(0.0, 0, 0)
_NO_REPORT: Final = Report(0, 0.0, "")


class Box(NamedTuple):
    """A job, and what it is to run in."""

    job: Job
    slot: Slot
    cgroup: RunCgroup
    rlimits: Mapping[int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """What was seen of one run from outside, when all of its processes were dead."""

    report: Report
    broken: str = ""
    """Why nothing is known of it, and its slot is not to be used again."""
    failure: str = ""
    """Why it never began, which may be that it had too little memory."""
    stopped: EndingKind | None = None
    dismissed: bool = False
    """It was killed because nobody needed it any more."""
    stdout: Written = _NOTHING
    stderr: Written = _NOTHING
    wall_s: float = 0.0
    most: Usage = _NO_USE
    files: Mapping[str, bytes] = field(default_factory=dict)
    unfetched: Mapping[str, Unfetched] = field(default_factory=dict)


def run(box: Box) -> Watched:
    """Run the job to its end, when all of its processes are dead."""
    with ExitStack() as stack:
        one = _Run(box, stack)
        until_ended(one.watch)
        return one.seen()


def converse(first: Box, second: Box) -> tuple[Watched, Watched]:
    """Run both at once, each reading what the other writes; when the first ends, so does all."""
    with ExitStack() as stack:
        with _crossed_pipes(first.slot, second.slot) as (for_first, for_second):
            one = _Run(first, stack, ends=for_first)
            other = _Run(second, stack, ends=for_second)
        until_ended(one.watch, other.watch)
        return one.seen(), other.seen()


class _Ends(NamedTuple):
    """The ends of two pipes, by which one program hears the other and speaks to it."""

    stdin: int
    stdout: int


@contextmanager
def _crossed_pipes(first: Slot, second: Slot) -> Iterator[tuple[_Ends, _Ends]]:
    """Open only until both have begun: afterwards nobody holds an end but its program."""
    with ExitStack() as stack:
        pipes = []
        for writer in (first, second):
            pipe = os.pipe()
            for end in pipe:
                stack.callback(os.close, end)
            writer.give_to_write(pipe[1])
            pipes.append(pipe)
        (heard_by_second, said_by_first), (heard_by_first, said_by_second) = pipes
        yield _Ends(heard_by_first, said_by_first), _Ends(heard_by_second, said_by_second)


class _Run:
    """One run under way; the stack closes what it needs of us until it is over."""

    def __init__(self, box: Box, stack: ExitStack, *, ends: _Ends | None = None) -> None:
        self._box = box
        self._drains: list[Drain] = []
        broken = self._begin(stack, ends)
        self.watch = Watch(
            box.slot.control, box.job.limits, cgroup=box.cgroup, streams=self._drains
        )
        stack.callback(self.watch.close)
        if broken:
            self.watch.give_up(broken)

    def seen(self) -> Watched:
        """What there is to tell, once it is over."""
        watch, job = self.watch, self._box.job
        if watch.report is None:
            self._box.slot.broken = True
            return Watched(report=_NO_REPORT, broken=watch.broken)
        self._box.slot.broken = bool(watch.failure)
        for drain in self._drains:
            drain.to_the_end()
        *stdout, stderr = (drain.written for drain in self._drains)
        files: Mapping[str, bytes] = {}
        unfetched: Mapping[str, Unfetched] = {}
        if watch.scratch is not None:
            files, unfetched = _fetched(job, watch.scratch)
        return Watched(
            report=watch.report,
            failure=watch.failure,
            stopped=watch.stopped,
            dismissed=watch.dismissed,
            stdout=stdout[0] if stdout else _NOTHING,
            stderr=stderr,
            wall_s=watch.wall_s,
            most=watch.most,
            files=files,
            unfetched=unfetched,
        )

    def _begin(self, stack: ExitStack, ends: _Ends | None) -> str:
        """Send the job to the slot; what went wrong there, if anything."""
        job = self._box.job
        files = job.files if job.source is None else {**job.files, MAIN: job.source.encode()}
        plan = plan_bytes(Plan(argv=job.argv, rlimits=self._box.rlimits, files=files))
        size = job.limits.disk_bytes + sum(map(_size_on_disk, files.values()))
        inodes = job.limits.inodes + _OWN_INODES + sum(name.count("/") + 1 for name in files)
        theirs: list[int] = []
        try:
            theirs.append(_memory_file("plan", plan))
            if ends is None:
                theirs += [_memory_file("stdin", job.stdin), self._drained(stack)]
            theirs += [self._drained(stack), *self._box.cgroup.doors()]
            sent = theirs if ends is None else [theirs[0], *ends, *theirs[1:]]
            self._box.slot.start(Command("run", size, inodes), sent)
        except (ConnectionError, TimeoutError) as error:
            return f"the warm parent is gone: {error}"
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        return ""

    def _drained(self, stack: ExitStack) -> int:
        """The writing end of a pipe that is drained until the run is over."""
        read_end, write_end = os.pipe()
        stack.callback(os.close, read_end)
        self._drains.append(Drain(read_end, self._box.job.limits.output_bytes))
        self._box.slot.give(write_end)
        return write_end


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
