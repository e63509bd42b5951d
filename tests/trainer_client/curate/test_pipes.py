"""Pipes and streams: answers are taken while the next row is waited for, and nothing hangs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pytest

from tests.live import ROOT, wait_until
from tests.trainer_client.curate.rows import GRADERS, Row, read, started, sums, write
from tests.trainer_client.stub_service import Reply, StubService


@pytest.mark.parametrize("command", ["filter", "best-of"])
def test_pipes_at_both_ends(tmp_path: Path, command: str) -> None:
    with StubService([GRADERS]).serving() as stub:
        done = subprocess.run(
            [sys.executable, "-m", "trainer_client.curate", command, "-", "-o", "-",
             "--url", stub.url, "--graders", "math"],
            input="".join(json.dumps({**row, "completion": "4"}) + "\n" for row in sums(2)),
            capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["kept"][0] for line in done.stdout.splitlines()] == (
        [0] * 4 + [1] * 4 if command == "filter" else [0, 1]
    )
    assert "completion" in done.stderr


def piped(url: str, out: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "trainer_client.curate", "filter", "-", "-o", str(out),
         "--url", url, "--batch", "2"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip


def holds(out: Path, count: int) -> bool:
    return out.exists() and len(read(out)) == count


def feed(process: subprocess.Popen[bytes], rows: Iterable[Row]) -> None:
    assert process.stdin is not None
    process.stdin.write(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    process.stdin.flush()


def test_a_slow_pipe_holds_up_neither_answers_nor_an_interrupt(tmp_path: Path) -> None:
    rows, out = [{**row, "completion": "4"} for row in sums(2)], tmp_path / "out.jsonl"
    with StubService([GRADERS]).serving() as stub, piped(stub.url, out) as process:
        for done in (2, 4, 6):
            feed(process, rows[done - 2 : done])
            wait_until(partial(holds, out, done))
        feed(process, rows[6:7])  # a batch that is never full
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130  # with the pipe still open
        _, err = process.communicate()
    assert err == b"touchstone: interrupted\n"


def test_an_error_ends_a_run_whose_pipe_stays_open(tmp_path: Path) -> None:
    with (
        StubService([GRADERS, Reply(403)]).serving() as stub,
        piped(stub.url, tmp_path / "out.jsonl") as process,
    ):
        feed(process, sums(1)[:2])
        assert process.wait(60) == 2
        _, err = process.communicate()
    assert b"(--api-key-file FILE)" in err
    assert b"Traceback" not in err


@pytest.mark.parametrize("command", ["filter", "best-of"])
def test_a_named_pipe_is_read_like_any_other(tmp_path: Path, command: str) -> None:
    fifo, out = tmp_path / "fifo", tmp_path / "out.jsonl"
    os.mkfifo(fifo)
    with started(command, fifo, "-o", out, "--reward", "r") as process:
        write(fifo, [{"prompt": "p", "completion": "x", "r": 1}] * 2)
        _, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert len(read(out)) == (2 if command == "filter" else 1)
    assert sorted(tmp_path.iterdir()) == [fifo, out]


def test_a_reader_that_has_enough_is_no_traceback(tmp_path: Path) -> None:
    rows = [{"completion": "x" * 1_000, "r": 1}] * 2_000
    source = write(tmp_path / "in.jsonl", rows)
    with started("filter", source, "-o", "-", "--reward", "r") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
    assert "Traceback" not in err
    assert "Error" not in err
