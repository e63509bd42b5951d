"""GRPO against a real service, by the demo's own stages: the reward rises."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from tests.live import LiveService
from trainer_client import Client
from trainer_client.demo.scale import Scale
from trainer_client.demo.sums import split
from trainer_client.train.console import Console

_SCALE = Scale(trained=96, held_out=0, traces_steps=200, reward_steps=60)
_COMPONENTS = {"touchstone/math", "touchstone/format"}


@pytest.mark.timeout(600)
# Of transformers to TRL, which still uses what is to go.
@pytest.mark.filterwarnings("ignore::FutureWarning:transformers")
def test_the_reward_of_the_last_20_steps_is_over_that_of_the_first_20(
    tmp_path: Path, live: LiveService
) -> None:
    # Not at the top: torch and TRL take seconds.
    import torch

    from trainer_client.demo.stages import Course, learn_from_rewards, learn_traces

    torch.set_num_threads(1)
    console = Console(muted=True)
    with Client(live.url) as client:
        problems = split(_SCALE.trained, _SCALE.held_out, seed=0)
        course = Course(tmp_path, live.url, client, problems, _SCALE, seed=0, console=console)
        learn_traces(course)
        learn_from_rewards(course)
    entries = steps_of(tmp_path / "grpo" / "log.jsonl")
    rewards = [entry["reward"] for entry in entries]
    assert len(rewards) == _SCALE.reward_steps
    assert fmean(rewards[-20:]) - fmean(rewards[:20]) >= 0.15, rewards
    assert all(entry.keys() >= _COMPONENTS for entry in entries)
    assert all(entry["touchstone/failed"] == 0 for entry in entries)


# Any: a log entry's values are of every JSON type.
def steps_of(log: Path) -> list[dict[str, Any]]:
    """The entries of the steps, without that of the whole run."""
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    return [entry for entry in entries if "reward" in entry]
