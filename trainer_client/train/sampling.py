"""GRPO that draws new prompts for groups without spread, as DAPO does, and times the rewards."""

from __future__ import annotations

import math
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import Tensor
from trl.trainer.grpo_trainer import GRPOTrainer

from trainer_client.train.errors import MissingExtra
from trainer_client.train.merging import KNOWN_PARTS, replace_rows
from trainer_client.train.prompts import Task

__all__ = ["ROW", "ResamplingTrainer", "check_trl"]

ROW: Final = "touchstone_row"
"""The dataset's column that says which task a row is."""

_STEPS: Final = ("_generate_and_score_completions", "_calculate_rewards")
_EQUAL: Final = 1e-8  # as torch.isclose takes a spread for zero


def check_trl() -> None:
    """Refuse a TRL without the two methods that are refined here."""
    missing = [name for name in _STEPS if not hasattr(GRPOTrainer, name)]
    if missing:
        import trl

        raise MissingExtra(
            f"TRL {trl.__version__} has no GRPOTrainer.{missing[0]}: "
            "install a version that is served, pip install 'trl>=1.16,<2'"
        )


class ResamplingTrainer(GRPOTrainer):
    """TRL's trainer, with the tasks' columns handed to the reward just as they were read.

    After generation, groups whose rewards are all equal give their places to groups of prompts
    drawn anew, for at most `resample_rounds` rounds; what is still flat then stays.
    Groups that the service could not grade keep their places: their prompts are not at fault.
    """

    # Any: the arguments of GRPOTrainer.
    def __init__(self, *, tasks: Sequence[Task], resample_rounds: int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._tasks = tasks
        self._columns = tuple(dict.fromkeys(name for task in tasks for name in task.columns))
        self._resample_rounds = resample_rounds
        self._group_size: int = self.num_generations or 1
        self._rewards: list[float] = []
        self.waited_s = 0.0

    # Any: the dataset, as Trainer passes it.
    def _get_train_sampler(self, dataset: Any = None) -> Any:
        self._sampler = super()._get_train_sampler(dataset)
        return self._sampler

    def count_on(self) -> None:
        """Count the checkpoint's steps and epochs, all of which TRL forgets in a resumed run.

        Else it would generate in the middle of a cycle and shuffle as in the first epoch.
        """
        if not self.state.global_step or self.args.ignore_data_skip:
            return
        loader: Any = self.callback_handler.train_dataloader
        batches = len(loader)
        parts = self.args.gradient_accumulation_steps
        epochs, steps = divmod(self.state.global_step, math.ceil(batches / parts))
        self._step = epochs * batches + steps * parts
        for _ in range(epochs):
            next(iter(self._sampler), None)  # shuffles once

    # Any: here and below as TRL passes and returns it.
    def _calculate_rewards(
        self,
        inputs: list[dict[str, Any]],
        prompts: list[Any],
        completions: list[Any],
        completion_ids_list: list[list[int]],
    ) -> Tensor:
        rows = [{"prompt": one["prompt"], **self._graded_by(one)} for one in inputs]
        began_s = time.perf_counter()
        rewards: Tensor = super()._calculate_rewards(
            rows, prompts, completions, completion_ids_list
        )
        self.waited_s += time.perf_counter() - began_s
        first = self.accelerator.process_index * len(inputs)
        self._rewards = rewards[first : first + len(inputs), 0].tolist()
        return rewards

    def _graded_by(self, row: Mapping[str, Any]) -> dict[str, object]:
        columns = self._tasks[row[ROW]].columns
        return {name: columns.get(name) for name in self._columns}

    def samples(self, count: int) -> list[dict[str, object]]:
        """Some completions of the last generation, with what was logged of each."""
        logs: dict[str, Any] = self._logs
        columns = {
            "prompt": logs["prompt"],
            "completion": logs["completion"],
            **{f"reward/{name}": values for name, values in logs["rewards"].items()},
            "advantage": logs["advantages"],
            **logs["extra"],
        }
        listed = [list(values)[-count:] for values in columns.values()]
        return [dict(zip(columns, row, strict=True)) for row in zip(*listed, strict=False)]

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        batch: dict[str, Any] = super()._generate_and_score_completions(inputs)
        if not self._resample_rounds or not self._is_training():
            return batch
        flat = [place for place, group in enumerate(self._groups()) if _is_flat(group)]
        found = len(flat)
        for drawing in range(self._resample_rounds):
            # Each process draws as many, for their generations and rewards are gathered in step.
            wanted = int(self._gathered(len(flat)).max())
            if wanted == 0:
                break
            with self._unlogged():
                fresh = super()._generate_and_score_completions(self._drawn(drawing, wanted))
            useful = [place for place, group in enumerate(self._groups()) if _has_spread(group)]
            pairs = dict(zip(flat, useful, strict=False))
            if pairs:
                batch = self._merged(batch, fresh, pairs)
            flat = [place for place in flat if place not in pairs]
        batch["num_items_in_batch"] = self._tokens(batch)
        replaced = int(self._gathered(found - len(flat)).sum())
        self._metrics["train"]["sampling/resampled_groups"].append(replaced)
        self._metrics["train"]["sampling/flat_groups_left"].append(
            int(self._gathered(len(flat)).sum())
        )
        return batch

    def _is_training(self) -> bool:
        return self.model is not None and bool(self.model.training)

    def _groups(self) -> Iterator[list[float]]:
        size = self._group_size
        for first in range(0, len(self._rewards), size):
            yield [one for one in self._rewards[first : first + size] if one == one]

    def _gathered(self, count: int) -> Tensor:
        gathered: Tensor = self.accelerator.gather(
            torch.tensor([count], device=self.accelerator.device)
        )
        return gathered

    def _drawn(self, drawing: int, groups: int) -> list[dict[str, Any]]:
        """As many groups of new prompts, other ones in each process, the same in a repeated run."""
        rank, ranks = self.accelerator.process_index, self.accelerator.num_processes
        part = self._step % self.args.gradient_accumulation_steps
        dice = random.Random(f"{self.args.seed}/{self.state.global_step}/{part}/{drawing}")  # noqa: S311
        size = len(self._tasks)
        wanted = groups * ranks
        places = (
            dice.sample(range(size), wanted)
            if wanted <= size
            else dice.choices(range(size), k=wanted)
        )
        rows: Any = self.train_dataset
        mine = places[rank * groups : (rank + 1) * groups]
        return [dict(rows[place]) for place in mine for _ in range(self._group_size)]

    @contextmanager
    def _unlogged(self) -> Iterator[None]:
        """Keep the measures of a redraw out of the log: the policy is judged by its first draw."""
        kept, self._metrics = self._metrics, {"train": defaultdict(list), "eval": defaultdict(list)}
        try:
            yield
        finally:
            self._metrics = kept
        kept["train"]["num_tokens"] = [self.state.num_input_tokens_seen]

    def _merged(
        self, batch: dict[str, Any], fresh: dict[str, Any], pairs: Mapping[int, int]
    ) -> dict[str, Any]:
        parts = {name: part for name, part in batch.items() if name != "num_items_in_batch"}
        if strange := parts.keys() - KNOWN_PARTS:
            raise MissingExtra(
                f"resample_rounds does not know the part {min(strange)!r} of TRL's batches: "
                "give resample_rounds 0"
            )
        size = self._group_size
        rows = {
            place * size + one: source * size + one
            for place, source in pairs.items()
            for one in range(size)
        }
        # Over the batch, whose order stays: TRL takes the first part for the number of rows.
        return batch | replace_rows(parts, fresh, rows=rows, pad_id=self._tokenizer.pad_token_id)

    def _tokens(self, batch: Mapping[str, Any]) -> Tensor:
        """The tokens that the loss counts, of all processes, as TRL adds them up."""
        tokens: Tensor = self.accelerator.gather(batch["completion_mask"].sum()).sum()
        return tokens


def _is_flat(rewards: Sequence[float]) -> bool:
    """Whether what was graded of a group is all alike; of one completion nobody can say."""
    return len(rewards) > 1 and not _has_spread(rewards)


def _has_spread(rewards: Sequence[float]) -> bool:
    return len(rewards) > 1 and max(rewards) - min(rewards) > _EQUAL
