"""The forkserver backend: a pool of slots, and what their runs amount to."""

from __future__ import annotations

import itertools
import json
import os
import resource
import secrets
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sandbox.backends.forkserver.cgroups import Cgroups, CgroupUse, RunCgroup
from sandbox.backends.forkserver.layers import CGROUP_LAYERS, PROBE, layers_of
from sandbox.backends.forkserver.protocol import SlotSetup
from sandbox.backends.forkserver.slot import Slot, Watched
from sandbox.backends.forkserver.watch import SlotBroken
from sandbox.box import ADDRESS_SPACE_BYTES, DESCRIPTORS, STACK_BYTES
from sandbox.contract import Ending, Isolation, Job, LayerName, Limits
from sandbox.endings import Signs, judge
from sandbox.seccomp import filter_program, lock_filter_program

__all__ = ["Forkserver"]

_NAME: Final = "forkserver"
_RUNS_PER_SLOT: Final = 1_000
_INNER_ID: Final = 1_000
_FIRST_UID: Final = 2**30
_UIDS_PER_OWNER: Final = 2**8
_OWNERS: Final = 2**22
_MIB: Final = 2**20
_DATA_ALLOWANCE: Final = 128 * _MIB
"""What an interpreter maps before the program does anything, where memory is limited by process."""
_STACK_WITHOUT_CGROUP: Final = 64 * _MIB
_NPROC_ALLOWANCE: Final = 4_096
"""Finite, and out of the way: the cgroup is what limits processes."""
_OWN_PROCESSES: Final = 3
_LONGEST_COMPLAINT: Final = 500
_UNKNOWN: Final = Isolation(backend=_NAME, layers=())


