"""The command line as a user meets it."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.live import (
    ROOT,
    LiveService,
    alive,
    children,
    command_line,
    environment,
    wait_until,
)

ITEMS = [
    {"id": "a", "completion": "\\boxed{42}", "reference": {"answer": "42"}},
    {"id": "b", "completion": "\\boxed{41}", "reference": {"answer": "42"}},
    {"id": "c", "completion": "x", "reference": {}},
    {"id": "d", "completion": "42", "reference": {"answer": "42"}, "graders": [{"name": "exact"}]},
]


def _run(*arguments: object, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "service", *map(str, arguments)],
        cwd=ROOT,
        env=environment({"WORKERS": "1"} | settings),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def _write(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(line + "\n" for line in lines))
    return path


# Any: the fields of a verdict, as JSON has them.
def _verdicts(path: Path) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_grade_writes_a_verdict_a_line_in_order(tmp_path: Path) -> None:
    lines = [json.dumps(item) for item in ITEMS]
    lines[1:1] = ["", "not json", '{"id":"twice","id":"twice"}']
    source, target = _write(tmp_path / "in.jsonl", lines), tmp_path / "out.jsonl"
    ran = _run("grade", source, "-o", target, "--graders", '[{"name": "math"}]')
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr
    assert "touchstone: 6 items: 3 graded, 3 ungradable\n" in ran.stderr
    assert f"`detail` in {target} say why" in ran.stderr
    verdicts = _verdicts(target)
    assert [(v["id"], v["reward"], v["outcome"]) for v in verdicts] == [
        ("a", 1.0, "graded"),
        (None, None, "ungradable"),
        (None, None, "ungradable"),
        ("b", 0.0, "graded"),
        ("c", None, "ungradable"),
        ("d", 1.0, "graded"),
    ]
    assert "%" not in ran.stderr
    details = [v["grades"][0]["detail"].get("message", "") for v in verdicts[1:3]]
    assert ["is not JSON" in details[0], "same key twice" in details[1]] == [True, True]


def test_grade_never_writes_over_the_items(tmp_path: Path) -> None:
    source = _write(tmp_path / "in.jsonl", [json.dumps(ITEMS[0])])
    (tmp_path / "link.jsonl").symlink_to(source)
    for target in (source, tmp_path / "link.jsonl"):
        ran = _run("grade", source, "-o", target, "--graders", "math")
        assert ran.returncode == 2
        assert "name another file" in ran.stderr
    assert json.loads(source.read_text()) == ITEMS[0]


def test_grade_waits_for_a_queue_that_is_full(tmp_path: Path) -> None:
    source = _write(tmp_path / "in.jsonl", [json.dumps(ITEMS[0])] * 3_000)
    target = tmp_path / "out.jsonl"
    ran = _run("grade", source, "-o", target, "--graders", "math", QUEUE_CHUNKS="1")
    assert ran.returncode == 0, ran.stderr
    assert [verdict["reward"] for verdict in _verdicts(target)] == [1.0] * 3_000


def test_grade_says_where_redis_is_not(tmp_path: Path) -> None:
    source = _write(tmp_path / "in.jsonl", [json.dumps(ITEMS[0])])
    settings = {"REDIS_URL": "redis://127.0.0.1:1/0", "MAX_DEADLINE_S": "1", "DEADLINE_S": "1"}
    ran = _run("grade", source, "-o", tmp_path / "out.jsonl", "--graders", "math", **settings)
    assert ran.returncode == 2
    assert "look at TOUCHSTONE_REDIS_URL" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_grade_says_that_some_failed_by_its_status(tmp_path: Path) -> None:
    source = _write(tmp_path / "in.jsonl", [json.dumps(ITEMS[0])])
    target = tmp_path / "out.jsonl"
    settings = {"MAX_DEADLINE_S": "0.000001", "DEADLINE_S": "0.000001"}
    ran = _run("grade", source, "-o", target, "--graders", "math", **settings)
    assert ran.returncode == 3
    assert "1 items failed" in ran.stderr
    assert [verdict["outcome"] for verdict in _verdicts(target)] == ["failed"]


def test_grade_of_nothing_writes_nothing(tmp_path: Path) -> None:
    source, target = _write(tmp_path / "in.jsonl", []), tmp_path / "out.jsonl"
    assert _run("grade", source, "-o", target).returncode == 0
    assert target.read_text() == ""


def test_grade_takes_files_longer_than_it_holds_at_once(tmp_path: Path) -> None:
    items = [
        {"id": str(n), "completion": f"\\boxed{{{n}}}", "reference": {"answer": "7"}}
        for n in range(2_500)
    ]
    source = _write(tmp_path / "in.jsonl", [json.dumps(item) for item in items])
    target = tmp_path / "out.jsonl"
    assert _run("grade", source, "-o", target, "--graders", "math").returncode == 0
    verdicts = _verdicts(target)
    assert [verdict["id"] for verdict in verdicts] == [str(n) for n in range(2_500)]
    assert [v["id"] for v in verdicts if v["reward"] == 1.0] == ["7"]


def test_grade_shows_its_progress_on_a_terminal(tmp_path: Path) -> None:
    source = _write(tmp_path / "in.jsonl", [json.dumps(ITEMS[0])])
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    command = ["grade", str(source), "-o", str(tmp_path / "out.jsonl"), "--graders", "math"]
    with subprocess.Popen(
        [sys.executable, "-m", "service", *command],
        cwd=ROOT,
        env=environment({"WORKERS": "1"}),
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
        assert process.wait() == 0
    os.close(ours)
    assert b"100%" in shown


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:
        # How a terminal says that its other end is closed.
        return b""


WRONG: list[tuple[list[str], dict[str, str], int, str]] = [
    ([], {}, 2, "COMMAND"),
    (["grade", "absent.jsonl", "-o", "/dev/null"], {}, 2, "there is no file absent.jsonl"),
    (["grade", "/dev/null", "-o", "absent/out.jsonl"], {}, 2, "make it first"),
    (["grade", "/dev/null", "-o", "/dev/null", "--graders", "mth"], {}, 2, "mth"),
    (["grade", "/dev/null", "-o", "/dev/null", "--graders", "[]"], {}, 2, "--graders"),
    (["grade", "/dev/null", "-o", "/dev/null", "--graders",
      '[{"name":"math","options":{"no":1}}]'], {}, 2, "--graders: math"),
    (["serve", "--state", "/proc/x"], {"PORT": "0"}, 2, "TOUCHSTONE_STATE_DIR=/proc/x cannot be"),
    (["serve"], {"AUDIT": "all", "AUDIT_DIR": "/proc/x", "PROT": "1"}, 2,
     "TOUCHSTONE_AUDIT_DIR=/proc/x will not do"),
    (["serve"], {"AUDIT": "all", "AUDIT_DIR": "/proc/x", "PROT": "1"}, 2,
     "TOUCHSTONE_PROT is no setting"),
    (["serve"], {"DEADLINE_S": "7200"}, 2, "TOUCHSTONE_MAX_DEADLINE_S=3600"),
    (["serve"], {"REDIS_URL": "http://u:s3cret@h"}, 2, "TOUCHSTONE_REDIS_URL: "),
    (["worker", "--lanes", "code", "--slots", "8"], {}, 2, "set TOUCHSTONE_SANDBOX_SLOTS"),
    (["audit", "export", "--from", "2026-02-01", "--to", "2026-01-01", "-o", "x.jsonl"], {}, 2,
     "--from is not before --to"),
    (["grade", "/dev/null", "-o", "/dev/null", "--graders", "[{]"], {}, 2, "--graders is not JSON"),
    (["grade", "/dev/null", "-o", "/dev/null", "--graders", '[{"nam":"x"}]'], {}, 2,
     "--graders[0].name"),
    (["serve"], {"PORT": "70000"}, 2, "TOUCHSTONE_PORT=70000: Input should be less than"),
    (["serve", "--host", "192.0.2.1"], {}, 2, "set TOUCHSTONE_API_KEYS"),
    (["api"], {}, 2, "set TOUCHSTONE_REDIS_URL"),
    (["worker"], {}, 2, "set TOUCHSTONE_REDIS_URL"),
    (["worker", "--lanes", "fast"], {}, 2, "write light or code"),
    (["worker"], {"ISOLATION_FLOOR": "none"}, 2,
     "TOUCHSTONE_ISOLATION_FLOOR=none: Input should be 'strict' or 'standard'"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "settings", "status", "words"), WRONG, ids=range(len(WRONG)))
def test_a_wrong_command_is_explained(
    arguments: list[str], settings: dict[str, str], status: int, words: str
) -> None:
    ran = _run(*arguments, **settings)
    assert ran.returncode == status
    assert words in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_taken_port_is_explained(live: LiveService) -> None:
    ran = _run("serve", "--port", live.url.rpartition(":")[2])
    assert ran.returncode == 2
    assert "set TOUCHSTONE_PORT" in ran.stderr


def test_ctrl_c_at_the_start_leaves_no_traces_of_workers() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "service", "serve", "--port", "0"],
        cwd=ROOT,
        env=environment({"WORKERS": "2"}),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        # They are there, and have not yet read what to do with an interrupt.
        wait_until(lambda: any("spawn_main" in command_line(p) for p in children(process.pid)))
        family = children(process.pid)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
        wait_until(lambda: not any(alive(pid) for pid in family))
    assert "Traceback" not in said


def test_ctrl_c_ends_a_grading_run_and_what_it_started(tmp_path: Path) -> None:
    slow = {"completion": "\\boxed{(x-1)(x+2)}", "reference": {"answer": "x^2+x-2"}}
    source = _write(tmp_path / "in.jsonl", [json.dumps(slow)] * 5_000)
    target = _write(tmp_path / "out.jsonl", ["of an earlier run"])
    command = ["grade", str(source), "-o", str(target), "--graders", "math"]
    with subprocess.Popen(
        [sys.executable, "-m", "service", *command],
        cwd=ROOT,
        env=environment({"WORKERS": "1"}),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        # The zygote of the worker's symbolic tier: by now, there is work under way.
        wait_until(lambda: any("zygote" in command_line(pid) for pid in children(process.pid)))
        family = children(process.pid)
        os.killpg(process.pid, signal.SIGINT)
        _, complaint = process.communicate(timeout=60)
        wait_until(lambda: not any(alive(pid) for pid in family))
    assert process.returncode == 130
    assert complaint.strip().endswith("touchstone: interrupted")
    assert target.read_text() == "of an earlier run\n"
    assert {file.name for file in tmp_path.iterdir()} == {"in.jsonl", "out.jsonl"}
