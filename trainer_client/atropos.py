"""Touchstone as a reward function of Atropos.

from atroposlib.envs.reward_fns import registry
from trainer_client.atropos import TouchstoneReward

registry.register_function("touchstone", TouchstoneReward)
reward = registry.create({"type": "touchstone", "params": {"graders": "math"}})
scores = reward(completions, answer=["4"] * len(completions))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, Unpack

from trainer_client.assay import Options, recipe, worths_now
from trainer_client.remote_reward.samples import Samples

__all__ = ["TouchstoneReward"]


class _Logger(Protocol):
    """Weights & Biases, as Atropos hands it over."""

    def log(self, figures: Mapping[str, float]) -> object: ...


class TouchstoneReward:
    """Atropos' RewardFunction but for its base class, which turns every error into zeros.

    What nobody could grade raises: an environment then drops the group and goes on.
    """

    def __init__(
        self,
        graders: object,
        *,
        weight: float = 1.0,
        name: str | None = None,
        **options: Unpack[Options],
    ) -> None:
        self.weight = weight
        self.name = name or "touchstone"
        self._recipe = recipe(graders, options)
        self._logger: _Logger | None = None

    def compute(self, completions: Sequence[object], **columns: object) -> list[float]:
        """The rewards of a group, without the weight; a column that is no list is every row's."""
        lists = {
            name: value if isinstance(value, list) else [value] * len(completions)
            for name, value in columns.items()
        }
        answers = [_answer(completion) for completion in completions]
        found = worths_now(self._recipe, Samples(answers, None, None, lists))
        return [worth.reward for worth in found]

    def __call__(self, completions: Sequence[object], **columns: object) -> list[float]:
        """The weighted rewards of a group."""
        rewards = self.compute(completions, **columns)
        if self._logger is not None and rewards:
            self._logger.log({f"reward/{self.name}/mean_raw": sum(rewards) / len(rewards)})
        return [reward * self.weight for reward in rewards]

    def set_wandb_logger(self, logger: _Logger) -> None:
        """Log the mean of each group from now on."""
        self._logger = logger


def _answer(completion: object) -> object:
    """A text, or messages; Atropos also has single ones, and choices that hold one."""
    if isinstance(completion, Mapping):
        return [completion.get("message", completion)]
    return completion
