"""Whose turn it is: alone means alone, also among processes, and nobody waits for ever."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from sandbox import Job, Limits, turns
from sandbox.backends.forkserver import Forkserver
from sandbox.turns import Turns
from tests.live import ROOT, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the default backend is for Linux")

TIMED: Final = """
import sys, time
print(time.monotonic(), file=sys.stderr)
time.sleep(0.2)
print(time.monotonic(), file=sys.stderr)
"""
# Every third one wants to be alone, and every other one is a conversation.
CROWD: Final = f"""
from concurrent.futures import ThreadPoolExecutor
from sandbox import Job, Limits
from sandbox.backends.forkserver import Forkserver

backend = Forkserver(slots=2)
job = Job(source={TIMED!r}, limits=Limits(cpu_s=10, wall_s=60))
still = Job(source="import sys; sys.stdin.read()", limits=job.limits)

def use(number):
    alone = number % 3 == 0
    if number % 2:
        ending = backend.converse(job, still, alone=alone).first
    else:
        ending = backend.run(job, alone=alone)
    return alone, *map(float, ending.stderr.split())

with ThreadPoolExecutor(4) as pool:
    for row in pool.map(use, range(15)):
        print(*row)
backend.close()
"""
LONE: Final = """
from sandbox import Job, Limits
from sandbox.backends.forkserver import Forkserver
backend = Forkserver(slots=1)
backend.run(Job(source="pass", limits=Limits(wall_s=60)))
print("warm", flush=True)
backend.run(Job(source="import time; time.sleep(600)", limits=Limits(wall_s=600)), alone=True)
"""


class Stay(NamedTuple):
    """From when to when one program was there, by the clock that all have."""

    alone: bool
    start: float
    end: float


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of temporary files of the test's own, so that it waits for nobody else."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def many(folder: Path) -> Iterator[list[Turns]]:
    """As if each was of another process."""
    assert folder.is_dir()
    made = [Turns() for _ in range(4)]
    yield made
    for one in made:
        one.close()


def own_folder(folder: Path) -> Path:
    return folder / f"touchstone-turns-{os.geteuid()}"


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def is_locked(path: Path) -> bool:
    """Whether anybody holds a lock on the file."""
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def overlap(one: Stay, other: Stay) -> bool:
    return one.start < other.end and other.start < one.end


def test_alone_is_alone_among_processes(tmp_path: Path) -> None:
    crowds = [
        subprocess.Popen(
            [sys.executable, "-c", CROWD],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    rows = [line.split() for crowd in crowds for line in crowd.communicate()[0].splitlines()]
    stays = [Stay(alone == "True", float(start), float(end)) for alone, start, end in rows]
    assert [crowd.returncode for crowd in crowds] == [0, 0]
    assert len(stays) == 30
    meetings = [pair for pair in combinations(stays, 2) if overlap(*pair)]
    assert not [pair for pair in meetings if any(stay.alone for stay in pair)]
    # Those that share do meet.
    assert meetings


@pytest.fixture
def lone_owner(tmp_path: Path, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that runs something alone, for ten minutes."""
    command = [sys.executable, "-c", LONE]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as owner:
        try:
            assert owner.stdout is not None
            assert owner.stdout.readline() == "warm\n"
            wait_until(lambda: is_locked(own_folder(folder) / "floor"))
            yield owner
        finally:
            owner.kill()


def test_a_lone_one_that_is_killed_is_waited_for_no_more(
    lone_owner: subprocess.Popen[str], folder: Path
) -> None:
    backend = Forkserver(slots=1)
    try:
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(backend.run, Job(source="print(1)", limits=Limits(wall_s=60)))
            wait_until(lambda: is_locked(own_folder(folder) / "turnstile"))
            assert not waiting.done()
            lone_owner.kill()
            assert waiting.result().stdout == b"1\n"
    finally:
        backend.close()


