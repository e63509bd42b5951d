"""`python -m service validate` as a user meets it."""

from __future__ import annotations

import gzip
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from service.cli import main
from tests.live import ROOT, environment

SQUARE: Final = "print(int(input()) ** 2)"
TESTS: Final = {"hidden": [{"stdin": "3\n", "stdout": "9\n"}]}


def _run(*arguments: object, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "service", "validate", *map(str, arguments)],
        cwd=ROOT,
        env=environment({"WORKERS": "1"} | settings),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def _write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


# Any: the fields of a verdict, as JSON has them.
def _verdicts(path: Path) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_dataset_that_can_be_graded(tmp_path: Path) -> None:
    """A thousand golds, and half of them twice: in seconds, and each validated once."""
    golds: list[object] = [str(n) if n % 2 else n for n in range(1_000)]
    rows = [{"solution": gold, "question": "?"} for gold in golds + golds[:500]]
    data = tmp_path / "train.jsonl.gz"
    data.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    ran = _run(data, "--column", "solution")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("1,500 rows, 1,000 distinct references\n")
    assert "gradable          1,500\n" in ran.stdout
    assert "rows to mend" not in ran.stdout


def test_every_row_is_its_own_affair(tmp_path: Path) -> None:
    rows = [
        {"answer": "\\frac{1}{2}"},
        {"answer": ""},
        {"answer": "$$"},
        {"answer": [1, "2"]},
        {"answer": None},
        {"answer": {"is": 4}},
        {"question": "?"},
        "x+1",
        {"answer": "\u001b[2J\u202e$"},
        {"completion": "x", "reference": {"answer": "a"}, "graders": [{"name": "exact"}]},
    ]
    first = _write(tmp_path / "a.jsonl", *rows)
    second = tmp_path / "b.jsonl"
    second.write_text('\n{"answer": 3.5}\nno json\n{"answer":"1","answer":"2"}\n')
    out = tmp_path / "out.jsonl"
    ran = _run(first, second, "--limit", 6, "-o", out)
    assert (ran.returncode, "Traceback" in ran.stderr) == (1, False), ran.stderr
    verdicts = _verdicts(out)
    assert [verdict["outcome"][0] for verdict in verdicts] == list("guugu" + "uugug" + "guu")
    assert [verdict["line"] for verdict in verdicts] == [*range(1, 11), 2, 3, 4]
    assert {verdict["file"] for verdict in verdicts} == {str(first), str(second)}
    shown = [line for line in ran.stdout.splitlines() if ".jsonl:" in line]
    assert [line.split()[0] for line in shown] == [f"{first}:{n}" for n in (2, 3, 5, 6, 7, 9)]
    assert "math empty: there is no gold: fill it in, or drop the row" in shown[0]
    assert "$$  math unparsed_gold: state the answer alone" in shown[1]
    assert "\\x1b[2J\\u202e$  math unparsed_gold" in shown[5]
    assert "rows to mend (6 of 8)" in ran.stdout
    assert re.search(r"math empty +3\n", ran.stdout)
    assert "\u001b" not in ran.stdout


def test_programs_are_validated_by_their_solutions(tmp_path: Path) -> None:
    rows = [
        {"unit": TESTS, "solution": SQUARE},
        {"unit": TESTS, "solution": "print(3)"},
        {"unit": TESTS, "solution": None},
        {"unit": {"hidden": []}},
    ]
    out = tmp_path / "out.jsonl"
    data = _write(tmp_path / "code.jsonl", *rows)
    ran = _run(data, "--graders", "code", "--column", "tests=unit", "-o", out)
    assert ran.returncode == 1, ran.stderr
    grades = [verdict["grades"][0] for verdict in _verdicts(out)]
    assert [grade["reason"] for grade in grades[:3]] == ["passed", "wrong_answer", "passed"]
    assert [grade["flags"] for grade in grades[:3]] == [[], [], ["no_solution"]]
    assert grades[3]["outcome"] == "ungradable"
    assert "the solution does not pass its tests" in ran.stdout


def test_what_failed_is_ours_and_said_by_the_status(tmp_path: Path) -> None:
    data = _write(tmp_path / "a.jsonl", {"answer": "4"}, {"answer": "$$"})
    ran = _run(data, MAX_DEADLINE_S="0.000001", DEADLINE_S="0.000001")
    assert ran.returncode == 3
    assert "that is our fault" in ran.stderr
    assert re.search(r"failed +2\n", ran.stdout)
    assert "raise TOUCHSTONE_MAX_DEADLINE_S" in ran.stdout


WRONG: Final[list[tuple[list[str], str]]] = [
    (["--column", "gold"], "no row has the column 'gold', the reference's answer: the columns are"
                           " 'question', 'solution'; say which with --column answer=NAME"),
    ([], "no row has the column 'answer'"),
    (["--column", "solution="], "--column solution=: the graders read answer"),
    (["--column", "gold=solution"], "write --column KEY=solution"),
    (["--graders", "format", "--column", "solution"], "the graders read nothing"),
    (["--graders", "mth"], "--graders: mth: unknown grader; the known ones are"),
    (["--graders", "[{]"], "--graders is not JSON"),
    (["--graders", "[]"], "--graders: name one at least"),
    (["--graders", '[{"name": "math", "options": {"tolerence": 1}}]'], "the options are"),
    (["--column", "solution", "-o", "DATA"], "name another file"),
    (["ABSENT"], "absent"),
    (["TORN", "--column", "solution"], "torn.jsonl.gz is not whole"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=range(len(WRONG)))
def test_a_wrong_command_is_explained(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = _write(tmp_path / "a.jsonl", {"question": "?", "solution": "4"})
    torn = tmp_path / "torn.jsonl.gz"
    torn.write_bytes(gzip.compress(data.read_bytes())[:-9])
    places = {"DATA": str(data), "TORN": str(torn), "ABSENT": str(tmp_path / "absent")}
    assert main(["validate", str(data), *(places.get(one, one) for one in arguments)]) == 2
    shown = capsys.readouterr()
    assert (shown.out, words in shown.err) == ("", True), shown.err
    assert json.loads(data.read_text()) == {"question": "?", "solution": "4"}


def test_an_empty_file_has_nothing_to_mend(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", str(_write(tmp_path / "empty.jsonl")), "--column", "gold"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "0 rows, 0 distinct references"


def test_the_readme_s_example_says_what_it_says(tmp_path: Path) -> None:
    blocks = re.findall(r"```(bash|text)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (at,) = [n for n, (_, block) in enumerate(blocks) if " -m service validate " in block]
    command = shlex.split(blocks[at][1])
    assert command[:4] == [".venv/bin/python", "-m", "service", "validate"]
    rows = [{"answer": gold} for gold in ("18", "\\dfrac{9}{7}", "", "$$")]
    name = command[4]
    data = _write(tmp_path / name, *rows)
    ran = _run(data, *command[5:])
    assert ran.returncode == 1
    said = ran.stdout.replace(str(data), name).splitlines()
    places = [said.index(line) for line in blocks[at + 1][1].splitlines() if line.strip()]
    assert places == sorted(places)
