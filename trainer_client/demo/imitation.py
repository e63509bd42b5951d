"""Supervised fine-tuning of a policy on rows of prompt and completion, by TRL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from datasets import Dataset
from transformers import (
    PrinterCallback,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from trainer_client.demo.completions import Policy
from trainer_client.demo.tiny_model import save
from trainer_client.train.console import Console

__all__ = ["imitate"]

_BATCH: Final = 32
_LOG_STEPS: Final = 25


class _Told(TrainerCallback):
    """One line of progress for every logged step."""

    def __init__(self, console: Console) -> None:
        self._console = console

    # Any: the hook's further arguments, none of which is read.
    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, object] | None = None,
        **_: Any,
    ) -> None:
        if logs is not None and "loss" in logs:
            self._console.progress(
                f"step {state.global_step}/{state.max_steps}  loss {float(str(logs['loss'])):.3f}"
            )


def imitate(
    policy: Policy,
    rows: Sequence[Mapping[str, str]],
    *,
    folder: Path,
    steps: int,
    seed: int,
    console: Console,
) -> None:
    """Train the policy to write the rows' completions, and save it to the folder."""
    settings = SFTConfig(
        output_dir=str(folder),
        max_steps=steps,
        per_device_train_batch_size=_BATCH,
        # A hundred times that of a real model, whose weights are a thousand times as many.
        learning_rate=3e-3,
        lr_scheduler_type="cosine",
        warmup_steps=20,
        seed=seed,
        # TRL's defaults are for GPUs and real models.
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        max_length=None,
        logging_steps=_LOG_STEPS,
        disable_tqdm=True,
        report_to="none",
        save_strategy="no",
    )
    columns = [{"prompt": row["prompt"], "completion": row["completion"]} for row in rows]
    trainer = SFTTrainer(
        model=policy.model,
        args=settings,
        train_dataset=Dataset.from_list(columns),
        processing_class=policy.tokenizer,
        callbacks=[_Told(console)],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    save(policy.model, policy.tokenizer, folder=folder)
