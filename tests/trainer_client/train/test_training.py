"""A short run in this process, and what resampling does to a batch."""

from __future__ import annotations

import asyncio
import io
import json
import math
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.live import LiveService
from trainer_client.train.config import RunConfig
from trainer_client.train.console import Console
from trainer_client.train.errors import NothingToResume
from trainer_client.train.run import train

pytestmark = [
    pytest.mark.timeout(600),
    # Of transformers to TRL, which still uses what is to go.
    pytest.mark.filterwarnings("ignore::FutureWarning:transformers"),
]

GRPO: Mapping[str, object] = {
    "per_device_train_batch_size": 8,
    "num_generations": 4,
    "max_completion_length": 6,
    "learning_rate": 1e-4,
    "max_steps": 4,
}


def config(model: Path, dataset: Path, output: Path, **changes: Any) -> RunConfig:
    """A run of a few steps."""  # Any: settings of every type
    settings: dict[str, Any] = {
        "columns": {"prompt": "question"},
        "graders": ({"name": "math"}, {"name": "random", "weight": 0.5}),
        "grpo": GRPO,
    }
    return RunConfig(
        model=str(model), dataset=str(dataset), output=output, **{**settings, **changes}
    )


def test_a_run_leaves_log_plot_report_model_and_goes_on(
    tiny_model: Path, sums: Path, tmp_path: Path, live: LiveService
) -> None:
    live.await_ready()
    output, terminal = tmp_path / "run", io.StringIO()
    more = {"system_prompt": "Add.", "resample_rounds": 2}
    run = config(tiny_model, sums, output, url=live.url, **more)
    report = train(run, console=Console(terminal))

    log = [json.loads(line) for line in (output / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log] == [1, 2, 3, 4]
    measured = {"reward", "loss", "touchstone/math", "touchstone/random", "touchstone/failed"}
    assert all(measured <= entry.keys() for entry in log)
    assert (output / "reward.png").read_bytes().startswith(b"\x89PNG")
    assert (output / "model" / "config.json").is_file()
    samples = (output / "completions.jsonl").read_text().splitlines()
    sample = json.loads(samples[0])
    assert sample["prompt"][0] == {"role": "system", "content": "Add."}
    assert {
        "completion",
        "touchstone/math",
        "touchstone/random",
        "reward/touchstone",
        "step",
    } <= sample.keys()

    assert (report.session.step, report.window_steps) == (4, 2)
    assert [change.name for change in report.changes][:3] == ["reward", "math", "random"]
    assert 0 < report.session.waited_s < report.session.wall_s
    shown = terminal.getvalue()
    assert (output / "report.md").read_text() in shown
    assert "step 4/4, 0 s left  reward " in shown
    assert "model: " in (output / "config.yaml").read_text()

    assert f"--resume --output {output} --grpo max_steps=8`" in shown

    _finish_once_more(config(tiny_model, sums, output, url=live.url, resume=True))


def _finish_once_more(run: RunConfig) -> None:
    """A complete run gets the model that it lacks, as if it was stopped in writing it."""
    model, terminal = run.output / "model", io.StringIO()
    shutil.rmtree(model)
    assert train(run, console=Console(terminal)).session.model == model
    assert (model / "model.safetensors").is_file()
    assert 'system_prompt "Add." -> null; resample_rounds 2 -> 0\n' in terminal.getvalue()
    with pytest.raises(NothingToResume, match=r"complete.*max_steps=8"):
        train(run, console=Console(terminal))


@contextmanager
# Any: TRL's trainer and its batches ship no useful types.
def _trainer(kind: Any, model: Path, output: Path, url: str, **more: Any) -> Iterator[Any]:
    from datasets import Dataset
    from transformers import PrinterCallback

    from trainer_client import RemoteReward
    from trainer_client.train.arguments import grpo_config

    run = config(model, Path("unused"), output, grpo={**GRPO, "max_steps": 3})
    rows = [{"prompt": f"{n}+1=", "answer": str(n + 1), "touchstone_row": n} for n in range(24)]
    reward = RemoteReward(url, [{"name": "random", "options": {"p": 0.15}}])
    trainer = kind(
        model=str(model),
        reward_funcs=reward,
        args=grpo_config(run),
        train_dataset=Dataset.from_list(rows),
        **more,
    )
    trainer.remove_callback(PrinterCallback)
    try:
        yield trainer
    finally:
        asyncio.run_coroutine_threadsafe(reward.aclose(), trainer.async_loop).result(10)


# Any: as above.
def _resampling(model: Path, output: Path, url: str, rounds: int) -> AbstractContextManager[Any]:
    from trainer_client.train.prompts import Task
    from trainer_client.train.sampling import ResamplingTrainer

    tasks = [Task(f"{n}+1=", {"answer": str(n + 1)}) for n in range(24)]
    return _trainer(ResamplingTrainer, model, output, url, tasks=tasks, resample_rounds=rounds)


def test_without_resampling_a_run_is_trls_own(
    tiny_model: Path, tmp_path: Path, live: LiveService
) -> None:
    from trl.trainer.grpo_trainer import GRPOTrainer

    live.await_ready()
    with _trainer(GRPOTrainer, tiny_model, tmp_path / "theirs", live.url) as theirs:
        theirs.train()
    with _resampling(tiny_model, tmp_path / "ours", live.url, 0) as ours:
        ours.train()
    measures = ("loss", "grad_norm", "reward", "entropy", "touchstone/random", "num_tokens")
    logs = [
        [[entry.get(name) for name in measures] for entry in trainer.state.log_history[:-1]]
        for trainer in (theirs, ours)
    ]
    assert logs[0] == logs[1]
    assert any(entry[0] for entry in logs[0]), "no group had a spread: choose another seed"


def test_flat_groups_give_their_places_to_groups_with_spread(
    tiny_model: Path, tmp_path: Path, live: LiveService
) -> None:
    import torch

    live.await_ready()
    with _resampling(tiny_model, tmp_path / "run", live.url, 20) as trainer:
        trainer.train()
        trainer.model.train()
        rows = [trainer.train_dataset[place] for place in (0, 1) for _ in range(4)]
        batch = trainer._generate_and_score_completions(rows)
    log = [entry for entry in trainer.state.log_history if "loss" in entry]
    assert all(math.isfinite(entry["loss"]) for entry in log)
    flat = sum(2 * entry["touchstone/flat_groups"] for entry in log)
    assert flat > 0, "the seed gives no flat group: choose another"
    assert sum(entry["sampling/resampled_groups"] for entry in log) == flat
    assert {entry["sampling/flat_groups_left"] for entry in log} == {0.0}

    advantages = batch["advantages"].view(2, 4)
    assert bool((advantages != 0).any(dim=1).all())
    assert torch.allclose(advantages.mean(dim=1), torch.zeros(2), atol=1e-5)
    assert int(batch["num_items_in_batch"]) == int(batch["completion_mask"].sum())
    prompts = trainer.processing_class.batch_decode(batch["prompt_ids"], skip_special_tokens=True)
    assert set(prompts) <= {f"{n}+1=" for n in range(24)}
    assert all(len(set(prompts[first : first + 4])) == 1 for first in (0, 4))


def test_rows_of_another_width_are_padded_on_their_own_side() -> None:
    import torch

    from trainer_client.train.merging import replace_rows

    batch = {
        "prompt_ids": torch.tensor([[1, 2], [3, 4]]),
        "completion_ids": torch.tensor([[5, 6, 7], [8, 9, 0]]),
        "completion_mask": torch.tensor([[1, 1, 1], [1, 1, 0]]),
        "advantages": torch.tensor([0.0, 0.0]),
    }
    fresh = {
        "prompt_ids": torch.tensor([[11, 12, 13]]),
        "completion_ids": torch.tensor([[14]]),
        "completion_mask": torch.tensor([[1]]),
        "advantages": torch.tensor([0.5]),
    }
    merged = replace_rows(batch, fresh, rows={1: 0}, pad_id=99)
    assert merged["prompt_ids"].tolist() == [[99, 1, 2], [11, 12, 13]]
    assert merged["completion_ids"].tolist() == [[5, 6, 7], [14, 99, 99]]
    assert merged["completion_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert merged["advantages"].tolist() == [0.0, 0.5]
    assert batch["advantages"].tolist() == [0.0, 0.0]
