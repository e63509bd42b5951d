"""`difficulty` and `best-of`: what is said of a prompt, from a service or from a column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.live import LiveService
from tests.trainer_client.curate.rows import Curate, notes, read, sums, write


def test_prompts_that_teach_nothing_are_dropped(
    curate: Curate, live: LiveService, tmp_path: Path
) -> None:
    rows = sums(5)
    interleaved = rows[::4] + [row for place, row in enumerate(rows) if place % 4]
    source, out = write(tmp_path / "in.jsonl", interleaved), tmp_path / "out.jsonl"
    dropped = tmp_path / "dropped.jsonl"
    ran = curate("difficulty", source, "-o", out, "--url", live.url, "--rejected", dropped)
    assert ran.status == 0, ran.err
    assert read(out)[0] == {
        "prompt": "What is 1 + 1?",
        "answer": "2",
        "kept": [1, 0],
        "touchstone": {
            "pass_rate": 0.25, "n": 4, "right": 1, "ungraded": 0, "mean_reward": 0.25,
        },
    }  # fmt: skip
    assert [note["pass_rate"] for note in notes(read(out))] == [0.25, 0.5, 0.75]
    assert [note["pass_rate"] for note in notes(read(dropped))] == [0.0, 1.0]
    assert "3 of 5 prompts kept" in ran.out
    assert "1 pass below 0.01, 1 above 0.95, 0 have no graded completion" in ran.out
    assert [line.split() for line in ran.out.splitlines() if line.startswith("     100 %")] == [
        ["100", "%", "1", "20.0%", "#" * 40]
    ]


@pytest.mark.parametrize(
    ("flags", "kept"),
    [
        ([], ["half", "most"]),
        (["--keep-all"], ["none", "half", "most", "all"]),
        (["--max-pass-rate", "0.5"], ["half"]),
        (["--min-pass-rate", "0.9", "--max-pass-rate", "1"], ["most", "all"]),
    ],
)
def test_bounds_hold_at_their_values_and_null_is_no_pass_and_no_fail(
    curate: Curate, tmp_path: Path, flags: list[str], kept: list[str]
) -> None:
    rewards: dict[str, Sequence[object]] = {
        "none": [0, False],
        "half": [1, 0, None],
        "most": [1] * 9 + [0],
        "all": [True, 1.0],
        "nobody knows": [None],
    }
    rows = [
        {"prompt": name, "completions": ["x"] * len(given), "scores": {"all": given}}
        for name, given in rewards.items()
    ]
    source, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    unknown = tmp_path / "unknown.jsonl"
    ran = curate(
        "difficulty", source, "-o", out, "--reward", "scores.all", "--ungraded", unknown, *flags
    )
    assert ran.status == 0, ran.err
    assert [row["prompt"] for row in read(out)] == kept
    assert [(row["prompt"], row["touchstone"]["index"]) for row in read(unknown)] == [
        ("half", 2),
        ("nobody knows", 0),
    ]
    assert "1 have no graded completion" in ran.out


def samples(*completions: str) -> dict[str, object]:
    return {"prompt": "Half of 1?", "completions": list(completions), "answer": "1/2"}


@pytest.mark.parametrize(
    ("flags", "chosen", "majority_right"),
    [
        (["--strategy", "reward"], 3, False),
        (["--strategy", "reward", "--prefer", "shortest"], 4, False),
        (["--strategy", "majority"], 0, False),
        (["--strategy", "majority", "--prefer", "shortest"], 2, False),
    ],
)
def test_one_completion_of_a_prompt_is_chosen(
    curate: Curate,
    live: LiveService,
    tmp_path: Path,
    flags: list[str],
    chosen: int,
    majority_right: bool,
) -> None:
    row = samples(
        r"It is \boxed{2}.", r"It is \boxed{ 2.0 }.", r"\boxed{2}", r"It is \boxed{0.5}.",
        r"\boxed{1/2}", "I do not know.",
    )  # fmt: skip
    source, out = write(tmp_path / "in.jsonl", [row]), tmp_path / "out.jsonl"
    ran = curate("best-of", source, "-o", out, "--url", live.url, "--k", "1,4,16", *flags)
    assert ran.status == 0, ran.err
    (note,) = notes(read(out))
    assert note["index"] == chosen
    assert note["best_of"] == {
        "n": 6,
        "right": 2,
        "pass_at": {"1": pytest.approx(1 / 3), "4": pytest.approx(14 / 15)},
        "majority": {"answer": "2", "votes": 3, "right": majority_right},
    }
    assert "pass@4: 0.9333 over 1 of 1 prompts" in ran.out
    assert "pass@16: none over 0 of 1 prompts (those with 16 graded completions or more)" in ran.out
    assert "majority vote: 0 of 1 right (0.0%)" in ran.out


def test_a_gold_column_called_completion_is_neither_dropped_nor_replaced(
    curate: Curate, tmp_path: Path
) -> None:
    row = {"prompt": "p", "completion": "gold", "samples": ["a", "bb"], "r": [1, 0]}
    source, out = write(tmp_path / "in.jsonl", [row]), tmp_path / "out.jsonl"
    flags = [source, "--reward", "r", "--completions", "samples", "--bare"]
    assert curate("difficulty", *flags, "-o", out).status == 0
    assert read(out) == [{"prompt": "p", "completion": "gold", "r": [1, 0]}]
    said = "line 1: has 'completion' beside its 'samples', and one of these would replace it: "
    for command in (["filter"], ["best-of"], ["difficulty", "--ungraded", tmp_path / "none"]):
        for named in ([], ["--completion", "completion"]):
            ran = curate(*command, *flags, *named, "-o", tmp_path / "new.jsonl")
            assert (ran.status, said in ran.err) == (2, True), ran.err
    ran = curate("filter", *flags, "--completion", "text", "-o", tmp_path / "new.jsonl")
    assert ran.status == 0, ran.err
    assert read(tmp_path / "new.jsonl") == [
        {"prompt": "p", "completion": "gold", "r": [1, 0], "text": "a"}
    ]

    one = write(tmp_path / "one.jsonl", [{**row, "r": 1, "completions": "kept"}])
    flags = [one, "--reward", "r", "--completion", "completion", "--keep-all", "--bare"]
    assert curate("difficulty", *flags, "-o", tmp_path / "one.out").status == 0
    assert read(tmp_path / "one.out") == [
        {"prompt": "p", "samples": ["a", "bb"], "r": 1, "completions": "kept"}
    ]


def test_answers_that_mean_the_same_win_the_vote_together(
    curate: Curate, live: LiveService, tmp_path: Path
) -> None:
    row = samples(
        r"\boxed{2}", r"\boxed{2}", r"\boxed{0.5}", r"\boxed{1/2}", r"\boxed{\frac{1}{2}}"
    )
    source, out = write(tmp_path / "in.jsonl", [row]), tmp_path / "out.jsonl"
    ran = curate("best-of", source, "-o", out, "--url", live.url, "--strategy", "majority")
    assert ran.status == 0, ran.err
    assert read(out)[0]["completion"] == r"\boxed{0.5}"
    assert notes(read(out))[0]["best_of"]["majority"] == {
        "answer": "0.5",
        "votes": 3,
        "right": True,
    }


def test_best_of_by_a_column_asks_no_service(curate: Curate, tmp_path: Path) -> None:
    rows = [{"g": g, "completion": str(r), "r": r} for g in "ab" for r in (0.25, 0.75, None, 0.5)]
    source, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    ran = curate("best-of", source, "-o", out, "--reward", "r", "--group", "g", "--bare")
    assert (ran.status, [row["r"] for row in read(out)]) == (0, [0.75, 0.75])
    assert "majority" not in ran.out
    ran = curate("best-of", source, "-o", out, "--reward", "r", "--strategy", "majority")
    assert ran.status == 2
