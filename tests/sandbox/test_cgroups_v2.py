"""Cgroups of runs on a version 2 of plain files, laid out and answering as a kernel would."""

from __future__ import annotations

import errno
import os
from contextlib import closing
from pathlib import Path
from typing import Literal, get_args

import pytest

from sandbox.backends.forkserver import cgroups
from sandbox.backends.forkserver.cgroups import Cgroups, Resource
from sandbox.contract import Limits

RESOURCES: tuple[Resource, ...] = get_args(Resource)
LIMITS = Limits(memory_bytes=48 << 20, processes=4)


class PlainKernel:
    """A version 2 hierarchy of plain files, with the rules of it that matter here."""

    def __init__(self, folder: Path, *, absent: tuple[str, ...] = ()) -> None:
        self.top = self.mount = folder / "cgroup"
        """The hierarchy, and what is mounted of it."""
        self.process = folder / "process"
        self.absent = absent
        self.denied: Path | None = None
        """Where this process may make no folder."""
        self.real_mkdir, self.real_rmdir, self.real_write = os.mkdir, os.rmdir, cgroups._write
        self.process.mkdir()
        self.mkdir(self.top)
        (self.top / "cgroup.controllers").write_text("cpu memory pids")
        self.tell(path="/")

    def tell(self, *, path: str, root: str = "/", more: str = "") -> None:
        """What the kernel says of this process."""
        mount = f"41 40 0:26 {root} {self.mount} rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n"
        (self.process / "mountinfo").write_text(f"1 1 0:5 / / rw - ext4 /dev/vda rw\n{more}{mount}")
        (self.process / "cgroup").write_text(f"3:cpuset:/elsewhere\n0::{path}\n")

    def box(self, *pids: int) -> Path:
        """A cgroup below the root, which has the controllers and these processes."""
        (self.top / "cgroup.subtree_control").write_text("memory pids")
        self.mkdir(self.top / "box")
        (self.top / "box" / "cgroup.procs").write_text(" ".join(map(str, pids)))
        return self.top / "box"

    def mkdir(self, path: os.PathLike[str] | str, mode: int = 0o777) -> None:
        folder = Path(path)
        if folder.parent == self.denied:
            raise PermissionError(errno.EACCES, "denied")
        self.real_mkdir(path, mode)
        if folder.is_relative_to(self.top):
            names = ("procs", "controllers", "subtree_control")
            files = {f"cgroup.{name}": "" for name in names}
            control = folder.parent / "cgroup.subtree_control"
            files["cpu.stat"] = "usage_usec 1500000\nuser_usec 1000000\n"
            for controller in control.read_text().split() if control.exists() else ():
                files["cgroup.controllers"] += f"{controller} "
                files |= FILES[controller]
            for name in files.keys() - self.absent:
                (folder / name).write_text(files[name])

    def rmdir(self, path: os.PathLike[str] | str) -> None:
        folder = Path(path)
        if any(folder.glob("*/")) or (folder / "cgroup.procs").read_text():
            raise OSError(errno.EBUSY, "in use")
        for file in folder.iterdir():
            file.unlink()
        self.real_rmdir(folder)

    def write(self, path: Path, text: str) -> None:
        if path.name == "cgroup.subtree_control":
            self._control(path, text)
        elif path.name == "cgroup.procs":
            for other in self.top.rglob("cgroup.procs"):
                left = set(other.read_text().split()) - {text}
                other.write_text(" ".join(left | {text} if other == path else left))
        else:
            self.real_write(path, text)

    def _control(self, path: Path, text: str) -> None:
        if path.parent != self.top and path.with_name("cgroup.procs").read_text():
            raise OSError(errno.EBUSY, "no internal processes")
        names = set(path.read_text().split())
        for word in text.split():
            names = names | {word[1:]} if word[0] == "+" else names - {word[1:]}
            for child in path.parent.glob("*/"):
                if word[1:] in (child / path.name).read_text().split():
                    raise OSError(errno.EBUSY, "a child hands it on")
        path.write_text(" ".join(sorted(names)))
        for child in path.parent.glob("*/"):
            (child / "cgroup.controllers").write_text(" ".join(sorted(names)))


FILES = {
    "memory": {
        "memory.max": "max",
        "memory.swap.max": "max",
        "memory.peak": "4096",
        "memory.events": "low 0\nhigh 0\nmax 3\noom 1\noom_kill 0\n",
    },
    "pids": {"pids.max": "max", "pids.events": "max 0\n"},
}


def plain(folder: Path, patch: pytest.MonkeyPatch, *absent: str) -> PlainKernel:
    kernel = PlainKernel(folder, absent=absent)
    patch.setattr(os, "mkdir", kernel.mkdir)
    patch.setattr(os, "rmdir", kernel.rmdir)
    patch.setattr(cgroups, "_write", kernel.write)
    return kernel


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlainKernel:
    return plain(tmp_path, monkeypatch)