class Forkserver:
    """Up to `slots` runs at once; a caller beyond that waits.

    `readable` are folders of the host that programs may read besides /usr: toolchains.
    `without` leaves layers out, for the tests that prove that this would be noticed.
    """

    def __init__(
        self,
        *,
        slots: int,
        readable: tuple[str, ...] = (),
        without: frozenset[LayerName] = frozenset(),
    ) -> None:
        self._slots = slots
        self._without = without
        self._readable = tuple(dict.fromkeys((*readable, sys.base_prefix, sys.base_exec_prefix)))
        self._in_user_namespace = os.geteuid() != 0
        # By chance: process ids repeat in the containers of one host, and uids do not.
        self._first_uid = _FIRST_UID + secrets.randbelow(_OWNERS) * _UIDS_PER_OWNER
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._idle: list[Slot] = []
        self._busy: set[Slot] = set()
        self._starting = 0
        self._closed = False
        self._trying = threading.Lock()
        self._isolation: Isolation | None = None
        left_out = frozenset(r for layer, r in CGROUP_LAYERS.items() if layer in without)
        self._cgroups = Cgroups(without=left_out)

    def run(self, job: Job) -> Ending:
        """Run the job; a slot that breaks under it is this host's fault, and is replaced."""
        try:
            isolation = self.isolation()
        except OSError as error:
            return Ending(kind="not_started", isolation=_UNKNOWN, note=str(error))
        ending = self._tried(job, isolation)
        # Once more in another slot, so that no accident of ours costs the caller a round.
        return self._tried(job, isolation) if ending.kind == "not_started" else ending

    def isolation(self) -> Isolation:
        """What a probe found that is run on first use."""
        with self._trying:
            if self._isolation is None:
                self._isolation = self._try_out()
            return self._isolation

    def close(self) -> None:
        """End every run and every slot, and remove the cgroups."""
        with self._changed:
            self._closed = True
            slots = [*self._idle, *self._busy]
            self._idle.clear()
            self._changed.notify_all()
        for slot in slots:
            slot.kill()
        with self._changed:
            self._changed.wait_for(lambda: not self._busy and not self._starting)
        for slot in slots:
            slot.close()
        self._cgroups.close()

    def _tried(self, job: Job, isolation: Isolation) -> Ending:
        try:
            return self._run(job, isolation)
        except (OSError, SlotBroken) as error:
            return Ending(kind="not_started", isolation=isolation, note=str(error))

    def _try_out(self) -> Isolation:
        ending = self._tried(PROBE, _UNKNOWN)
        if ending.kind == "not_started":
            raise OSError(ending.note)
        if (ending.kind, ending.status) != ("exited", 0):
            said = ending.stderr.decode(errors="replace")[-_LONGEST_COMPLAINT:]
            raise OSError(f"a first program ended as {ending.kind}: {said}")
        first_parts = frozenset(Path(folder).parts[1] for folder in self._readable)
        layers = layers_of(json.loads(ending.stdout), cgroups=self._cgroups, readable=first_parts)
        return Isolation(backend=_NAME, layers=layers)

    def _run(self, job: Job, isolation: Isolation) -> Ending:
        with self._slot(job.preload) as slot, self._cgroup(job.limits) as cgroup:
            seen = slot.run(job, rlimits=self._rlimits(job.limits), cgroup=cgroup)
            return _ending(job, seen, use=cgroup.use(), isolation=isolation)

    @contextmanager
    def _cgroup(self, limits: Limits) -> Iterator[RunCgroup]:
        cgroup = self._cgroups.new_run(limits)
        try:
            yield cgroup
        finally:
            self._cgroups.remove(cgroup)

    @contextmanager
    def _slot(self, preload: tuple[str, ...]) -> Iterator[Slot]:
        slot = self._take(preload)
        healthy = False
        try:
            yield slot
            healthy = True
        finally:
            with self._changed:
                self._busy.discard(slot)
                worn = slot.broken or slot.runs >= _RUNS_PER_SLOT
                if healthy and not worn and not self._closed:
                    self._idle.append(slot)
                else:
                    slot.close()
                self._changed.notify_all()

    def _take(self, preload: tuple[str, ...]) -> Slot:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._has_room())
            if self._closed:
                raise ConnectionAbortedError("the sandbox was closed")
            for slot in reversed(self._idle):
                if slot.preload == preload:
                    self._idle.remove(slot)
                    self._busy.add(slot)
                    return slot
            if self._live() >= self._slots:
                # Of another preload, and used longest ago.
                self._idle.pop(0).close()
            self._starting += 1
        try:
            slot = Slot(self._setup(preload), python=_interpreter())
        except BaseException:
            self._started(None)
            raise
        self._started(slot)
        return slot

    def _has_room(self) -> bool:
        return bool(self._idle) or self._live() < self._slots

    def _live(self) -> int:
        return len(self._idle) + len(self._busy) + self._starting

    def _started(self, slot: Slot | None) -> None:
        with self._changed:
            self._starting -= 1
            if slot is not None:
                self._busy.add(slot)
            self._changed.notify_all()

    def _setup(self, preload: tuple[str, ...]) -> SlotSetup:
        uid = self._first_uid + next(self._numbers) % _UIDS_PER_OWNER
        if self._in_user_namespace:
            uid = _INNER_ID
        return SlotSetup(
            uid=uid,
            gid=uid,
            in_user_namespace=self._in_user_namespace,
            readable=self._readable,
            preload=preload,
            filters=[filter_program().hex(), lock_filter_program().hex()],
            without=sorted(self._without),
        )

    def _rlimits(self, limits: Limits) -> dict[int, int]:
        counted = {r: self._cgroups.version(r) is not None for r in CGROUP_LAYERS.values()}
        own = _OWN_PROCESSES if self._in_user_namespace else 0
        allowance = _NPROC_ALLOWANCE if counted["pids"] else 0
        in_bounds = counted["memory"]
        return {
            resource.RLIMIT_CORE: 0,
            resource.RLIMIT_NOFILE: DESCRIPTORS,
            resource.RLIMIT_FSIZE: limits.disk_bytes,
            resource.RLIMIT_CPU: int(limits.cpu_s) + 2,
            resource.RLIMIT_NPROC: limits.processes + own + allowance,
            resource.RLIMIT_AS: ADDRESS_SPACE_BYTES,
            resource.RLIMIT_DATA: (
                ADDRESS_SPACE_BYTES if in_bounds else limits.memory_bytes + _DATA_ALLOWANCE
            ),
            resource.RLIMIT_STACK: STACK_BYTES if in_bounds else _STACK_WITHOUT_CGROUP,
        }


def _interpreter() -> str:
    """The interpreter a virtual environment was made of: programs are not to see the service's."""
    base: str = getattr(sys, "_base_executable", "") or sys.executable
    return base


def _ending(job: Job, seen: Watched, *, use: CgroupUse, isolation: Isolation) -> Ending:
    report = seen.report
    cpu_s = use.cpu_s if use.cpu_s is not None else max(report.cpu_s, seen.most.cpu_s)
    if report.failure and not use.out_of_memory:
        return Ending(kind="not_started", isolation=isolation, note=report.failure)
    verdict = judge(
        Signs(
            wait_status=report.wait_status,
            stopped="output" if seen.stdout.truncated or seen.stderr.truncated else seen.stopped,
            over_cpu=cpu_s > job.limits.cpu_s,
            out_of_memory=use.out_of_memory or seen.stopped == "memory",
            refused_forks=use.refused_forks or seen.most.tasks >= job.limits.processes,
        )
    )
    counted = use.peak_memory_bytes
    return Ending(
        kind=verdict.kind,
        isolation=isolation,
        status=verdict.status,
        signal=verdict.signal,
        stdout=seen.stdout.kept,
        stderr=seen.stderr.kept,
        stdout_truncated=seen.stdout.truncated,
        stderr_truncated=seen.stderr.truncated,
        files=seen.files,
        unfetched=seen.unfetched,
        cpu_s=cpu_s,
        wall_s=seen.wall_s,
        peak_memory_bytes=counted if counted is not None else seen.most.memory_bytes or None,
    )
