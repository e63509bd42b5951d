"""TRL's own functions take it as a reward function, also where the extra arguments are absent."""

from __future__ import annotations

import asyncio
import warnings
from typing import Any

from tests.live import LiveService
from trainer_client import RemoteReward


def test_the_trainer_awaits_it_and_knows_its_name() -> None:
    from trl.trainer.utils import get_callable_name, is_async_callable

    reward = RemoteReward("http://127.0.0.1:1", [{"name": "math"}])
    assert is_async_callable(reward)
    assert get_callable_name(reward) == "touchstone"


def test_async_grpo_scores_its_groups_with_it(live: LiveService) -> None:
    from accelerate import PartialState

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it is experimental
        from trl.experimental.async_grpo import async_rollout_worker

    PartialState()  # its logger wants one
    reward = RemoteReward(live.url, [{"name": "math"}], max_failure_rate=1.0)
    # Any: the loop without vLLM, which its constructor looks for.
    loop: Any = object.__new__(async_rollout_worker._AsyncRolloutLoop)
    loop.reward_funcs, loop.reward_func_names = [reward], ["touchstone"]
    loop._env_reward_types, loop._provides_rollout_reward = [], False
    sequence = type(
        "Sequence", (), {"input_ids": [1], "completion_mask": [1], "old_log_probs": [0.0]}
    )
    group: Any = type("Group", (), {})()
    group.prompts = ["2+2?"] * 4
    group.completions = [rf"\boxed{{{answer}}}" for answer in (4, 5, 4, 4)]
    group.completions_ids = [[1, 2]] * 4
    group.completions_sequences = [[sequence()]] * 4
    group.reward_kwargs = {"answer": ["4", "4", "4", None]}
    group.tool_call_counts = group.tool_failure_counts = [0] * 4
    group.model_version = group.group_id = 0

    async def scored() -> Any:
        samples = await loop._score_group(group)
        await reward.aclose()
        return samples

    samples = asyncio.run(scored())
    advantages = [round(sample.advantage, 3) for sample in samples]
    assert advantages == [0.707, -1.414, 0.707, 0.0]  # nobody graded the last one