def test_a_lone_one_comes_before_those_that_come_after_it(many: list[Turns], folder: Path) -> None:
    sharing, lone, late, _ = many
    events = []
    waits = threading.Event()

    def be_alone() -> None:
        with lone.turn(alone=True):
            events.append("alone")

    def come_late() -> None:
        waits.set()
        # It opens its files only now, while another one waits.
        with late.turn():
            events.append("late")

    with ThreadPoolExecutor(2) as pool:
        with sharing.turn():
            first = pool.submit(be_alone)
            turnstile = own_folder(folder) / "turnstile"
            wait_until(lambda: is_locked(turnstile))
            second = pool.submit(come_late)
            waits.wait()
            assert not events
            events.append("shared")
        first.result()
        second.result()
    assert events == ["shared", "alone", "late"]


def test_ordinary_ones_share(many: list[Turns]) -> None:
    first, second, *_ = many
    with first.turn(), second.turn(), first.turn(), second.turn():
        pass


@pytest.mark.parametrize("alone", [False, True])
def test_nobody_waits_for_ever(
    many: list[Turns], monkeypatch: pytest.MonkeyPatch, alone: bool
) -> None:
    for patience in ("_PATIENCE_S", "_PATIENCE_ALONE_S"):
        monkeypatch.setattr(turns, patience, 0.05)
    first, second, *_ = many
    with first.turn(alone=True), second.turn(alone=alone):
        pass


def test_closing_ends_the_wait(many: list[Turns]) -> None:
    first, second, *_ = many
    with ThreadPoolExecutor(1) as pool, first.turn(alone=True):
        waiting = pool.submit(second.turn(alone=True).__enter__)
        wait_until(waiting.running)
        second.close()
        with pytest.raises(ConnectionAbortedError, match="closed"):
            waiting.result()
    with pytest.raises(ConnectionAbortedError, match="closed"), second.turn():
        pass


def test_files_are_opened_once_and_closed(folder: Path) -> None:
    before = descriptors()
    one = Turns()
    for _ in range(9):
        with one.turn(), one.turn():
            pass
    assert descriptors() == before + 4
    assert {path.name for path in own_folder(folder).iterdir()} == {"turnstile", "floor"}
    with one.turn():
        one.close()
        assert descriptors() == before + 2
    assert descriptors() == before


def test_files_that_somebody_has_tidied_away_are_made_again(
    many: list[Turns], folder: Path
) -> None:
    first, second, *_ = many
    with first.turn():
        pass
    for path in own_folder(folder).iterdir():
        path.unlink()
    with first.turn(), second.turn():
        floor = own_folder(folder) / "floor"
        assert is_locked(floor)


def a_file(own: Path) -> None:
    own.write_text("")


def a_link(own: Path) -> None:
    (own.parent / "elsewhere").mkdir(mode=0o700)
    own.symlink_to(own.parent / "elsewhere")


def of_all(own: Path) -> None:
    own.mkdir()
    own.chmod(0o777)


def of_another(own: Path) -> None:
    own.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(own, 65_534, 65_534)
    else:
        # Nobody else can give one away, and this is as good as that.
        own.chmod(0o750)


@pytest.mark.parametrize("spoil", [a_file, a_link, of_all, of_another])
def test_a_folder_that_is_not_ours_is_not_used(folder: Path, spoil: Callable[[Path], None]) -> None:
    """The threads of the process take turns all the same."""
    spoil(own_folder(folder))
    before = descriptors()
    own = Turns()
    events = []

    def be_alone() -> None:
        with own.turn(alone=True):
            events.append("alone")

    with ThreadPoolExecutor(1) as pool:
        with own.turn(), own.turn():
            lone = pool.submit(be_alone)
            wait_until(lone.running)
            events.append("shared")
        lone.result()
    assert events == ["shared", "alone"]
    assert not list(folder.rglob("floor"))
    own.close()
    assert descriptors() == before
