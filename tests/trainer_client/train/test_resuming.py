"""A run that is stopped at an awkward place and resumed, and one that cannot begin."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.live import LiveService
from tests.trainer_client.train.flaky_road import FlakyRoad
from tests.trainer_client.train.test_training import GRPO, config
from trainer_client import TooManyFailures
from trainer_client.train.checkpoints import Checkpoint, claim_output
from trainer_client.train.config_file import keep_config
from trainer_client.train.console import Console
from trainer_client.train.errors import (
    BadConfig,
    BadDataset,
    MissingExtra,
    NothingToResume,
    OutputInUse,
    TrainError,
)
from trainer_client.train.resumption import told_of_resumption
from trainer_client.train.run import train

pytestmark = [
    pytest.mark.timeout(600),
    # Of transformers to TRL, which still uses what is to go.
    pytest.mark.filterwarnings("ignore::FutureWarning:transformers"),
]

_STEPS = 10
# A generation serves two steps, an epoch of three generations six.
_CYCLES: Mapping[str, Any] = {
    "limit": 6,
    "grpo": {**GRPO, "max_steps": _STEPS, "num_iterations": 2, "lr_scheduler_type": "constant"},
}
_IMPATIENT: Mapping[str, object] = {
    "max_attempts": 1,
    "max_failure_rate": 0.0,
    "failure_window": 1,
}


class _CutAfter(io.StringIO):
    """A terminal that closes the road once it is told of a step."""

    def __init__(self, road: FlakyRoad, step: int) -> None:
        super().__init__()
        self._road = road
        self._told = f"step {step}/"

    def write(self, text: str) -> int:
        if text.startswith(self._told):
            self._road.close()
        return super().write(text)


# Any: what JSON holds.
def _told(output: Path, name: str, *measures: str) -> list[list[Any]]:
    lines = (output / name).read_text().splitlines()
    return [[entry.get(one) for one in ("step", *measures)] for entry in map(json.loads, lines)]


def test_a_resumed_run_goes_on_as_if_it_had_never_ended(
    tiny_model: Path, sums: Path, tmp_path: Path, live: LiveService
) -> None:
    live.await_ready()
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    settings = {**_CYCLES, "resample_rounds": 2, "reward": _IMPATIENT}
    run = config(tiny_model, sums, whole, url=live.url, **settings)
    train(run, console=Console(io.StringIO()))
    with FlakyRoad(live.url) as road:
        run = config(tiny_model, sums, cut, url=road.url, **settings)
        # In the second epoch, where the next completions are drawn and wait for rewards.
        with pytest.raises(TooManyFailures):
            train(run, console=Console(_CutAfter(road, 8)))
        road.open()
        told = io.StringIO()
        report = train(replace(run, resume=True), console=Console(told))
    assert report.session.resumed_from == 8
    assert "warning" not in told.getvalue()
    measures = ("loss", "grad_norm", "reward", "num_tokens", "sampling/resampled_groups")
    logs = [_told(output, "log.jsonl", *measures) for output in (whole, cut)]
    assert logs[0] == logs[1]
    assert any(entry[2] for entry in logs[0][8:]), "no spread: choose another seed"
    drawn = [_told(output, "completions.jsonl", "prompt", "completion") for output in (whole, cut)]
    assert drawn[0] == drawn[1]


def test_a_run_resumed_within_a_generation_draws_its_rest_anew_and_keeps_time(
    tiny_model: Path, sums: Path, tmp_path: Path, live: LiveService
) -> None:
    live.await_ready()
    for steps in (3, 5):
        grpo = {**_CYCLES["grpo"], "max_steps": steps}
        run = config(tiny_model, sums, tmp_path / "run", url=live.url, grpo=grpo, resume=steps == 5)
        train(run, console=Console(io.StringIO()))
    rewards = _told(tmp_path / "run", "log.jsonl", "reward")
    assert [step for step, reward in rewards if reward is not None] == [1, 3, 4, 5]


def test_a_folder_says_what_can_be_done_with_it(tmp_path: Path) -> None:
    run = config(tmp_path, Path("sums.jsonl"), tmp_path / "run")
    (run.output).mkdir()
    with pytest.raises(NothingToResume, match="leave out --resume"):
        claim_output(replace(run, resume=True))
    (run.output / "log.jsonl").write_text('{"step": 1}\n')
    remedy = r"before its first checkpoint: remove .*log\.jsonl or give another --output"
    with pytest.raises(OutputInUse, match=remedy):
        claim_output(run)
    with pytest.raises(NothingToResume, match=remedy):
        claim_output(replace(run, resume=True))

    checkpoint = run.output / "checkpoint-3"
    checkpoint.mkdir()
    (checkpoint / "trainer_state.json").write_text("{}")
    keep_config(run, run.output)
    begun = claim_output(replace(run, resume=True))
    assert begun == Checkpoint(3, checkpoint)
    other = replace(run, dataset="other.jsonl", grpo={**GRPO, "num_generations": 8}, url="http://h")
    assert told_of_resumption(other, begun) == [
        f"warning: {checkpoint} has the weights only (grpo.save_only_model): the optimizer, "
        "the learning rate's schedule and the draws begin anew",
        'warning: from step 3 on with other settings: dataset "sums.jsonl" -> "other.jsonl"; '
        "grpo.num_generations 4 -> 8",
    ]
    (checkpoint / "rng_state.pth").touch()
    assert told_of_resumption(run, begun) == []


def test_what_cannot_be_set_up_is_told_before_a_step(
    tiny_model: Path, sums: Path, tmp_path: Path, live: LiveService
) -> None:
    live.await_ready()
    (tmp_path / "file").touch()
    short = tmp_path / "short"
    shutil.copytree(tiny_model, short)
    weights = short / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    # Any: settings of every type.
    cases: list[tuple[dict[str, Any], type[TrainError], str]] = [
        ({"limit": 1}, BadDataset, "gives 1 rows, and one generation takes 2 .*give more rows"),
        ({"model": short}, BadConfig, f"model {short} cannot be loaded"),
        ({"output": tmp_path / "file" / "x"}, BadConfig, "output .*/x cannot be written"),
        ({"grpo": {**GRPO, "use_vllm": True}}, MissingExtra, "TRL does not set up.*vLLM"),
        ({"grpo": {**GRPO, "report_to": "wandb"}}, BadConfig, "TRL does not set up.*wandb"),
    ]
    for changes, error, said in cases:
        given = {"model": tiny_model, "dataset": sums, "output": tmp_path / "run", **changes}
        with pytest.raises(error, match=said):
            train(config(url=live.url, **given), console=Console(io.StringIO()))
