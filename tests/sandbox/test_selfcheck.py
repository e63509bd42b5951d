"""The conformance suite itself: its table, what it makes of bad backends, its command line."""

from __future__ import annotations

import re
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from sandbox.contract import (
    LAYERS,
    Backend,
    Conversation,
    Ending,
    EndingKind,
    Isolation,
    Job,
    Layer,
)
from sandbox.selfcheck import CHECKS, run_checks
from sandbox.selfcheck.command import main
from tests.graders.tables import shared_rows

_ROOT: Final = Path(__file__).resolve().parents[2]
_ISOLATION: Final = Isolation(
    backend="broken", layers=tuple(Layer(name, True, "so it says") for name in LAYERS)
)
# These ask the contract alone, and run nothing.
_OF_JOBS: Final = ("names of files in", "names of files out")

CORPUS: Final = {
    "sandbox-02": "thread bomb",
    "sandbox-04": "memory spread over children",
    "sandbox-06": "fallocate",
    "sandbox-07": "inode fill",
    "sandbox-08": "deep directory tree",
    "sandbox-13": "vsock",
    "sandbox-15": "environment of the owner",
    "sandbox-16": "other processes",
    "sandbox-17": "signals to everybody",
    "sandbox-18": "daemon",
    "sandbox-19": "signals ignored",
    "sandbox-21": "mounts",
    "sandbox-23": "leftover keys",
    "sandbox-25": "no new privileges",
    "sandbox-27": "odd outputs",
    "sandbox-29": "symlink race",
    "sandbox-31": "leftover files",
    "sandbox-33": "locks between runs",
    "sandbox-36": "kernel settings",
    "sandbox-37": "devices",
    "sandbox-39": "raise own limits",
    "sandbox-40": "foreign calls",
    "sandbox-42": "poisoned interpreter",
    "sandbox-ok-03": "loopback server",
    "sandbox-ok-04": "clocks and chance",
    "sandbox-ok-05": "multiprocessing pool",
}


class Broken:
    """A backend that runs nothing and says the same of every job."""

    def __init__(self, kind: EndingKind = "exited", *, note: str = "") -> None:
        self.is_closed = False
        self._ending = Ending(kind=kind, status=0, isolation=_ISOLATION, note=note)

    def run(self, job: Job, *, alone: bool = False) -> Ending:
        assert job.source is not None or job.argv
        assert not alone
        return self._ending

    def converse(self, first: Job, second: Job, *, alone: bool = False) -> Conversation:
        assert not first.stdin + second.stdin
        assert not alone
        return Conversation(self._ending, self._ending)

    def isolation(self) -> Isolation:
        return _ISOLATION

    def close(self) -> None:
        self.is_closed = True


class Raising(Broken):
    """A backend whose every run raises."""

    def __init__(self, error: type[BaseException]) -> None:
        super().__init__()
        self._error = error

    def run(self, job: Job, *, alone: bool = False) -> Ending:
        raise self._error("seen by the test")


class Groundless(Broken):
    """A backend that cannot run anything on this host."""

    def isolation(self) -> Isolation:
        raise OSError("no namespaces here")


def _opening(backend: Backend) -> Callable[[Namespace], Backend]:
    return lambda _: backend


def test_every_check_has_a_name_and_a_promise_of_its_own() -> None:
    names = [check.name for check in CHECKS]
    assert len(names) >= 60
    assert len(set(names)) == len(names)
    for check in CHECKS:
        assert re.fullmatch(r"[a-z0-9 _-]{3,32}", check.name)
        assert re.fullmatch(r"[A-Z0-9a-z/].{10,90}[.]", check.promise), check.name


def test_every_layer_has_a_check() -> None:
    assert {check.layer for check in CHECKS} == {*LAYERS, "contract"}


def test_every_hack_of_the_corpus_has_a_check() -> None:
    assert set(CORPUS.values()) <= {check.name for check in CHECKS}
    rows = shared_rows("corpus/hacks.jsonl")
    if rows is not None:
        assert {row["id"] for row in rows if row["grader"] == "sandbox"} == set(CORPUS)


def test_a_backend_that_runs_nothing_passes_nothing() -> None:
    passed = [result.check.name for result in run_checks(Broken()) if result.passed]
    assert passed == list(_OF_JOBS)


def test_a_run_that_is_not_started_is_red_and_says_why() -> None:
    for result in run_checks(Broken("not_started", note="the daemon is away")):
        if result.check.name not in _OF_JOBS:
            assert not result.passed
            assert result.found == "not_started: the daemon is away"


def test_a_run_that_raises_is_red_and_the_next_check_goes_on() -> None:
    results = list(run_checks(Raising(OSError), names=["threads", "start"]))
    assert [(result.passed, result.found) for result in results] == [
        (False, "OSError('seen by the test')")
    ] * 2
    assert all(result.seconds >= 0 for result in results)


def test_chosen_checks_come_in_the_order_of_the_table() -> None:
    results = run_checks(Broken(), names=["threads", "start"])
    assert [result.check.name for result in results] == ["start", "threads"]


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'no such'.* --list"):
        run_checks(Broken(), names=["start", "no such"])


def test_the_list_shows_every_check_and_runs_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"], open_backend=_opening(Raising(AssertionError))) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition("  ")[0] for line in lines] == [check.name for check in CHECKS]
    assert all(line.endswith(check.promise) for line, check in zip(lines, CHECKS, strict=True))


def test_green_is_0_and_the_backend_is_closed(capsys: pytest.CaptureFixture[str]) -> None:
    backend = Broken()
    assert main(["--only", *_OF_JOBS], open_backend=_opening(backend)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "2 of 2 checks passed on broken (strict)"
    assert all(line.startswith("ok ") for line in lines[:-1])
    assert backend.is_closed


def test_red_is_1_and_says_what_was_seen(capsys: pytest.CaptureFixture[str]) -> None:
    backend = Broken("not_started", note="why\x1b[31m not")
    assert main(["--only", "start", _OF_JOBS[0]], open_backend=_opening(backend)) == 1
    red, green, last = capsys.readouterr().out.splitlines()
    assert red.startswith("FAILED  start ")
    assert red.endswith(r"not_started: why\x1b[31m not")
    assert green.startswith("ok ")
    assert last == "1 of 2 checks passed on broken (strict)"


def test_an_interrupt_is_130_and_the_backend_is_closed(capsys: pytest.CaptureFixture[str]) -> None:
    backend = Raising(KeyboardInterrupt)
    assert main(["--only", "start"], open_backend=_opening(backend)) == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert backend.is_closed


def test_a_host_where_nothing_runs_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], open_backend=_opening(Groundless())) == 2
    assert capsys.readouterr().err == "forkserver: no namespaces here\n"


def test_a_bug_of_a_check_is_not_hidden() -> None:
    with pytest.raises(AssertionError, match="seen by the test"):
        list(run_checks(Raising(AssertionError), names=["start"]))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--only", "no such"], "there is no check 'no such'; --list shows their names"),
        (["--backend", "podman"], "'podman' is none of them: write forkserver or docker"),
        (["--backend", "docker", "--runtime", "kata"], "'kata' .* write runc or runsc"),
        (["--backend", "docker", "--policy", "old"], "'old' .* write fresh or pooled"),
        (["--image", "mine"], "--image is for docker: add --backend docker, or leave it out"),
    ],
)
def test_a_wrong_argument_is_2_and_told_with_its_remedy(
    arguments: list[str], complaint: str
) -> None:
    command = [sys.executable, "-m", "sandbox.selfcheck", *arguments]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert re.search(complaint, done.stderr)
    assert not done.stdout
