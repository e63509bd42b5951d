"""`dedup`: the first is kept, equal and near ones are dropped, within a prompt or the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.trainer_client.curate.rows import Curate, notes, read, write

LONG = " ".join(f"word{n}" for n in range(200))


@pytest.mark.parametrize(
    ("texts", "flags", "kept"),
    [
        (["a b", " a b \r\n", "a  b", "a\tb", "ab"], [], [0, 2, 3, 4]),
        (["if x:\n  y\n  z", "if x: \r\n  y\t\n  z\n", "if x:\n  y\nz"], [], [0, 2]),
        (["if x:\n  y\n  z", "if x:\n  y\nz"], ["--near", "0.9"], [0]),
        (["caf\u00e9", "cafe\u0301", "cafe"], [], [0, 2]),
        (["Yes", "yes", "YES"], [], [0, 1, 2]),
        (["Yes", "yes", "STRASSE", "stra\u00dfe"], ["--ignore-case"], [0, 2]),
        ([LONG, LONG + " end", LONG.replace("word7", "x")], [], [0, 1, 2]),
        ([LONG, LONG + " end", LONG.replace("word77", "x")], ["--near", "0.9"], [0]),
        ([LONG, LONG[: len(LONG) // 2], "other"], ["--near", "0.9"], [0, 1, 2]),
        ([LONG, LONG[: len(LONG) // 2], "other"], ["--near", "0.4"], [0, 2]),
        (["\ud83d", "\ud83d", "\ud83e"], [], [0, 2]),
    ],
)
def test_the_first_of_doubles_is_kept(
    curate: Curate, tmp_path: Path, texts: list[str], flags: list[str], kept: list[int]
) -> None:
    rows = [{"prompt": "p", "completion": text, "n": n} for n, text in enumerate(texts)]
    source, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    ran = curate("dedup", source, "-o", out, *flags)
    assert ran.status == 0, ran.err
    assert [row["n"] for row in read(out)] == kept
    assert f"{len(kept)} of {len(texts)} rows kept" in ran.out


@pytest.mark.parametrize(
    ("flags", "kept"),
    [
        ([], [0, 2, 3]),
        (["--scope", "file"], [0, 3]),
        (["--on", "prompt"], [0, 2]),
        (["--on", "prompt,completion"], [0, 2, 3]),
        (["--on", "meta.id"], [0, 2]),
    ],
)
def test_columns_and_scope_say_what_is_compared(
    curate: Curate, tmp_path: Path, flags: list[str], kept: list[int]
) -> None:
    rows = [
        {"prompt": [{"role": "user", "content": p}], "completion": c, "n": n, "meta": {"id": [p]}}
        for n, (p, c) in enumerate([("p", "x"), ("p", "x"), ("q", "x"), ("q", "y")])
    ]
    source, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    doubles = tmp_path / "doubles.jsonl"
    ran = curate("dedup", source, "-o", out, "--rejected", doubles, *flags)
    assert ran.status == 0, ran.err
    assert [row["n"] for row in read(out)] == kept
    assert notes(read(doubles))[0] == {"double_of_line": 1, "similarity": 1.0}


def test_a_line_break_does_not_move_a_text_to_the_next_column(
    curate: Curate, tmp_path: Path
) -> None:
    pairs = [("a\nb", "c"), ("a", "b\nc"), ("a ", "b \nc"), ("", "a\nb\nc")]
    rows = [{"left": left, "right": right, "n": n} for n, (left, right) in enumerate(pairs)]
    source, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    ran = curate("dedup", source, "-o", out, "--on", "left,right", "--scope", "file")
    assert (ran.status, [row["n"] for row in read(out)]) == (0, [0, 1, 3])


def test_lists_of_completions_lose_their_doubles(curate: Curate, tmp_path: Path) -> None:
    rows = [{"prompt": "p", "completions": ["x", "y", "x"]}, {"prompt": "p", "completions": ["y"]}]
    source, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    ran = curate("dedup", source, "-o", out)
    assert (ran.status, [row["completion"] for row in read(out)]) == (0, ["x", "y"])
