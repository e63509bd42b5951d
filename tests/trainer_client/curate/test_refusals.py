"""Every message names the value and the remedy, and leaves nothing behind that is in the way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import ROOT, LiveService
from tests.trainer_client.curate.rows import Curate, read, sums, write
from tests.trainer_client.stub_service import Reply, StubService

GOOD = '{"prompt": "p", "completion": "4", "reward": 1}\n'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{no", "is not JSON (Expecting property name enclosed in double quotes at column 2)"),
        ("[1]", "is of type list: write one JSON object a line"),
        ('{"completion": "x", "reward": NaN}', "holds NaN, which is no JSON"),
        (
            '{"reward": 1}',
            "lacks 'completion' and 'completions': name the column with --completion",
        ),
        ('{"completion": 4}', "'completion' is of type int: give a string or a list of messages"),
        ('{"completion": null}', "'completion' is of type null"),
        ('{"completions": "x"}', "'completions' is of type str: give a list of completions"),
        ('{"completions": []}', "'completions' is empty"),
        ('{"completions": [], "completion": ""}', "has both 'completion' and 'completions'"),
        ('{"completion": "x"}', "lacks 'reward': name the column with --reward"),
        ('{"completion": "x", "reward": "1"}', "'reward' is of type str: give a number"),
        ('{"completions": ["x"], "reward": 1}', "'reward' is no list with a reward for each"),
        (
            '{"completion": "x", "reward": ' + "9" * 5_000 + "}",
            "holds a number that cannot be read",
        ),
        ('{"completion": "x", "reward": 1, "n": 1e999}', "holds a number beyond the range of a d"),
        ("[" * 100_000, "is nested too deeply"),
        ('{"completion": "\udcff", "reward": 1}', "is not UTF-8 (byte 17 of the line)"),
    ],
)
def test_a_bad_line_is_named_or_left_out_and_counted(
    curate: Curate, tmp_path: Path, line: str, message: str
) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes((GOOD + "\n" + line + "\n" + GOOD).encode("utf-8", "surrogateescape"))
    flags = ["filter", source, "-o", out, "--reward", "reward"]
    ran = curate(*flags)
    assert ran.status == 2
    assert ran.err.startswith(f"touchstone: {source}, line 3: {message}"), ran.err
    assert ran.err.endswith("; --skip-bad leaves such lines out\n")
    assert not out.exists()
    ran = curate(*flags, "--skip-bad")
    assert (ran.status, len(read(out))) == (0, 2)
    assert "cannot be used: 1\n" in ran.out
    assert "cannot be used: 1\n" in curate(*flags, "--skip-bad", "--resume").out


def test_a_prompt_that_is_not_known_is_asked_for(curate: Curate, tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", [{"completion": "x", "reward": 1}])
    ran = curate("difficulty", source, "-o", tmp_path / "out", "--reward", "reward")
    assert "line 1: lacks 'prompt', so its prompt is not known: name the column with" in ran.err
    ran = curate("difficulty", source, "-o", tmp_path / "out", "--reward", "reward", "--group", "g")
    assert "line 1: lacks 'g': name the column with --group; the row has completion" in ran.err
    ran = curate("dedup", source, "-o", tmp_path / "out", "--on", "text", "--scope", "file")
    assert "lacks 'text': name the columns with --on; the row has completion, reward" in ran.err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--graders", "mth"], "the service has no grader 'mth' (perhaps 'math'?)"),
        (["--graders", '[{"name": "math", "options": {"x": 1}}]'], "bad_options options.x unknown"),
        (["--graders", '["math", "format"]'], "say with --min-reward which reward is right"),
        (["--graders", '{"name": "math", "weight": 2}'], "say with --min-reward"),
        (["--graders", "[]"], "the list is empty"),
        (["--graders", "[{}]"], 'each grader is an object with a "name"'),
        (["--graders", "{math}"], "no JSON"),
        (["--graders", "none.json"], "none.json cannot be read"),
        (["--columns", "answer=solution"], "lacks 'solution', which the grader math reads as its"),
        (["--columns", "answr=answer"], "--columns maps 'answr', and the graders read answer"),
        (
            ["--key", "answer"],
            "--key answer names a column that is read, which what is added would",
        ),
        (["--key", "prompt"], "would replace: name another key"),
        (["--columns", "answer"], "'answer' is no KEY=COLUMN, such as answer=solution"),
        (["--batch", "0"], "'0': give a whole number of 1 or more"),
        (["--timeout", "inf"], "'inf': give seconds above 0"),
        (["--api-key-file", "none.txt"], "none.txt: No such file or directory"),
    ],
)
def test_flags_that_cannot_be_are_explained(
    curate: Curate, live: LiveService, tmp_path: Path, flags: list[str], message: str
) -> None:
    source, out = write(tmp_path / "in.jsonl", sums(1)), tmp_path / "out.jsonl"
    ran = curate("filter", source, "-o", out, "--url", live.url, *flags)
    assert (ran.status, message in ran.err) == (2, True), ran.err
    assert list(tmp_path.iterdir()) == [source]


def test_files_that_are_in_the_way_or_missing_are_named(curate: Curate, tmp_path: Path) -> None:
    source, out = write(tmp_path / "in.jsonl", [{"completion": "x", "r": 1}]), tmp_path / "out"
    flags = ["filter", source, "--reward", "r"]
    assert curate(*flags, "-o", out).status == 0
    ran = curate(*flags, "-o", out)
    assert f"{out} is there already: add --resume to go on with it, or delete it" in ran.err
    ran = curate(*flags, "-o", source)
    assert "one file is named twice" in ran.err
    ran = curate(*flags, "-o", tmp_path / "none" / "out")
    assert f"{tmp_path / 'none'} is no folder: make it, or name another file" in ran.err
    ran = curate("filter", tmp_path / "none", "-o", tmp_path / "new", "--reward", "r")
    assert (ran.status, ran.err) == (
        2,
        f"touchstone: {tmp_path / 'none'}: No such file or directory\n",
    )
    ran = curate("filter", "-", "-o", tmp_path / "new", "--reward", "r", "--resume")
    assert "--resume needs a file as input and as output, not -" in ran.err


@pytest.mark.parametrize(
    "flags",
    [
        ["filter", "--reward", "right", "--key", "right"],
        ["best-of", "--reward", "right", "--group", "meta.id", "--key", "meta"],
        ["dedup", "--on", "meta.id", "--key", "meta"],
        ["dedup", "--key", "completion"],
    ],
)
def test_nothing_that_is_read_is_replaced(
    curate: Curate, tmp_path: Path, flags: list[object]
) -> None:
    row = {"prompt": "p", "completion": "x", "right": 1, "meta": {"id": 1}}
    source, out = write(tmp_path / "in.jsonl", [row]), tmp_path / "out.jsonl"
    ran = curate(*flags, source, "-o", out)
    assert (ran.status, f"--key {flags[-1]} names a column that is read" in ran.err) == (2, True)


def test_findings_of_an_earlier_run_are_read_and_then_replaced(
    curate: Curate, tmp_path: Path
) -> None:
    row = {"completion": "x", "touchstone": {"reward": 1, "index": 7}}
    source, out = write(tmp_path / "in.jsonl", [row]), tmp_path / "out.jsonl"
    ran = curate("filter", source, "-o", out, "--reward", "touchstone.reward")
    assert (ran.status, read(out)[0]["touchstone"]) == (0, {"reward": 1.0, "outcome": "graded"})


def test_a_device_takes_an_output_and_is_never_gone_on_with(curate: Curate, tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", [{"completion": "x", "r": r} for r in (1, 0)])
    flags = ["filter", source, "--reward", "r"]
    for _ in range(2):
        ran = curate(*flags, "-o", "/dev/null")
        assert (ran.status, "1 of 2 completions kept" in ran.out) == (0, True), ran.err
    assert not Path("/dev/null.progress").exists()
    out = tmp_path / "out.jsonl"
    assert curate(*flags, "-o", out, "--rejected", "/dev/null").status == 0
    ran = curate(*flags, "-o", out, "--rejected", "/dev/null", "--resume")
    assert "--resume needs a file as input and as output, not /dev/null" in ran.err
    assert sorted(tmp_path.iterdir()) == [source, out]


def test_no_service_is_said_at_once(curate: Curate, tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", sums(1))
    with StubService().serving() as stub:
        gone = stub.url
    ran = curate("filter", source, "-o", tmp_path / "out.jsonl", "--url", gone)
    assert ran.status == 3
    assert f"no service answers at {gone}: start one with `python -m service serve`" in ran.err


def test_two_runs_do_not_write_one_file(curate: Curate, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    source = write(tmp_path / "in.jsonl", [{"completion": "x", "r": 1}])
    flags = ["filter", source, "-o", out, "--reward", "r"]
    assert curate(*flags).status == 0
    holder = (
        "import fcntl, sys; file = open(sys.argv[1], 'ab'); "
        "fcntl.flock(file, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(out)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        ran = curate(*flags, "--resume")
        other.communicate()
    assert (ran.status, "is being written by another run: wait" in ran.err) == (2, True)


def test_help_needs_httpx_and_the_standard_library_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "trainer_client.curate", "--help"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    assert "exit status: 0 all done" in done.stdout
    loaded = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()
    }
    assert "httpx" in loaded
    assert not loaded & {"torch", "trl", "transformers", "datasets", "numpy", "pydantic", "service"}


def test_a_missing_key_is_asked_for_by_its_flag_and_a_given_one_is_sent(
    curate: Curate, tmp_path: Path
) -> None:
    source, out = write(tmp_path / "in.jsonl", sums(1)), tmp_path / "out.jsonl"
    key = tmp_path / "key.txt"
    key.write_text("secret\n")
    with StubService([Reply(401)]).serving() as stub:
        ran = curate("filter", source, "-o", out, "--url", stub.url)
        assert (ran.status, "(--api-key-file FILE)" in ran.err) == (2, True)
        ran = curate("filter", source, "-o", out, "--url", stub.url, "--api-key-file", key)
        assert ran.status == 0
        sent = [seen.headers.get("authorization") for seen in stub.seen]
    assert sent == [None, "Bearer secret", "Bearer secret"]
