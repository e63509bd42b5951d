"""The warm parent of one slot: it makes its namespaces once, and forks a run on demand.

It has one thread, an environment of three names, no descriptor but the socket to its owner, and
never sees what it runs: a plan passes it as an open file that only the run's own process reads.
When the owner goes, however it goes, the socket closes, this process ends, and as it is the first
one of its PID namespace, the kernel kills everything below it.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import mmap
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NoReturn, TypeAlias

from sandbox import confinement
from sandbox.backends.forkserver import kernel, program
from sandbox.backends.forkserver.census import Census
from sandbox.backends.forkserver.protocol import (
    LARGEST_MESSAGE,
    MOST_DESCRIPTORS,
    Command,
    Report,
    SlotSetup,
    load_plan,
)
from sandbox.backends.forkserver.root import build_root
from sandbox.box import ENVIRONMENT

__all__ = ["Program", "serve"]

Program: TypeAlias = Callable[[], NoReturn]
"""What a run's process does once it is in its box."""

_NAMESPACES: Final = {
    "network": kernel.NEWNET,
    "hostname": kernel.NEWUTS,
    "pids": kernel.NEWPID,
}
_STACK_BYTES: Final = 65_536
_FIRST_OWN: Final = 16
"""Our own descriptors start here, so that those of a run have the small numbers."""
_LONGEST_FAILURE: Final = 4_096
_BEGUN: Final = b"begun"
_NEVER_BEGAN: Final = "the run's process ended before it was in its box"
_NO_MORE_WAITING: Final = Path("/proc/sys/net/ipv4/tcp_max_tw_buckets")


def serve(control_fd: int) -> Program:
    """Make the slot and serve its owner; returns only in a run's process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=control_fd) as first:
        control = socket.socket(fileno=fcntl.fcntl(first, fcntl.F_DUPFD_CLOEXEC, _FIRST_OWN))
    os.dup2(0, program.FAILURES)
    setup = SlotSetup.unpacked(control.recv(LARGEST_MESSAGE))
    try:
        is_shared = _leave_the_host(setup)
        for name in setup.preload:
            importlib.import_module(name)
    except (OSError, ImportError) as error:
        control.send(Report(1, 0.0, str(error)).packed())
        os._exit(1)
    filters = [bytes.fromhex(text) for text in setup.filters[: 2 if is_shared else 1]]
    if "seccomp" in setup.without:
        filters = []
    warm = _WarmParent(control, setup, filters=filters)
    control.send(Report(0, 0.0, "").packed())
    return warm.serve()


def _leave_the_host(setup: SlotSetup) -> bool:
    """Take the slot's namespaces and root; whether the root shows files that other slots share."""
    if setup.in_user_namespace:
        _take_user_namespace(setup)
    flags = kernel.NEWNS | kernel.NEWIPC
    for layer, flag in _NAMESPACES.items():
        flags |= 0 if layer in setup.without else flag
    kernel.unshare(flags)
    child = os.fork()
    if child:
        os.closerange(program.FAILURES, _FIRST_OWN + 1)
        os.waitpid(child, 0)
        os._exit(0)
    kernel.die_with_parent()
    kernel.hide_memory()
    if "network" not in setup.without:
        kernel.loopback_up()
    if "hostname" not in setup.without:
        kernel.set_hostname("sandbox")
    is_shared = build_root(
        readable=setup.readable,
        uid=setup.uid,
        gid=setup.gid,
        whole_host="root" in setup.without,
    )
    if "network" not in setup.without:
        # Or a port that one run closed would be in use for the next. In the root's own /proc, as
        # that of a container is read-only.
        _NO_MORE_WAITING.write_text("0")
    return is_shared


def _take_user_namespace(setup: SlotSetup) -> None:
    uid, gid = os.geteuid(), os.getegid()
    kernel.unshare(kernel.NEWUSER)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{setup.uid} {uid} 1"),
        ("gid_map", f"{setup.gid} {gid} 1"),
    ):
        Path(f"/proc/self/{name}").write_text(text)


