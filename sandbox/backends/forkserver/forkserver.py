"""The forkserver backend: two pools of slots, and what their runs amount to."""

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

from sandbox.backends.forkserver.cgroups import Cgroups
from sandbox.backends.forkserver.layers import CGROUP_LAYERS, PROBE, layers_of
from sandbox.backends.forkserver.pool import SlotPool
from sandbox.backends.forkserver.protocol import SlotSetup
from sandbox.backends.forkserver.runs import Box, Watched, converse, run
from sandbox.backends.forkserver.slot import Slot
from sandbox.box import ADDRESS_SPACE_BYTES, DESCRIPTORS, STACK_BYTES
from sandbox.contract import Conversation, Ending, Isolation, Job, LayerName, Limits
from sandbox.endings import Signs, judge
from sandbox.seccomp import filter_program, lock_filter_program
from sandbox.turns import Turns

__all__ = ["Forkserver"]

_NAME: Final = "forkserver"
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
    """Up to `slots` runs and conversations at once; a caller beyond that waits.

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
        self._without = without
        self._readable = tuple(dict.fromkeys((*readable, sys.base_prefix, sys.base_exec_prefix)))
        self._in_user_namespace = os.geteuid() != 0
        # By chance: process ids repeat in the containers of one host, and uids do not.
        self._first_uid = _FIRST_UID + secrets.randbelow(_OWNERS) * _UIDS_PER_OWNER
        self._numbers = itertools.count()
        self._pool = SlotPool(slots, make=self._slot)
        # For the second ones of conversations. Whoever has a slot of these waits for no other, and
        # is one of those that have a slot of the others, which are as many: nobody waits in vain.
        self._partners = SlotPool(slots, make=self._slot)
        self._turns = Turns()
        self._trying = threading.Lock()
        self._isolation: Isolation | None = None
        left_out = frozenset(r for layer, r in CGROUP_LAYERS.items() if layer in without)
        self._cgroups = Cgroups(without=left_out)

    def run(self, job: Job, *, alone: bool = False) -> Ending:
        """Run the job; a slot that breaks under it is this host's fault, and is replaced."""
        try:
            isolation = self.isolation()
        except OSError as error:
            return _not_started(str(error), _UNKNOWN)
        ending = self._tried(job, isolation, alone=alone)
        if ending.kind == "not_started":
            # Once more in another slot, so that no accident of ours costs the caller a round.
            return self._tried(job, isolation, alone=alone)
        return ending

    def converse(self, first: Job, second: Job, *, alone: bool = False) -> Conversation:
        """Run both, connected by two pipes of the kernel's; else as `run`."""
        try:
            isolation = self.isolation()
        except OSError as error:
            return _neither_started(str(error), _UNKNOWN)
        endings = self._tried_both(first, second, isolation, alone=alone)
        if any(ending.kind == "not_started" for ending in endings):
            return self._tried_both(first, second, isolation, alone=alone)
        return endings

    def isolation(self) -> Isolation:
        """What a probe found that is run on first use."""
        with self._trying:
            if self._isolation is None:
                self._isolation = self._try_out()
            return self._isolation

    def close(self) -> None:
        """End every run and every slot, and remove the cgroups."""
        pools = self._pool, self._partners
        for pool in pools:
            pool.kill()
        # Whoever waits there for a turn has a slot.
        self._turns.close()
        for pool in pools:
            pool.await_end()
        self._cgroups.close()

    def _tried(self, job: Job, isolation: Isolation, *, alone: bool = False) -> Ending:
        try:
            with self._box(self._pool, job) as box, self._turns.turn(alone=alone):
                return _ending(box, run(box), isolation)
        except OSError as error:
            return _not_started(str(error), isolation)

    def _tried_both(
        self, first: Job, second: Job, isolation: Isolation, *, alone: bool
    ) -> Conversation:
        try:
            with (
                self._box(self._pool, first) as one,
                self._box(self._partners, second) as other,
                self._turns.turn(alone=alone),
            ):
                seen = converse(one, other)
                return Conversation(
                    _ending(one, seen[0], isolation), _ending(other, seen[1], isolation)
                )
        except OSError as error:
            return _neither_started(str(error), isolation)

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

    @contextmanager
    def _box(self, pool: SlotPool, job: Job) -> Iterator[Box]:
        with pool.slot(job.preload) as slot:
            cgroup = self._cgroups.new_run(job.limits)
            try:
                yield Box(job, slot, cgroup, self._rlimits(job.limits))
            finally:
                self._cgroups.remove(cgroup)

    def _slot(self, preload: tuple[str, ...]) -> Slot:
        return Slot(self._setup(preload), python=_interpreter())

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


def _not_started(note: str, isolation: Isolation) -> Ending:
    return Ending(kind="not_started", isolation=isolation, note=note)


def _neither_started(note: str, isolation: Isolation) -> Conversation:
    return Conversation(_not_started(note, isolation), _not_started(note, isolation))


def _ending(box: Box, seen: Watched, isolation: Isolation) -> Ending:
    report, limits, use = seen.report, box.job.limits, box.cgroup.use()
    cpu_s = use.cpu_s if use.cpu_s is not None else max(report.cpu_s, seen.most.cpu_s)
    failure = seen.broken or ("" if use.out_of_memory else seen.failure)
    if failure:
        return _not_started(failure, isolation)
    refused_forks = use.refused_forks or seen.most.tasks >= limits.processes
    verdict = judge(
        Signs(
            wait_status=report.wait_status,
            stopped="output" if seen.stdout.truncated or seen.stderr.truncated else seen.stopped,
            over_cpu=cpu_s > limits.cpu_s,
            out_of_memory=use.out_of_memory or seen.stopped == "memory",
            # One that nobody needed any more might have coped.
            refused_forks=refused_forks and not seen.dismissed,
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