def versions(opened: Cgroups) -> list[Literal[1, 2] | None]:
    return [opened.version(resource) for resource in RESOURCES]


def test_version_2_limits_and_counts_everything(kernel: PlainKernel) -> None:
    with closing(Cgroups(process=kernel.process)) as opened:
        assert versions(opened) == [2, 2, 2]
        run = opened.new_run(LIMITS)
        (folder,) = run.folders
        limits = {name: (folder / name).read_text() for name in (*FILES["memory"], "pids.max")}
        assert limits["memory.max"] == str(48 << 20)
        assert (limits["memory.swap.max"], limits["pids.max"]) == ("0", "4")
        assert run.use() == (1.5, 4096, False, False)
        (folder / "memory.events").write_text("oom 1\noom_kill 1\noom_group_kill 0\n")
        (folder / "pids.events").write_text("max 2\n")
        assert run.use() == (1.5, 4096, True, True)
        opened.remove(run)
        assert not folder.exists()
    assert list(kernel.top.glob("*/")) == []


def test_version_2_of_an_older_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = plain(tmp_path, monkeypatch, "memory.peak", "memory.swap.max")
    with closing(Cgroups(process=kernel.process)) as opened:
        run = opened.new_run(LIMITS)
        assert run.use().peak_memory_bytes is None
        assert not (run.folders[0] / "memory.swap.max").exists()


def test_a_run_without_its_limits_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = plain(tmp_path, monkeypatch, "pids.max")
    with closing(Cgroups(process=kernel.process)) as opened:
        with pytest.raises(FileNotFoundError, match=r"pids\.max"):
            opened.new_run(LIMITS)
        assert list(kernel.top.glob("*/*/")) == []


@pytest.mark.parametrize("root", ["/", "/box"])
def test_steps_aside_for_its_runs_and_back(kernel: PlainKernel, root: str) -> None:
    """As in a delegated cgroup, and in a container that sees nothing above its own."""
    box = kernel.box(7, 8)
    kernel.mount = box if root == "/box" else kernel.top
    kernel.denied = kernel.top
    kernel.tell(path="/box", root=root)
    first = Cgroups(process=kernel.process)
    assert versions(first) == [2, 2, 2]
    assert procs(box) == set()
    assert procs(box / "touchstone-host") == {"7", "8"}
    kernel.tell(path="/box/touchstone-host", root=root)
    second = Cgroups(process=kernel.process)
    assert versions(second) == [2, 2, 2]
    first.close()
    assert procs(box / "touchstone-host") == {"7", "8"}, "the second one needs it still"
    second.close()
    assert (procs(box), list(box.glob("*/"))) == ({"7", "8"}, [])


def procs(folder: Path) -> set[str]:
    return set((folder / "cgroup.procs").read_text().split())


def test_moves_no_processes_but_those_beside_it(kernel: PlainKernel) -> None:
    """Its own cgroup is elsewhere: the mount shows somebody else's, full of processes."""
    kernel.mount = kernel.box(7, 8)
    kernel.tell(path="/", root="/../box")
    with closing(Cgroups(process=kernel.process)) as opened:
        assert versions(opened) == [2, None, None]
        assert procs(kernel.mount) == {"7", "8"}


def test_takes_from_version_1_what_version_2_lacks(kernel: PlainKernel, tmp_path: Path) -> None:
    (kernel.mount / "cgroup.controllers").write_text("")
    for controller in ("memory", "pids"):
        (tmp_path / controller).mkdir()
    kernel.tell(
        path="/",
        more="".join(
            f"50 40 0:3 / {tmp_path / name} rw - cgroup cgroup rw,{name}\n"
            for name in ("memory", "pids")
        ),
    )
    opened = Cgroups(process=kernel.process)
    assert versions(opened) == [2, 1, 1]
    without = Cgroups(process=kernel.process, without=frozenset({"memory"}))
    assert versions(without) == [2, None, 1]


@pytest.mark.parametrize("place", ["/sys/kernel", "/nowhere"], ids=["read-only", "absent"])
def test_has_none_where_none_can_be_made(tmp_path: Path, place: str) -> None:
    (tmp_path / "mountinfo").write_text(
        f"41 40 0:26 / {place} ro - cgroup2 cgroup2 ro\n"
        f"42 40 0:27 / {place} ro - cgroup cgroup ro,cpuacct,memory,pids\n"
    )
    (tmp_path / "cgroup").write_text("3:cpuacct,memory,pids:/\n0::/\n")
    opened = Cgroups(process=tmp_path)
    assert versions(opened) == [None, None, None]
    run = opened.new_run(LIMITS)
    assert (run.folders, run.doors(), run.use()) == ([], [], (None, None, False, False))
    opened.close()


def test_has_none_where_none_is_mounted(tmp_path: Path) -> None:
    (tmp_path / "mountinfo").write_text("1 1 0:5 / / rw - ext4 /dev/vda rw\n")
    assert versions(Cgroups(process=tmp_path)) == [None, None, None]
