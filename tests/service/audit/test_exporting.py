"""What was written comes out again: exported, counted and shown, by the real command line."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from service.audit import exporting
from service.audit.exporting import CannotExport, export
from service.audit.folder import audit_files
from service.audit.reading import Query, read
from service.audit.telemetry import shown
from service.cli import main
from tests.live import ROOT, environment, wait_until
from tests.service.audit.auditing import MIB, offer, rows, texts, trail, write

DAY_MS = 86_400_000
T0 = 1_700_006_400_000
"""Midnight of 2023-11-15, UTC."""


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    """Two processes' files whose times alternate."""
    folder = tmp_path / "audit"
    first, second = trail(folder), trail(folder)
    for number in range(0, 10, 2):
        first.offer(offer(f"t{number}", at_ms=T0 + number * DAY_MS // 2, flags=["f"]))
        second.offer(offer(f"t{number + 1}", at_ms=T0 + (number + 1) * DAY_MS // 2, tenant="bob"))
    first.close()
    second.close()
    return folder


def _export(folder: Path, out: Path, *more: str) -> list[dict[str, Any]]:
    assert main(["audit", "export", "--dir", str(folder), "-o", str(out), *more]) == 0
    return [json.loads(line) for line in out.read_text().splitlines()]


@pytest.mark.parametrize(
    ("more", "numbers"),
    [
        ([], range(10)),
        (["--flag", "f"], range(0, 10, 2)),
        (["--flag", "g"], []),
        (["--tenant", "bob"], range(1, 10, 2)),
        (["--grader", "exact"], range(10)),
        (["--grader", "math"], []),
        (["--from", "2023-11-16"], range(2, 10)),
        (["--from", "2023-11-16T01:00:00+01:00", "--to", "2023-11-17"], [2, 3]),
        (["--to", "2023-11-15T12:00:00Z"], [0]),
    ],
)
def test_files_are_merged_in_the_order_of_time(
    audit: Path, tmp_path: Path, more: list[str], numbers: range | list[int]
) -> None:
    found = _export(audit, tmp_path / "out.jsonl", *more)
    assert [one["completion"] for one in found] == [f"t{number}" for number in numbers]


def test_a_line_holds_all_there_is(audit: Path, tmp_path: Path) -> None:
    one = _export(audit, tmp_path / "out.jsonl")[0]
    assert one | {"seconds": 0, "worker": "", "version": "", "grades": []} == {
        "at": "2023-11-15T00:00:00.000Z",
        "tenant": "ann",
        "requests": ["r-1"],
        "job": None,
        "id": "t0",
        "group": None,
        "prompt": "say it",
        "completion": "t0",
        "reference": {"answer": "t0"},
        "graders": [{"name": "exact"}],
        "reward": 1.0,
        "outcome": "graded",
        "reasons": ["match"],
        "flags": ["f"],
        "grades": [],
        "seconds": 0,
        "worker": "",
        "version": "",
    }


def test_parquet_holds_the_same(
    audit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet

    monkeypatch.setattr(exporting, "_GROUP_ROWS", 3)
    lines = _export(audit, tmp_path / "out.jsonl")
    assert export(read(audit, Query(), pytest.fail), tmp_path / "out.parquet") == 10
    file = pyarrow.parquet.ParquetFile(tmp_path / "out.parquet")
    assert file.num_row_groups == 4
    for line, row in zip(lines, file.read().to_pylist(), strict=True):
        assert row["at"].isoformat(timespec="milliseconds").replace("+00:00", "Z") == line["at"]
        nested = {name: json.loads(row[name]) for name in ("reference", "graders", "grades")}
        assert row | nested | {"at": line["at"]} == line


def test_without_pyarrow_the_group_is_named(
    audit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(CannotExport, match="dependency group `audit`"):
        export(read(audit, Query(), pytest.fail), tmp_path / "out.parquet")


def test_an_export_that_fails_leaves_what_was_there(audit: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    target.write_text("before")

    def fails() -> Any:
        yield from rows(audit)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(fails(), target)
    assert target.read_text() == "before"
    assert {path.name for path in tmp_path.iterdir()} == {"audit", "out.jsonl"}


def test_an_export_is_its_owners_alone_and_follows_no_link(audit: Path, tmp_path: Path) -> None:
    target, victim = tmp_path / "out.jsonl", tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "out.jsonl.part").symlink_to(victim)
    _export(audit, target)
    assert (target.stat().st_mode & 0o777, victim.read_text()) == (0o600, "precious")


def test_memory_does_not_grow_with_the_audit(tmp_path: Path) -> None:
    writing = trail(tmp_path / "audit", file_bytes=8 * MIB, slot_bytes=256 * MIB)
    for number in range(60):
        writing.offer(offer(f"{number}" + "x" * 500_000))
        wait_until(lambda number=number: writing.written == number + 1)  # type: ignore[misc]
    writing.close()
    tracemalloc.start()
    try:
        export(read(tmp_path / "audit", Query(), pytest.fail), tmp_path / "out.jsonl")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (tmp_path / "out.jsonl").stat().st_size > 30 * MIB
    assert peak < 15 * MIB


def test_an_index_gives_the_order(audit: Path) -> None:
    (file, *_) = audit_files(audit)
    with sqlite3.connect(file.path) as database:
        for query in (Query(), Query(flagged=True, newest_first=True), Query(since_ms=1)):
            plan = database.execute(f"EXPLAIN QUERY PLAN {query.sql()}", query.values()).fetchall()
            assert not any("TEMP B-TREE" in step[3] for step in plan), plan
    database.close()


def test_what_is_read_while_it_is_written_is_whole(tmp_path: Path) -> None:
    writing = trail(tmp_path, file_bytes=MIB // 8, slot_bytes=64 * MIB)
    for number in range(200):
        writing.offer(offer(f"{number:04d}" + "x" * 4_000, at_ms=T0 + number))
        if number % 20 == 0:
            wait_until(lambda number=number: writing.written == number + 1)  # type: ignore[misc]
            found = [str(text)[:4] for text in texts(tmp_path)]
            assert found == [f"{one:04d}" for one in range(number + 1)]
    writing.close()
    assert len(texts(tmp_path)) == 200


def test_flags_are_counted_over_time(audit: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "flags", "--dir", str(audit)]) == 0
    table = [line.split() for line in capsys.readouterr().out.splitlines()]
    days = [f"2023-11-{day}" for day in range(15, 20)]
    assert table == [["span", "grader", "flag", "raised"], *([d, "exact", "f", "1"] for d in days)]
    more = ["--by", "hour", "--json", "--grader", "exact", "--to", "2023-11-16"]
    assert main(["audit", "flags", "--dir", str(audit), *more]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "span": "2023-11-15T00:00Z",
        "grader": "exact",
        "flag": "f",
        "raised": 1,
    }
    assert main(["audit", "flags", "--dir", str(audit), "--grader", "math"]) == 0
    assert capsys.readouterr().out == "no flags\n"


def test_a_flag_that_nothing_has_is_said(audit: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "flagged", "--dir", str(audit), "--flag", "nope"]) == 0
    assert capsys.readouterr() == ("", "touchstone: no transcripts\n")


def test_the_newest_flagged_transcripts_come_first(
    audit: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "flagged", "--dir", str(audit), "-n", "2", "--flag", "f"]) == 0
    blocks = capsys.readouterr().out.strip().split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == [
        "2023-11-19T00:00:00+00:00  exact: f",
        "2023-11-18T00:00:00+00:00  exact: f",
    ]
    assert "    | t8" in blocks[0].splitlines()


def test_a_transcript_commands_no_terminal_and_is_cut_in_the_middle(tmp_path: Path) -> None:
    hostile = "\x1b]0;owned\x07\u202e\r" + "x" * 1_000 + "\nthe end"
    write(tmp_path, offer(hostile, flags=["\x1b[2J"]))
    (found,) = rows(tmp_path)
    text = shown(found, chars=100)
    assert all(line.isprintable() for line in text.split("\n"))
    assert "\\x1b]0;owned\\x07\\u202e\\r" in text
    assert f"[{len(hostile) - 100} characters left out]" in text
    assert "    | the end" in text.splitlines()


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        (["flags"], {}, "set TOUCHSTONE_AUDIT_DIR, or write --dir"),
        (["flags"], {"AUDIT_DIR": "nowhere"}, "nowhere cannot be read"),
        (["export", "-o", "out.csv", "--dir", "."], {}, "out.csv is neither .jsonl nor .parquet"),
        (["export", "-o", "no/out.jsonl", "--dir", "."], {}, "make it first"),
        (["export", "-o", "out.jsonl", "--dir", "."], {}, "start the service with"),
        (["flags", "--from", "noon"], {}, "'noon' is no time: write 2026-01-31"),
        (["flagged", "-n", "0"], {}, "'0' is no number of at least 1"),
    ],
)
def test_a_wrong_command_says_what_to_do(
    tmp_path: Path, arguments: list[str], settings: Mapping[str, str], words: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "service", "audit", *arguments],
        cwd=tmp_path,
        env=environment(settings) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
