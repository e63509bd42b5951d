"""Touchstone as AReaL's `reward_fn`, which it calls in a pool of processes with 15 s to answer.

# rewards.py, beside your training script; then reward_fn="rewards.reward_fn"
from trainer_client.areal import RewardFn

reward_fn = RewardFn("math", url="http://127.0.0.1:8000", columns={"answer": "solution"})
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Unpack

from trainer_client.assay import Options, recipe, worths_now
from trainer_client.remote_reward.samples import Samples

__all__ = ["RewardFn", "reward_fn"]

# AReaL scores 0 after four calls of 15 s; one that raises in time is an error to it.
_TIMEOUT_S: Final = 12.0
# It decodes the tokens that end an answer, too.
_STOPS: Final = (
    "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "</s>", "<end_of_turn>", "<eos>",
    "<｜end▁of▁sentence｜>",  # noqa: RUF001 - as DeepSeek writes it
)  # fmt: skip


class RewardFn:
    """Called with a sample and the columns of its row; it pickles."""

    def __init__(self, graders: object, **options: Unpack[Options]) -> None:
        self._recipe = recipe(graders, options, timeout_s=_TIMEOUT_S)

    def __call__(
        self,
        /,
        prompt: str,
        completions: str,
        prompt_ids: Sequence[int],
        completion_ids: Sequence[int],
        **data: object,
    ) -> float:
        """The reward of one completion."""
        answer = completions
        while stop := next((one for one in _STOPS if answer.endswith(one)), ""):
            answer = answer.removesuffix(stop)
        columns = {name: [value] for name, value in data.items()}
        (worth,) = worths_now(self._recipe, Samples([answer], [prompt], [completion_ids], columns))
        return worth.reward


reward_fn: Final = RewardFn("math")
"""`reward_fn="trainer_client.areal.reward_fn"`: math, asked of http://127.0.0.1:8000."""
