"""Cgroups for runs, one set per run: version 2 where it counts a resource, else version 1.

Each of CPU time, memory and processes is taken from wherever this host offers it, so a host of
both versions at once is served, too; what neither offers is missing, and said to be.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final, Literal, NamedTuple, TypeAlias

from sandbox.contract import Limits

__all__ = ["CgroupUse", "Cgroups", "Resource", "RunCgroup"]

Resource: TypeAlias = Literal["cpu", "memory", "pids"]
_V1_CONTROLLERS: Final[dict[Resource, str]] = {"cpu": "cpuacct", "memory": "memory", "pids": "pids"}
_NAME: Final = "touchstone"
_LEAF: Final = f"{_NAME}-host"
_CONTROL: Final = "cgroup.subtree_control"
_TRIES: Final = 20
_PAUSE_S: Final = 0.001


class CgroupUse(NamedTuple):
    """What all processes of a run have used, with those that are gone."""

    cpu_s: float | None
    peak_memory_bytes: int | None
    out_of_memory: bool
    refused_forks: bool


class _Place(NamedTuple):
    folder: Path
    version: Literal[1, 2]

    def read(self, name: str) -> str:
        return (self.folder / name).read_bytes().decode()


class Cgroups:
    """The places this process may make cgroups in, found once; `process` tells of it."""

    def __init__(
        self, *, without: frozenset[Resource] = frozenset(), process: Path = Path("/proc/self")
    ) -> None:
        self._numbers = itertools.count()
        self._process = process
        self._made: dict[Path, _Made | None] = {}
        self._bases: dict[Resource, _Place] = {}
        self._leftovers: list[Path] = []
        for resource in _V1_CONTROLLERS:
            if resource not in without and (base := self._base(resource)):
                self._bases[resource] = base

    def version(self, resource: Resource) -> Literal[1, 2] | None:
        """Which version counts this resource; None is neither."""
        return self._bases[resource].version if resource in self._bases else None

    def new_run(self, limits: Limits) -> RunCgroup:
        """A cgroup set with these limits that no process is in yet."""
        name = str(next(self._numbers))
        run = RunCgroup({r: _Place(b.folder / name, b.version) for r, b in self._bases.items()})
        try:
            run.make(limits)
        except OSError:
            self.remove(run)
            raise
        return run

    def remove(self, run: RunCgroup) -> None:
        """Take the set away; its processes are dead, but the kernel may need a moment."""
        waiting = [*self._leftovers, *run.folders]
        self._leftovers = [folder for folder in waiting if not _removed(folder)]

    def close(self) -> None:
        """Take away everything that was made."""
        while self._made:
            parent, made = self._made.popitem()
            if made is not None:
                _remove_all(made)
                _step_back(parent)

    def _base(self, resource: Resource) -> _Place | None:
        second = _hierarchy(None, self._process)
        for parent in dict.fromkeys(second):
            if made := self._folder_in(parent):
                own = parent in second[1:]
                if resource == "cpu" or _enabled(resource, parent, made.folder, own=own):
                    return _Place(made.folder, 2)
                break  # a process is in one cgroup of version 2, so one folder is for everything
        for parent in reversed(_hierarchy(_V1_CONTROLLERS[resource], self._process)):
            if made := self._folder_in(parent):
                return _Place(made.folder, 1)
        return None

    def _folder_in(self, parent: Path) -> _Made | None:
        if parent not in self._made:
            self._made[parent] = _make(parent)
        return self._made[parent]


@dataclass(frozen=True, slots=True)
class RunCgroup:
    """The cgroups of one run."""

    places: dict[Resource, _Place] = field(default_factory=dict)

    @property
    def folders(self) -> list[Path]:
        return list(dict.fromkeys(place.folder for place in self.places.values()))

    def make(self, limits: Limits) -> None:
        """Create the folders and write the limits."""
        for folder in self.folders:
            folder.mkdir()
        if (memory := self.places.get("memory")) is not None:
            _limit_memory(memory, limits.memory_bytes)
        if (pids := self.places.get("pids")) is not None:
            _write(pids.folder / "pids.max", str(limits.processes))

    def doors(self) -> list[int]:
        """Descriptors by which a process joins: it writes 0 to each."""
        return [os.open(folder / "cgroup.procs", os.O_WRONLY) for folder in self.folders]

    def cpu_s(self) -> float | None:
        """CPU time used so far."""
        if (place := self.places.get("cpu")) is None:
            return None
        if place.version == 1:
            return int(place.read("cpuacct.usage")) / 1e9
        return _field(place.read("cpu.stat"), "usage_usec") / 1e6

    def use(self) -> CgroupUse:
        """Everything that was counted."""
        peak, out_of_memory = self._memory()
        pids = self.places.get("pids")
        return CgroupUse(
            cpu_s=self.cpu_s(),
            peak_memory_bytes=peak,
            out_of_memory=out_of_memory,
            refused_forks=pids is not None and _field(pids.read("pids.events"), "max") > 0,
        )

    def _memory(self) -> tuple[int | None, bool]:
        if (place := self.places.get("memory")) is None:
            return None, False
        if place.version == 1:
            kills = _field(place.read("memory.oom_control"), "oom_kill")
            return int(place.read("memory.max_usage_in_bytes")), kills > 0
        kills = _field(place.read("memory.events"), "oom_kill")
        with suppress(FileNotFoundError):  # memory.peak is younger than Linux 5.19
            return int(place.read("memory.peak")), kills > 0
        return None, kills > 0


def _limit_memory(place: _Place, limit: int) -> None:
    first = place.version == 1
    _write(place.folder / ("memory.limit_in_bytes" if first else "memory.max"), str(limit))
    with suppress(OSError):  # not there on a kernel that does not count swap
        name, most = ("memory.memsw.limit_in_bytes", limit) if first else ("memory.swap.max", 0)
        _write(place.folder / name, str(most))


def _write(path: Path, text: str) -> None:
    """As write_text, which would ask to make what is absent: an EACCES among cgroups."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_TRUNC), "wb", buffering=0) as file:
        file.write(text.encode())