class _WarmParent:
    """One run at a time, each in a PID namespace of its own."""

    def __init__(
        self, control: socket.socket, setup: SlotSetup, *, filters: Sequence[bytes]
    ) -> None:
        self._control = control
        self._setup = setup
        self._filters = filters
        self._stack = mmap.mmap(-1, _STACK_BYTES)
        own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        self._pid_namespace = fcntl.fcntl(own, fcntl.F_DUPFD_CLOEXEC, _FIRST_OWN)
        os.close(own)
        self._census = Census()
        # What every run inherits; none of it takes anything from a process that never execs.
        for syscall_filter in self._filters:
            confinement.prepare(syscall_filter)
        if "no_new_privs" not in setup.without:
            confinement.forbid_new_privileges()
        if "capabilities" not in setup.without:
            confinement.empty_bounding_set()
        program.lay_out_streams()
        _forget_ourselves()

    def serve(self) -> Program:
        """Answer commands; what comes for a run that is over already needs no answer."""
        while True:
            command, descriptors = self._receive()
            if command.verb != "run":
                continue
            try:
                begun = self._run(command, descriptors)
            except OSError as error:
                self._control.send(Report(1, 0.0, str(error)).packed())
                os._exit(1)
            if begun is not None:
                return begun

    def _receive(self) -> tuple[Command, list[int]]:
        message, descriptors, _, _ = socket.recv_fds(
            self._control, LARGEST_MESSAGE, MOST_DESCRIPTORS
        )
        if not message:
            os._exit(0)
        return Command.unpacked(message), descriptors

    def _run(self, command: Command, descriptors: Sequence[int]) -> Program | None:
        sizes = (None, None) if "scratch" in self._setup.without else command[1:]
        scratch = kernel.tmpfs(size_bytes=sizes[0], inodes=sizes[1])
        failures, write_end = os.pipe()
        init = self._new_pid_namespace()
        child = os.fork()
        if not child:
            os.dup2(write_end, program.FAILURES)
            return self._begin(descriptors, scratch)
        for descriptor in (*descriptors, write_end):
            os.close(descriptor)
        self._watch(child, init)
        _, status, usage = os.wait4(child, 0)
        self._bury(init)
        said = os.read(failures, _LONGEST_FAILURE)
        os.close(failures)
        failure = "" if said == _BEGUN else said.decode(errors="replace") or _NEVER_BEGAN
        report = Report(status, usage.ru_utime + usage.ru_stime, failure)
        socket.send_fds(self._control, [report.packed()], [scratch])
        os.close(scratch)
        return None

    def _new_pid_namespace(self) -> int:
        if "pids" in self._setup.without:
            return 0
        kernel.unshare(kernel.NEWPID)
        return kernel.spawn_init(self._stack)

    def _watch(self, child: int, init: int) -> None:
        """Wait until the run's first process ends or the owner has it killed."""
        ended = os.pidfd_open(child)
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(ended, select.POLLIN)
        while ended not in {descriptor for descriptor, _ in poll.poll()}:
            command, _ = self._receive()
            if command.verb == "measure":
                self._control.send(self._census.take(leave_out=init).packed())
            else:
                os.kill(init or child, signal.SIGKILL)
                break
        os.close(ended)

    def _bury(self, init: int) -> None:
        """Have every process of the run dead before going on."""
        if init:
            os.kill(init, signal.SIGKILL)
            os.waitpid(init, 0)
            kernel.return_to(self._pid_namespace)

    def _begin(self, descriptors: Sequence[int], scratch: int) -> Program:
        """In the run's process: enter the box, then be the program."""
        plan_file, stdin, stdout, stderr, *cgroups = descriptors
        try:
            plan = load_plan(os.pread(plan_file, os.fstat(plan_file).st_size, 0))
            program.open_streams(stdin, stdout, stderr)
            program.suit_stdin()
            program.enter_box(
                plan,
                scratch=scratch,
                cgroups=cgroups,
                filters=self._filters,
                setup=self._setup,
            )
        except OSError as error:
            os.write(program.FAILURES, str(error).encode()[:_LONGEST_FAILURE])
            os._exit(1)
        # What ends without having said this has not run the program, whatever its status is.
        os.write(program.FAILURES, _BEGUN)
        os.close(program.FAILURES)
        if plan.argv:
            program.execute(plan.argv, ENVIRONMENT)
        return partial(program.run_main, plan.files[program.MAIN], self)


def _forget_ourselves() -> None:
    """Leave no trace of this room's modules to programs, and nothing to the collector."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "sandbox"]:
        del sys.modules[name]
    sys.path[:] = [path for path in sys.path if not path.endswith("/forkserver")]
    gc.collect()
    gc.freeze()
