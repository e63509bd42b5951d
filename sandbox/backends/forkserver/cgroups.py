"""Cgroups for runs, one set per run: version 2 where it counts a resource, else version 1.

Each of CPU time, memory and processes is taken from wherever this host offers it, so a host of
both versions at once is served, too; what neither offers is missing, and said to be.
"""

from __future__ import annotations

import errno
import itertools
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

from sandbox.contract import Limits

__all__ = ["CgroupUse", "Cgroups", "Resource", "RunCgroup"]

Resource: TypeAlias = Literal["cpu", "memory", "pids"]
_RESOURCES: Final[tuple[Resource, ...]] = ("cpu", "memory", "pids")
_V1_CONTROLLERS: Final[dict[Resource, str]] = {"cpu": "cpuacct", "memory": "memory", "pids": "pids"}
_NAME: Final = "touchstone"
_REMOVAL_TRIES: Final = 20
_REMOVAL_PAUSE_S: Final = 0.001


class CgroupUse(NamedTuple):
    """What all processes of a run have used, with those that are gone."""

    cpu_s: float | None
    peak_memory_bytes: int | None
    out_of_memory: bool
    refused_forks: bool


@dataclass(frozen=True, slots=True)
class _Base:
    """A folder in which runs get cgroups of their own, of one version."""

    folder: Path
    version: Literal[1, 2]


class Cgroups:
    """The places this process may make cgroups in, found once."""

    def __init__(self, *, without: frozenset[Resource] = frozenset()) -> None:
        self._numbers = itertools.count()
        self._bases: dict[Resource, _Base] = {}
        self._leftovers: list[Path] = []
        for resource in _RESOURCES:
            base = None if resource in without else _find_base(resource)
            if base is not None:
                self._bases[resource] = base

    def version(self, resource: Resource) -> Literal[1, 2] | None:
        """Which version counts this resource; None is neither."""
        base = self._bases.get(resource)
        return None if base is None else base.version

    def new_run(self, limits: Limits) -> RunCgroup:
        """A cgroup set with these limits that no process is in yet."""
        name = str(next(self._numbers))
        run = RunCgroup({r: _Place(b.folder / name, b.version) for r, b in self._bases.items()})
        run.make(limits)
        return run

    def remove(self, run: RunCgroup) -> None:
        """Take the set away; its processes are dead, but the kernel may need a moment."""
        waiting = [*self._leftovers, *run.folders]
        self._leftovers = [folder for folder in waiting if not _removed(folder)]

    def close(self) -> None:
        """Take away everything that was made."""
        for folder in (*self._leftovers, *{base.folder for base in self._bases.values()}):
            _removed(folder)


class _Place(NamedTuple):
    folder: Path
    version: Literal[1, 2]

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()

    def write(self, name: str, value: int) -> None:
        (self.folder / name).write_text(str(value))


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
            pids.write("pids.max", limits.processes)

    def doors(self) -> list[int]:
        """Descriptors by which a process joins: it writes 0 to each."""
        return [os.open(folder / "cgroup.procs", os.O_WRONLY) for folder in self.folders]

    def cpu_s(self) -> float | None:
        """CPU time used so far."""
        place = self.places.get("cpu")
        if place is None:
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
        place = self.places.get("memory")
        if place is None:
            return None, False
        if place.version == 1:
            kills = _field(place.read("memory.oom_control"), "oom_kill")
            return int(place.read("memory.max_usage_in_bytes")), kills > 0
        kills = _field(place.read("memory.events"), "oom_kill")
        with suppress(FileNotFoundError):  # memory.peak is younger than Linux 5.19
            return int(place.read("memory.peak")), kills > 0
        return None, kills > 0


def _limit_memory(place: _Place, limit: int) -> None:
    if place.version == 1:
        place.write("memory.limit_in_bytes", limit)
        with suppress(OSError):  # not there on a kernel that does not count swap
            place.write("memory.memsw.limit_in_bytes", limit)
        return
    place.write("memory.max", limit)
    with suppress(FileNotFoundError):
        place.write("memory.swap.max", 0)


def _field(text: str, name: str) -> int:
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0


def _removed(folder: Path) -> bool:
    for _ in range(_REMOVAL_TRIES):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return True
        except OSError as error:
            if error.errno != errno.EBUSY:
                return False
            time.sleep(_REMOVAL_PAUSE_S)
        else:
            return True
    return False


class _Mount(NamedTuple):
    """Where a hierarchy is mounted, and the place of this process in it."""

    folder: Path
    own: Path


def _find_base(resource: Resource) -> _Base | None:
    second = _hierarchy(None)
    if second is not None:
        for parent in (second.folder, second.own):
            if _offers(parent, resource, own=second.own) and (folder := _made(parent)):
                return _Base(folder, 2)
    first = _hierarchy(_V1_CONTROLLERS[resource])
    if first is not None:
        for parent in (first.own, first.folder):
            if folder := _made(parent):
                return _Base(folder, 1)
    return None


def _offers(parent: Path, resource: Resource, *, own: Path) -> bool:
    """Whether children of this cgroup get the controller, which is turned on where need be."""
    if resource == "cpu":
        return True  # every version 2 cgroup counts CPU time
    try:
        if resource not in (parent / "cgroup.controllers").read_text().split():
            return False
        control = parent / "cgroup.subtree_control"
        if resource in control.read_text().split():
            return True
        try:
            control.write_text(f"+{resource}")
        except OSError as error:
            if error.errno != errno.EBUSY or parent != own:
                return False
            _step_aside(parent)
            control.write_text(f"+{resource}")
    except OSError:
        return False
    return True


def _step_aside(own: Path) -> None:
    """Move the processes of our own cgroup into a leaf: one with children may hold none itself."""
    leaf = own / f"{_NAME}-host"
    leaf.mkdir(exist_ok=True)
    for pid in (own / "cgroup.procs").read_text().split():
        with suppress(ProcessLookupError):
            (leaf / "cgroup.procs").write_text(pid)


def _made(parent: Path) -> Path | None:
    """A folder for this process's runs in the cgroup, without those of processes long dead."""
    folder = parent / f"{_NAME}-{os.getpid()}"
    try:
        for stale in _stale(parent):
            for child in (*(path for path in stale.iterdir() if path.is_dir()), stale):
                _removed(child)
        folder.mkdir(exist_ok=True)
        # Only what processes can be put into is of use: a read-only mount is not.
        os.close(os.open(folder / "cgroup.procs", os.O_WRONLY))
    except OSError:
        return None
    return folder


def _stale(parent: Path) -> Iterator[Path]:
    for folder in parent.glob(f"{_NAME}-*"):
        pid = folder.name.rpartition("-")[2]
        if pid.isdigit() and not Path("/proc", pid).exists():
            yield folder


def _hierarchy(controller: str | None) -> _Mount | None:
    """The mount of a version 1 controller, or of version 2 for None."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        words = line.split()
        kind, _, options = words[words.index("-") + 1 :]
        if kind == ("cgroup" if controller else "cgroup2") and (
            controller is None or controller in options.split(",")
        ):
            folder = Path(words[4])
            return _Mount(folder, _own_place(folder, words[3], controller=controller))
    return None


def _own_place(folder: Path, root: str, *, controller: str | None) -> Path:
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if (controller or "") in controllers.split(","):
            # In a container the mount may show a part of the hierarchy only.
            below = path.removeprefix(root) if root != "/" else path
            own = folder / below.lstrip("/")
            return own if own.is_dir() else folder
    return folder