def _field(text: str, name: str) -> int:
    return int(dict(line.partition(" ")[::2] for line in text.splitlines()).get(name, 0))


def _removed(folder: Path) -> bool:
    for _ in range(_TRIES):
        try:
            folder.rmdir()
        except OSError as error:
            if error.errno != errno.EBUSY:
                return error.errno == errno.ENOENT
            time.sleep(_PAUSE_S)
        else:
            return True
    return False


class _Made(NamedTuple):
    """A folder for the runs of one Cgroups, in use for as long as the lock is held."""

    folder: Path
    lock: int


def _make(parent: Path) -> _Made | None:
    """A new folder in this cgroup, without those of processes long dead."""
    with suppress(OSError):
        for folder in parent.glob(f"{_NAME}-[0-9]*"):
            if stale := _locked(folder):
                _remove_all(stale)
        for _ in range(_TRIES):  # another process may take it for one of a dead process
            folder = Path(tempfile.mkdtemp(prefix=f"{_NAME}-{os.getpid()}-", dir=parent))
            if made := _locked(folder):
                return made
    return None


def _locked(folder: Path) -> _Made | None:
    """No lock outlasts its process, and it holds in other containers, where PIDs mean others."""
    with suppress(OSError), ExitStack() as stack:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        stack.callback(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        folder.stat()  # or it was removed before it was locked
        stack.pop_all()
        return _Made(folder, lock)
    return None


def _remove_all(made: _Made) -> None:
    for folder in (*made.folder.glob("*/"), made.folder):
        _removed(folder)
    os.close(made.lock)


def _enabled(resource: Resource, parent: Path, folder: Path, *, own: bool) -> bool:
    """Whether runs in this folder of the parent get the controller, turned on where need be."""
    for _ in range(_TRIES):
        try:
            if resource not in (parent / "cgroup.controllers").read_text().split():
                return False
            for control in (parent / _CONTROL, folder / _CONTROL):
                if resource not in control.read_text().split():
                    _write(control, f"+{resource}")
        except OSError as error:
            if error.errno == errno.EBUSY and own:
                _step_aside(parent)
            elif error.errno != errno.ENOENT:  # which is: one of ours has just turned it off
                return False
        else:
            return True
    return False


def _step_aside(own: Path) -> None:
    """Move the processes of our own cgroup into a leaf: one with children may hold none itself."""
    with suppress(OSError):
        (own / _LEAF).mkdir(exist_ok=True)
        _move(own, own / _LEAF)


def _step_back(own: Path) -> None:
    """Undo that, unless another process of ours needs it still."""
    with suppress(OSError):
        if (own / _LEAF).is_dir():
            on = {*(own / _CONTROL).read_text().split()} & {"memory", "pids"}
            _write(own / _CONTROL, " ".join(f"-{name}" for name in on))
            _move(own / _LEAF, own)
            (own / _LEAF).rmdir()


def _move(source: Path, target: Path) -> None:
    for pid in (source / "cgroup.procs").read_text().split():
        with suppress(ProcessLookupError):
            _write(target / "cgroup.procs", pid)


def _hierarchy(controller: str | None, process: Path) -> tuple[Path, ...]:
    """Where version 2 (None) or a controller of version 1 is mounted, then our own place in it."""
    roots: dict[Path, str] = {}
    kind, wanted = ("cgroup", {controller}) if controller else ("cgroup2", set())
    for line in (process / "mountinfo").read_text().splitlines():
        words = line.split()
        found, _, options = words[words.index("-") + 1 :]
        if found == kind and wanted <= {*options.split(",")}:
            roots[Path(words[4])] = words[3]  # of two at one place, the later one is seen
    for folder, root in roots.items():
        return (folder, *_own_place(folder, root, process / "cgroup", controller or ""))
    return ()


def _own_place(folder: Path, root: str, table: Path, controller: str) -> tuple[Path, ...]:
    for line in table.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            # In a container the mount may show a part of the hierarchy only.
            with suppress(ValueError):
                below = PurePosixPath(path).relative_to(root)
                own = folder / (below.parent if below.name == _LEAF else below)
                return (own,) if ".." not in below.parts and own.is_dir() else ()
    return ()
