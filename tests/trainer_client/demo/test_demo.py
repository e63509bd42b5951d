"""`--demo` as a user runs it, with few steps: every stage, every file, and no process left."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live import ROOT, alive, children, wait_until
from trainer_client.train import cli

# The command line itself, with less work in each stage.
_FEW_STEPS = """
import functools, sys
from trainer_client.demo import run
from trainer_client.demo.scale import Scale
from trainer_client.train import cli
scale = Scale(traces_steps=%d, reward_steps=%d, samples_each=8, distil_steps=4,
              trained=16, held_out=8)
run.run_demo = functools.partial(run.run_demo, scale=scale)
sys.exit(cli.main(sys.argv[1:]))
"""
_PNG = b"\x89PNG\r\n\x1a\n"
_FILES = (
    "demo.md", "distilled/model.safetensors", "grpo/log.jsonl", "grpo/model/model.safetensors",
    "grpo/report.md", "kept.jsonl", "problems.jsonl", "samples.jsonl", "service.log",
    "sft/model.safetensors", "traces.jsonl",
)  # fmt: skip


@contextmanager
def demo(output: Path, *, traces: int, rewards: int) -> Iterator[subprocess.Popen[str]]:
    """A demo under way."""
    with subprocess.Popen(
        [sys.executable, "-c", _FEW_STEPS % (traces, rewards), "--demo", "--serve",
         "--output", str(output)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.timeout(600)
def test_all_stages_leave_their_files_and_no_process(tmp_path: Path) -> None:
    output = tmp_path / "demo"
    # Steps enough for stage 2 to have some right ones, which stage 3 needs.
    with demo(output, traces=60, rewards=3) as process:
        wait_until(lambda: bool(children(process.pid)))
        [service, *_] = children(process.pid)
        told, errors = process.communicate(timeout=250)
    assert process.returncode == 0, told + errors
    assert not alive(service)
    assert errors == ""
    assert [name for name in _FILES if not (output / name).stat().st_size] == []
    assert (output / "grpo" / "reward.png").read_bytes().startswith(_PNG)
    story = (output / "demo.md").read_text()
    for number, stage in enumerate(
        ("SFT on noisy traces", "GRPO", "distilled from right samples"), start=1
    ):
        assert f"stage {number} of 3: {stage}\n" in told
        assert f"| {stage} " in story
    assert story.partition("\n\n![")[0] in told
    assert str(output / "grpo" / "reward.png") in story


@pytest.mark.timeout(600)
def test_ctrl_c_in_stage_2_leaves_no_process(tmp_path: Path) -> None:
    with demo(tmp_path / "demo", traces=2, rewards=500) as process:
        wait_until((tmp_path / "demo" / "grpo" / "log.jsonl").is_file)
        started = children(process.pid)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=100)
    assert (process.returncode, errors) == (130, "error: stopped by SIGINT\n")
    assert started
    wait_until(lambda: not any(map(alive, started)))


def test_what_cannot_begin_says_what_to_do_and_touches_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    used, url, secret = tmp_path / "used", "http://127.0.0.1:9", "http://me:sesame@127.0.0.1:9"
    used.mkdir()
    (used / "mine.txt").write_text("mine")
    free = ["--output", str(tmp_path / "free")]
    for arguments, said in (
        (["--serve", "--output", str(used)], f"{used} is there already and is kept: give another"),
        (["--url", url, "--output", str(used)], f"{used} is there already and is kept"),
        (
            ["--serve", "--url", secret, *free],
            "--serve starts a service of its own and --url names",
        ),
        (["--url", secret, *free], f"no service is ready at {url}"),
        (["--url", url, *free], f"no service is ready at {url}: give --serve"),
        (["--url", "127.0.0.1:9", *free], "--url: url has no http:// or https://"),
    ):
        assert cli.main(["--demo", *arguments]) == 2
        told = capsys.readouterr().err
        assert said in told
        assert "sesame" not in told
    assert [path.name for path in used.iterdir()] == ["mine.txt"]
    assert not (tmp_path / "free").exists()
