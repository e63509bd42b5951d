"""A run that was stopped goes on: nothing is graded twice, doubled or lost."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.live import LiveService, wait_until
from tests.trainer_client.curate.rows import GRADERS, Curate, read, started, sums, verdicts, write
from tests.trainer_client.stub_service import Reply, StubService

SIDES = ("out", "no", "none")


def files(folder: Path) -> list[object]:
    """The flags that name the outputs in a folder."""
    folder.mkdir(exist_ok=True)
    out, no, none = (folder / f"{name}.jsonl" for name in SIDES)
    return ["-o", out, "--rejected", no, "--ungraded", none]


def contents(folder: Path) -> list[bytes]:
    return [(folder / f"{name}.jsonl").read_bytes() for name in SIDES]


def done(folder: Path) -> int:
    """The units that a run has settled so far."""
    journal = folder / "out.jsonl.progress"
    return int(json.loads(journal.read_text())["progressed"][0]) if journal.exists() else 0


def test_killed_in_mid_run_it_ends_as_an_unbroken_run_does(
    curate: Curate, live: LiveService, tmp_path: Path
) -> None:
    rows = sums(400)
    source = write(tmp_path / "in.jsonl", rows)
    command = ["filter", source, "--url", live.url, "--batch", 4]
    assert curate(*command, *files(tmp_path / "whole")).status == 0
    broken = tmp_path / "broken"
    with started(*command, *files(broken)) as process:
        wait_until(lambda: done(broken) > 0)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    before = done(broken)
    assert 0 < before < len(rows)
    with (broken / "out.jsonl").open("ab") as torn:
        torn.write(b'{"prompt": "a line that was being writ')
    ran = curate(*command, *files(broken), "--resume")
    assert ran.status == 0, ran.err
    assert contents(broken) == contents(tmp_path / "whole")
    ran = curate(*command, *files(broken), "--resume")
    assert (ran.status, contents(broken)) == (0, contents(tmp_path / "whole"))
    assert "800 of 1,600 graded are right" in ran.out


@pytest.mark.parametrize(
    "command",
    [
        ["filter", "--max-per-prompt", "2"],
        ["difficulty", "--min-pass-rate", "0"],
    ],
)
def test_interrupted_it_goes_on_with_what_is_not_done(
    curate: Curate, tmp_path: Path, command: Sequence[str]
) -> None:
    source = write(tmp_path / "in.jsonl", sums(10))
    blocked, release = threading.Event(), threading.Event()

    def block() -> None:
        blocked.set()
        release.wait(60)

    stuck = Reply(before_body=block)
    broken = tmp_path / "broken"
    flags = [*command, source, "--batch", 8, "--in-flight", 1]
    with StubService([GRADERS, Reply(), Reply(), stuck]).serving() as stub:
        with started(*flags, "--url", stub.url, *files(broken)) as process:
            wait_until(blocked.is_set)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate()
        release.set()
    assert process.returncode == 130
    assert err.endswith("touchstone: interrupted; the same command with --resume goes on\n")
    assert "Traceback" not in err
    assert done(broken) == 4
    with StubService([GRADERS]).serving() as stub:
        ran = curate(*flags, "--url", stub.url, *files(broken), "--resume")
        asked = [len(seen.json()["items"]) for seen in stub.seen if seen.body]
    assert (ran.status, asked) == (0, [8, 8, 8])
    with StubService([GRADERS]).serving() as stub:
        assert curate(*flags, "--url", stub.url, *files(tmp_path / "whole")).status == 0
    assert contents(broken) == contents(tmp_path / "whole")


def test_what_the_service_fails_is_tried_again_and_takes_its_place(
    curate: Curate, tmp_path: Path
) -> None:
    source = write(tmp_path / "in.jsonl", sums(3, samples=1))
    out = tmp_path / "out"
    flags = ["filter", source, "--batch", 1, "--in-flight", 1, *files(out)]
    script = [GRADERS, verdicts(1.0), verdicts(None), verdicts(1.0), verdicts(None)]
    with StubService(script).serving() as stub:
        ran = curate(*flags, "--url", stub.url)
    assert ran.status == 3
    assert "the service failed 1 of 3 completions: run the same command" in ran.err
    assert "1 failed: math worker_died" in ran.out
    assert [row["kept"][0] for row in read(out / "out.jsonl")] == [0, 2]
    assert [row["kept"][0] for row in read(out / "none.jsonl")] == [1]
    with StubService([GRADERS, verdicts(1.0)]).serving() as stub:
        ran = curate(*flags, "--url", stub.url, "--resume")
        assert len(stub.seen) == 2
    assert (ran.status, ran.err) == (0, "")
    assert "3 of 3 completions kept" in ran.out
    assert "failed" not in ran.out
    assert [row["kept"][0] for row in read(out / "out.jsonl")] == [0, 1, 2]
    assert (out / "none.jsonl").read_bytes() == b""


def test_one_more_try_within_the_run_may_be_enough(curate: Curate, tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", sums(4, samples=2))
    flags = ["best-of", source, "-o", tmp_path / "out.jsonl", "--batch", 2, "--in-flight", 1]
    script = [GRADERS, verdicts(0.0, None), verdicts(1.0, 1.0), verdicts(None, None)]
    script += [verdicts(0.0, 0.0), verdicts(0.0, 1.0), verdicts(1.0, 0.0)]
    with StubService(script).serving() as stub:
        ran = curate(*flags, "--url", stub.url)
    assert (ran.status, ran.err) == (0, "")
    assert [row["kept"] for row in read(tmp_path / "out.jsonl")] == [[0, 1], [1, 0], [2, 0], [3, 0]]
    assert "pass@1: 0.5000 over 4 of 4 prompts" in ran.out


def test_a_stop_while_files_take_their_names_is_made_good(curate: Curate, tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", sums(3, samples=1))
    out = tmp_path / "out"
    flags = ["filter", source, "--batch", 1, "--in-flight", 1, *files(out)]
    with StubService([GRADERS]).serving() as stub:
        assert curate(*flags, "--url", stub.url).status == 0
        expected = contents(out)
        journal = out / "out.jsonl.progress"
        state = json.loads(journal.read_text())
        journal.write_text(json.dumps(state | {"renaming": True}))
        # Of the three, one has its name already and two have not.
        for name in SIDES[1:]:
            done_file = out / f"{name}.jsonl"
            done_file.rename(out / f"{name}.jsonl.new")
            done_file.write_bytes(b"as it was before\n" * 40)
        stub.script.append(GRADERS)
        assert curate(*flags, "--url", stub.url, "--resume").status == 0
    assert contents(out) == expected
    assert sorted(path.name for path in out.iterdir()) == [
        "no.jsonl", "none.jsonl", "out.jsonl", "out.jsonl.progress",
    ]  # fmt: skip


def test_a_service_that_is_gone_stops_the_run_and_loses_nothing(
    curate: Curate, tmp_path: Path
) -> None:
    source = write(tmp_path / "in.jsonl", sums(4))
    flags = ["filter", source, "--batch", 4, "--in-flight", 1, *files(tmp_path / "out")]
    with StubService([GRADERS, Reply(), *[Reply(503)] * 50]).serving() as stub:
        ran = curate(*flags, "--url", stub.url, "--timeout", "0.6")
    assert ran.status == 3
    assert "gave no verdict" in ran.err
    assert ran.err.endswith("; the same command with --resume goes on\n")
    assert done(tmp_path / "out") == 4
    with StubService([GRADERS]).serving() as stub:
        assert curate(*flags, "--url", stub.url, "--resume").status == 0
        assert curate(*flags[:-6], *files(tmp_path / "whole"), "--url", stub.url).status == 0
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_a_service_that_fails_everything_stops_the_run_early(
    curate: Curate, tmp_path: Path
) -> None:
    source = write(tmp_path / "in.jsonl", sums(400))
    with StubService([GRADERS, *[verdicts(*[None] * 256)] * 8]).serving() as stub:
        ran = curate("filter", source, "-o", tmp_path / "out.jsonl", "--url", stub.url)
    assert ran.status == 3
    assert "the service failed 1,024 rows or prompts: see its log" in ran.err


def test_dedup_goes_on_with_what_it_has_seen(curate: Curate, tmp_path: Path) -> None:
    rows = [{"prompt": "p", "completion": str(n % 60)} for n in range(100)]
    source, out = write(tmp_path / "in.jsonl", rows[:50]), tmp_path / "out.jsonl"
    assert curate("dedup", source, "-o", out, "--near", "0.8").status == 0
    write(source, rows)
    ran = curate("dedup", source, "-o", out, "--near", "0.8", "--resume")
    assert (ran.status, [row["completion"] for row in read(out)]) == (
        0,
        [str(n) for n in range(60)],
    )
    assert "60 of 100 rows kept" in ran.out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f["in"].write_text(f["in"].read_text().replace("0.5", "0.6")), "has changed"),
        (lambda f: f["out"].write_text(""), "has 0 of its 48 bytes: put it back"),
        (lambda f: f["out"].unlink(), "has 0 of its 48 bytes: put it back"),
        (lambda f: f["journal"].unlink(), "nobody knows how far it goes: delete it"),
        (lambda f: f["journal"].write_text("{"), "cannot be read: delete the output"),
    ],
)
def test_what_cannot_go_on_is_refused_with_the_reason(
    curate: Curate, tmp_path: Path, change: object, message: str
) -> None:
    assert callable(change)
    rows = [{"prompt": "p", "completion": "x", "reward": r} for r in (1, 0.5)]
    source, out = write(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    flags = ["filter", source, "-o", out, "--reward", "reward", "--bare"]
    assert curate(*flags).status == 0
    change({"in": source, "out": out, "journal": Path(f"{out}.progress")})
    ran = curate(*flags, "--resume")
    assert (ran.status, message in ran.err) == (2, True), ran.err


def test_other_flags_are_named_with_both_values(curate: Curate, tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", [{"completion": "x", "reward": 1}])
    flags = ["filter", source, "-o", tmp_path / "out.jsonl", "--reward", "reward"]
    assert curate(*flags).status == 0
    ran = curate(*flags, "--resume", "--min-reward", "0.5", "--bare")
    assert ran.status == 2
    assert "(bare was false and is true, min_reward was null and is 0.5)" in ran.err
    assert curate(*flags, "--resume", "--skip-bad", "--batch", "3").status == 0


def test_an_input_that_grew_is_refused_where_prompts_may_have_grown(
    curate: Curate, tmp_path: Path
) -> None:
    rows = [{"prompt": "p", "completion": "x", "reward": 1}]
    source = write(tmp_path / "in.jsonl", rows)
    flags = ["best-of", source, "-o", tmp_path / "out.jsonl", "--reward", "reward"]
    assert curate(*flags).status == 0
    write(source, rows * 2)
    ran = curate(*flags, "--resume")
    assert (ran.status, "the input has changed since the output was begun" in ran.err) == (2, True)
