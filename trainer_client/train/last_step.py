"""What a checkpoint written late needs of its step: the draws and counts of the step's end."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

import numpy as np
import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from trainer_client.train.sampling import ResamplingTrainer

__all__ = ["LastStep"]


class _Noted(NamedTuple):
    python: tuple[Any, ...]  # Any: a state of Python's generator is opaque
    # Any: likewise numpy's
    numpy: Any
    torch: torch.Tensor
    device: torch.Tensor | None
    tokens: int


class LastStep(TrainerCallback):
    """Notes each step's end, for the next step draws and counts before it can be stopped.

    A run that is resumed then goes on as if it had never ended.
    """

    def __init__(self, trainer: ResamplingTrainer) -> None:
        self._trainer = trainer
        self._noted: _Noted | None = None

    # Any: the hooks' further arguments, none of which is read.
    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._trainer.count_on()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._noted = _Noted(
            random.getstate(),
            np.random.get_state(),
            torch.get_rng_state(),
            torch.get_device_module().get_rng_state() if _has_device() else None,
            state.num_input_tokens_seen,
        )

    def save(self) -> None:
        """Write a checkpoint of the last step that ended."""
        if self._noted is None:
            return
        random.setstate(self._noted.python)
        np.random.set_state(self._noted.numpy)
        torch.set_rng_state(self._noted.torch)
        if self._noted.device is not None:
            torch.get_device_module().set_rng_state(self._noted.device)
        self._trainer.state.num_input_tokens_seen = self._noted.tokens
        # As TRL itself: no public method writes one without a step.
        self._trainer._save_checkpoint(self._trainer.model, trial=None)  # type: ignore[no-untyped-call]  # has no types


def _has_device() -> bool:
    return torch.accelerator.is_available()
