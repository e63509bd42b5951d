"""`filter` against a real service: what is kept, what is not, and that nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.live import LiveService
from tests.trainer_client.curate.rows import Curate, notes, read, sums, write
from trainer_client import Verdict
from trainer_client.curate import keep_right

# Of Kimi's length reward: by the shortest and the longest of a group.
SPREAD = [0.5, pytest.approx(1 / 6), -0.5]


def test_right_rows_are_kept_with_all_they_had_in_their_order(
    curate: Curate, live: LiveService, tmp_path: Path
) -> None:
    rows = sums(10)
    source, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    no, none = tmp_path / "no.jsonl", tmp_path / "none.jsonl"
    broken = {"prompt": "?", "completion": r"\boxed{4}", "answer": r"\frac{"}
    with source.open("a") as file:
        file.write(json.dumps(broken))  # without a line break at the end
    ran = curate(
        "filter", source, "-o", out, "--url", live.url, "--rejected", no, "--ungraded", none,
        "--batch", 7,
    )  # fmt: skip
    assert ran.status == 0, ran.err
    bare = [{k: v for k, v in row.items() if k != "touchstone"} for row in read(out)]
    assert bare == [row for row in rows if row["kept"][1] < row["kept"][0] % 5]
    assert [row["kept"] for row in read(no)] == [
        row["kept"] for row in rows if row["kept"][1] >= row["kept"][0] % 5
    ]
    assert notes(read(out))[0] == {
        "reward": 1.0,
        "outcome": "graded",
        "scores": {"math": 1.0},
        "reasons": {"math": "equivalent"},
        "extracted": "2",
    }
    assert notes(read(none))[0]["outcome"] == "ungradable"
    assert "20 of 41 completions kept" in ran.out
    assert "20 of 40 graded are right (50.0%)" in ran.out
    assert "1 ungradable: math unparsed_gold" in ran.out


def test_several_completions_in_a_row_come_out_one_by_one(
    curate: Curate, live: LiveService, tmp_path: Path
) -> None:
    row: dict[str, Any] = {
        "question": [{"role": "user", "content": "2+2?"}],
        "samples": [
            [{"role": "assistant", "content": r"\boxed{4}"}],
            r"\boxed{5}",
            "caf\u00e9 \ud83d \\boxed{4}",
        ],
        "solution": 4,
    }
    source, out = write(tmp_path / "in.jsonl", [row]), tmp_path / "out.jsonl"
    ran = curate(
        "filter", source, "-o", out, "--url", live.url, "--completions", "samples",
        "--prompt", "question", "--columns", "answer=solution", "--graders", "math",
    )  # fmt: skip
    assert ran.status == 0, ran.err
    assert [(kept["completion"], kept["touchstone"]["index"]) for kept in read(out)] == [
        (row["samples"][0], 0),
        (row["samples"][2], 2),
    ]
    assert "samples" not in read(out)[0]
    assert "\u00e9 \\ud83d" in out.read_text()  # readable, and half a pair is still an escape


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_no_reward_depends_on_how_rows_fall_into_batches(
    curate: Curate, live: LiveService, tmp_path: Path, batch: int
) -> None:
    texts = [r"\boxed{4}", r"so it is \boxed{4}", r"so in the end it must be \boxed{4}"]
    rows = [{"prompt": p, "completion": c, "answer": 4, "p": p} for c in texts for p in "pq"]
    listed = {"prompt": "p", "completions": texts, "answer": 4, "p": "r"}
    source = write(tmp_path / "in.jsonl", [*rows, listed])
    out, none = tmp_path / "out.jsonl", tmp_path / "none.jsonl"
    flags = [
        "filter", source, "--url", live.url, "--batch", batch, "--min-reward", -9, "--graders",
        '["math", {"name": "length", "options": {"style": "kimi"}}]',
    ]  # fmt: skip
    ran = curate(*flags, "-o", out, "--ungraded", none)
    assert ran.status == 0, ran.err
    assert {note["reasons"]["length"] for note in notes(read(none))} == {"no_group"}
    assert [row["p"] for row in read(none)] == ["p", "q"] * 3
    assert [note["scores"]["length"] for note in notes(read(out))] == SPREAD
    grouped = tmp_path / "grouped.jsonl"
    ran = curate(*flags, "-o", grouped, "--group", "p")
    assert ran.status == 0, ran.err
    found = [(row["p"], row["touchstone"]["scores"]["length"]) for row in read(grouped)]
    assert found == [(p, score) for p in "pqr" for score in SPREAD]


def test_a_row_that_the_service_cannot_read_costs_no_other_row(
    curate: Curate, live: LiveService, tmp_path: Path
) -> None:
    golds = [3, 10**30, 4, "4", "x" * 20_000]
    rows = [{"prompt": "p", "completion": r"\boxed{4}", "answer": gold} for gold in golds]
    source, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    none = tmp_path / "none.jsonl"
    ran = curate("filter", source, "-o", out, "--url", live.url, "--ungraded", none)
    assert ran.status == 0, ran.err
    assert [row["answer"] for row in read(out)] == [4, "4"]
    refused, too_long = notes(read(none))
    assert refused["why"] == {
        "service": "service bad_item an integer has more than 64 bits: write it as a string"
    }
    assert too_long["why"]["math"].startswith("math bad_reference reference.answer ")
    assert "1 ungradable: math bad_reference" in ran.out
    assert "1 ungradable: service bad_item" in ran.out


@pytest.mark.parametrize(
    ("prefer", "expected"),
    [
        ("first", ["one two three four", "one two three five"]),
        ("shortest", ["one two three four", "two"]),
        ("diverse", ["one two three four", "quite another text of more words"]),
    ],
)
def test_at_most_so_many_of_a_prompt_wherever_its_rows_lie(
    curate: Curate, tmp_path: Path, prefer: str, expected: list[str]
) -> None:
    texts = [
        "one two three four",
        "one two three five",
        "quite another text of more words",
        "two",
        "wrong",
    ]
    rows = [
        {"prompt": prompt, "completion": text, "reward": text != "wrong"}
        for text in texts
        for prompt in ("p", "q")
    ]
    source, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    ran = curate(
        "filter", source, "-o", out, "--reward", "reward", "--max-per-prompt", 2,
        "--prefer", prefer, "--bare",
    )  # fmt: skip
    assert ran.status == 0, ran.err
    assert [(row["prompt"], row["completion"]) for row in read(out)] == [
        (prompt, text) for prompt in ("p", "q") for text in texts if text in expected
    ]
    assert (
        "2 of 2 prompts have a right one, at most 2 of each is kept: 4 more right ones are left out"
    ) in ran.out


def test_rows_without_notes_keep_their_bytes(curate: Curate, tmp_path: Path) -> None:
    lines = [
        b'\xef\xbb\xbf{"completion":  "caf\xc3\xa9","reward":1}\r\n',
        b"\r\n",
        b'{"completion": "\\u00e9 \\ud83d", "reward": true, "x": 1e2}\n',
        b'{"completion": "\xed\xa0\xbd", "reward": 1.50}',
    ]
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes(b"".join(lines))
    ran = curate("filter", source, "-o", out, "--reward", "reward", "--bare")
    assert ran.status == 0, ran.err
    assert out.read_bytes() == b"".join(
        line.removeprefix(b"\xef\xbb\xbf").rstrip() + b"\n" for line in (lines[0], *lines[2:])
    )


def test_an_empty_file_is_an_empty_dataset(curate: Curate, tmp_path: Path) -> None:
    source, out = write(tmp_path / "in.jsonl", []), tmp_path / "out.jsonl"
    ran = curate("filter", source, "-o", out, "--reward", "reward")
    assert (ran.status, out.read_bytes()) == (0, b"")
    assert "0 of 0 completions kept" in ran.out


def test_the_function_keeps_what_has_no_reward_apart() -> None:
    rewards = [1.0, 0.0, None, 0.7 + 0.2 + 0.1]
    given = [Verdict(None, r, "failed" if r is None else "graded", ()) for r in rewards]
    assert keep_right("abcd", given) == (["a", "d"], ["b"], ["c"])
    assert keep_right("abcd", given, min_reward=0.0).wrong == []
    with pytest.raises(ValueError, match=r"longer|shorter"):
        keep_right("abc", given)
