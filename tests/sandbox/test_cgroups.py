"""Cgroups of runs, on this kernel with the versions it has."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import get_args

import pytest

from sandbox.backends.forkserver.cgroups import Cgroups, Resource, RunCgroup
from sandbox.contract import Limits
from tests.live import ROOT, wait_until

RESOURCES: tuple[Resource, ...] = get_args(Resource)
LIMITS = Limits(memory_bytes=48 << 20, processes=4)
of_this_kernel = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root may make cgroups everywhere"
)

JOIN = "import os, sys, time\nfor door in sys.argv[1:]: os.write(int(door), b'0')\n"
FORKS = "try:\n    for _ in range(8):\n        if not os.fork(): time.sleep(60)\n"
OWNER = """\
from sandbox.backends.forkserver.cgroups import Cgroups
from sandbox.contract import Limits

own = Cgroups()
print(*own.new_run(Limits()).folders, flush=True)
input()
own.close()
"""


@pytest.fixture
def own() -> Iterator[Cgroups]:
    with closing(Cgroups()) as opened:
        yield opened
    assert all(opened.version(resource) for resource in RESOURCES)
    assert folders_of(os.getpid()) == []


def folders_of(pid: int) -> list[Path]:
    return list(Path("/sys/fs/cgroup").rglob(f"touchstone-{pid}-*"))


def run_in(run: RunCgroup, program: str) -> subprocess.Popen[bytes]:
    with ExitStack() as stack:
        doors = run.doors()
        for door in doors:
            stack.callback(os.close, door)
        command = [sys.executable, "-c", JOIN + program, *map(str, doors)]
        return subprocess.Popen(
            command, pass_fds=doors, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )


@of_this_kernel
def test_counts_cpu_time_and_memory(own: Cgroups) -> None:
    run = own.new_run(LIMITS)
    burn = "end = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    program = f"x = bytes([1]) * (24 << 20)\n{burn}"
    with run_in(run, program) as process:
        assert process.wait() == 0
    use = run.use()
    assert use.cpu_s is not None
    assert 0.25 < use.cpu_s < 5
    assert use.peak_memory_bytes is None or 24 << 20 < use.peak_memory_bytes <= 48 << 20
    assert (use.out_of_memory, use.refused_forks) == (False, False)
    own.remove(run)
    assert not any(folder.exists() for folder in run.folders)


@of_this_kernel
def test_ends_what_takes_more_memory(own: Cgroups) -> None:
    run, neighbour = own.new_run(LIMITS), own.new_run(LIMITS)
    with run_in(run, "x = bytes([1]) * (96 << 20)") as process:
        assert process.wait() == -9
    assert run.use().out_of_memory
    assert not neighbour.use().out_of_memory


@of_this_kernel
def test_refuses_forks(own: Cgroups) -> None:
    run = own.new_run(LIMITS)
    program = f"{FORKS}except BlockingIOError: print(os.getpid(), flush=True)\ntime.sleep(60)"
    with run_in(run, program) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        assert run.use().refused_forks
        own.remove(run)
        assert all(folder.exists() for folder in run.folders), "with processes in it, it stays"
        for pid in (run.folders[0] / "cgroup.procs").read_text().split():
            os.kill(int(pid), 9)
    wait_until(lambda: not any((f / "cgroup.procs").read_text() for f in run.folders))
    own.remove(own.new_run(LIMITS))
    assert not any(folder.exists() for folder in run.folders), "removed by the way"


@of_this_kernel
def test_two_in_one_process_do_not_meet(own: Cgroups) -> None:
    other = Cgroups()
    runs = own.new_run(LIMITS), other.new_run(LIMITS)
    assert not set(runs[0].folders) & set(runs[1].folders)
    other.close()
    for run in (runs[0], own.new_run(LIMITS)):
        with run_in(run, "") as process:
            assert process.wait() == 0
        assert run.use().cpu_s


@of_this_kernel
def test_folders_go_with_their_owner_and_no_sooner() -> None:
    command = [sys.executable, "-c", OWNER]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        folders = [Path(word) for word in owner.stdout.readline().split()]
        Cgroups().close()
        assert folders
        assert all(folder.exists() for folder in folders), "its owner lives"
        owner.kill()
        owner.wait()
        assert all(folder.exists() for folder in folders), "nobody could remove them"
    Cgroups().close()
    assert folders_of(owner.pid) == []
