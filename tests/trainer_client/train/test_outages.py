"""A run whose service goes away, for a while and for good, and that is stopped and resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.live import ROOT, LiveService, wait_until
from tests.trainer_client.train.flaky_road import FlakyRoad
from trainer_client.train import cli

pytestmark = [
    pytest.mark.timeout(600),
    # Of transformers to TRL, which still uses what is to go.
    pytest.mark.filterwarnings("ignore::FutureWarning:transformers"),
]


# Any: a log entry's values are of every JSON type.
def log_of(output: Path) -> list[dict[str, Any]]:
    """The log entries that are whole."""
    path = output / "log.jsonl"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


class Training:
    """`python -m trainer_client.train` as a process, and the folder it writes."""

    def __init__(self, process: subprocess.Popen[str], output: Path) -> None:
        self.process = process
        self._output = output

    def await_log(self, count: int, **wanted: float) -> None:
        """Wait until that many entries have these values."""
        measures = {f"touchstone/{name}": value for name, value in wanted.items()}

        def are_there() -> bool:
            if self.process.poll() is not None:
                raise AssertionError(self.process.communicate()[0])
            return sum(measures.items() <= entry.items() for entry in log_of(self._output)) >= count

        wait_until(are_there)

    def end(self) -> str:
        """What it said, once it has ended."""
        return self.process.communicate(timeout=120)[0]


@contextmanager
def training(output: Path, flags: Sequence[str]) -> Iterator[Training]:
    command = [sys.executable, "-m", "trainer_client.train", "--output", str(output), *flags]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield Training(process, output)
        finally:
            process.kill()


def _flags(model: Path, dataset: Path) -> list[str]:
    settings: Mapping[str, float] = {
        "per_device_train_batch_size": 4,
        "num_generations": 4,
        "max_completion_length": 6,
        "max_steps": 100_000,
    }
    return [
        *("--model", str(model), "--dataset", str(dataset), "--columns", "prompt=question"),
        *("--graders", "math,length_only"),
        *(word for key, value in settings.items() for word in ("--grpo", f"{key}={value}")),
    ]


def test_an_outage_costs_rewards_and_no_run(
    tiny_model: Path, sums: Path, tmp_path: Path, live: LiveService
) -> None:
    live.await_ready()
    output = tmp_path / "run"
    with FlakyRoad(live.url) as road:
        last = _outages_with_little_patience(tiny_model, sums, output, road)
        interrupted = _outage_with_patience_and_ctrl_c(output, road, last=last)
    here = ["--output", str(output)]
    anew = ["--model", "m", "--dataset", str(sums), "--graders", "math"]
    assert cli.main([*anew, *here]) == 2  # it holds a run
    further = ["--url", live.url, "--grpo", f"max_steps={interrupted + 2}"]
    assert cli.main(["--resume", *here, *further]) == 0
    assert [entry["step"] for entry in log_of(output)] == list(range(1, interrupted + 3))
    assert f"since step {interrupted}" in (output / "report.md").read_text()


def _outages_with_little_patience(model: Path, dataset: Path, output: Path, road: FlakyRoad) -> int:
    """A short outage gives None, one for good ends the run, which keeps its last step."""
    impatient = ["--reward", "timeout_s=1", "--reward", "max_failure_rate=0.5"]
    with training(output, [*_flags(model, dataset), *impatient, "--url", road.url]) as run:
        run.await_log(2, failed=0.0)
        road.close()
        run.await_log(2, failed=1.0)
        road.open()
        run.await_log(len(log_of(output)) + 8, failed=0.0)
        road.close()
        said = run.end()
    log = log_of(output)
    assert run.process.returncode == 1, said
    failed = [entry for entry in log if entry["touchstone/failed"] == 1.0]
    assert len(failed) >= 2
    # No number stands for what nobody graded, and it moves no weight.
    assert {entry["reward"] for entry in failed} == {None}
    assert not {"touchstone/math", "touchstone/length_only"} & failed[0].keys()
    assert all(entry["loss"] == 0.0 and entry["grad_norm"] == 0.0 for entry in failed)
    last: int = log[-1]["step"]
    assert (output / f"checkpoint-{last}" / "trainer_state.json").is_file()
    assert "Traceback" not in said
    assert "max_failure_rate" in said
    assert f"--resume --output {output}" in said
    assert "Stopped" in (output / "report.md").read_text()
    return last


def _outage_with_patience_and_ctrl_c(output: Path, road: FlakyRoad, *, last: int) -> int:
    """The run's own settings are read back, flags win, an outage costs time and nothing else."""
    road.open()
    with training(output, ["--resume", "--reward", "timeout_s=120"]) as run:
        wait_until(lambda: len(log_of(output)) > last)
        dropped = road.dropped
        road.close()
        wait_until(lambda: road.dropped >= dropped + 2)
        road.open()
        back = len(log_of(output))
        wait_until(lambda: len(log_of(output)) >= back + 3)
        run.process.send_signal(signal.SIGINT)
        said = run.end()
    assert run.process.returncode == 130, said
    assert "Traceback" not in said
    log = log_of(output)
    assert [entry["step"] for entry in log] == list(range(1, len(log) + 1))
    assert {entry["touchstone/failed"] for entry in log[last:]} == {0.0}
    assert None not in {entry["reward"] for entry in log[last:]}
    assert (output / f"checkpoint-{len(log)}" / "trainer_state.json").is_file()
    assert (output / "reward.png").is_file()
    return len(log)
