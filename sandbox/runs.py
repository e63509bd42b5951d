"""`run` and `converse`: hand jobs to this process's one backend, which is closed at its end."""

from __future__ import annotations

import atexit
import functools
import os
import threading

from sandbox.contract import Backend, Conversation, Ending, Isolation, Job, SandboxOptions

__all__ = ["close_runs", "converse", "isolation", "open_runs", "run"]


def run(job: Job, *, alone: bool = False) -> Ending:
    """Run a program in the sandbox; waits for a free slot, and for as long as its limits allow.

    Never raises for what the program does, nor for what this host lacks: that is `not_started`.
    `alone` runs it while no other run or conversation of this user's processes is under way on
    this host: for figures of time that are to be believed.
    """
    try:
        backend = _backend()
    except (OSError, ImportError) as error:
        return _without_backend(error)
    return backend.run(job, alone=alone)


def converse(first: Job, second: Job, *, alone: bool = False) -> Conversation:
    """Run two programs at once, each in a box of its own, that talk by their standard streams.

    What each one writes to stdout is the other's stdin, and not kept; a limit counts for one alone.
    When one ends, the other reads end-of-file, and is refused when it writes; when the first ends,
    the second is killed.
    A ValueError says that a job brings an input of its own; else as `run`, for both, `alone` too.
    """
    for job in (first, second):
        if job.stdin:
            raise ValueError("in a conversation the stdin of a Job is what the other one writes")
    try:
        backend = _backend()
    except (OSError, ImportError) as error:
        return Conversation(_without_backend(error), _without_backend(error))
    return backend.converse(first, second, alone=alone)


def _without_backend(error: Exception) -> Ending:
    nothing = Isolation(backend="none", layers=())
    return Ending(kind="not_started", isolation=nothing, note=str(error))


def isolation() -> Isolation:
    """The layers in force, as tried out; an OSError says why nothing can be run on this host."""
    return _backend().isolation()


def open_runs(options: SandboxOptions) -> Isolation:
    """Open the backend that these options describe, in place of any other, and try it out."""
    close_runs()
    backend = _opened_with(options)
    try:
        return backend.isolation()
    except BaseException:
        close_runs()
        raise


def close_runs(*, for_good: bool = False) -> None:
    """End every run of this process and leave nothing behind; a later run opens afresh.

    `for_good`, a later run is `not_started`: who tries again what was ended here is not to hold up
    a process on its way out, nor to run it in another backend than the one that was asked for.
    """
    opened = _opened()
    with opened.lock:
        opened.over_in = os.getpid() if for_good else None
        backend = opened.backends.pop(os.getpid(), None)
    if backend is not None:
        backend.close()


class _Opened:
    """The backend of this process; keyed by it, so that a fork never uses its parent's."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.backends: dict[int, Backend] = {}
        self.over_in: int | None = None


@functools.cache
def _opened() -> _Opened:
    atexit.register(close_runs)
    return _Opened()


def _backend() -> Backend:
    return _opened().backends.get(os.getpid()) or _opened_with(SandboxOptions())


def _opened_with(options: SandboxOptions) -> Backend:
    opened = _opened()
    with opened.lock:
        backend = opened.backends.get(os.getpid())
        if backend is None:
            if opened.over_in == os.getpid():
                raise OSError("this process is going, and runs nothing any more")
            backend = opened.backends[os.getpid()] = _made(options)
        return backend


def _made(options: SandboxOptions) -> Backend:
    # Imported when chosen: each needs what not every host has.
    if options.backend == "docker":
        from sandbox.backends.docker import DockerBackend, DockerOptions

        docker = DockerOptions(
            image=options.image, runtime=options.runtime, policy=options.policy, url=options.url
        )
        return DockerBackend(docker, slots=options.slots)
    from sandbox.backends.forkserver import Forkserver

    return Forkserver(slots=options.slots, readable=options.readable)
