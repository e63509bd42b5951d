"""The door `run`: one backend per process, opened on first use."""

from __future__ import annotations

import sys

import pytest

from sandbox import Job, SandboxOptions, close_runs, converse, isolation, open_runs, run, runs
from sandbox.contract import Backend

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the default backend is for Linux")
JOB = Job(source="print(6 * 7)")


def test_runs_and_opens_afresh_after_closing() -> None:
    for _ in range(2):
        ending = run(JOB)
        assert (ending.kind, ending.stdout) == ("exited", b"42\n"), ending.note
        assert ending.isolation == isolation()
        close_runs()


def test_nothing_runs_after_closing_for_good_until_it_is_opened() -> None:
    close_runs(for_good=True)
    ending = run(JOB)
    assert (ending.kind, "is going" in ending.note) == ("not_started", True)
    open_runs(SandboxOptions())
    assert run(JOB).kind == "exited"
    close_runs()


def test_a_folder_that_is_not_there_stops_the_opening_and_nothing_after() -> None:
    with pytest.raises(OSError, match="/nowhere, which programs are to read"):
        open_runs(SandboxOptions(readable=("/nowhere",)))
    assert run(JOB).kind == "exited"
    close_runs()


def test_a_host_without_a_backend_is_an_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(_: SandboxOptions) -> Backend:
        raise FileNotFoundError("/proc is not there")

    monkeypatch.setattr(runs, "_made", nothing)
    ending = run(JOB)
    assert (ending.kind, ending.note) == ("not_started", "/proc is not there")
    talk = converse(JOB, JOB)
    assert [(ending.kind, ending.note) for ending in talk] == [(ending.kind, ending.note)] * 2
