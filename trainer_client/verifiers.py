"""Touchstone as a reward of verifiers (v1) and prime-rl, plugged in by the task's configuration.

# rewards.py; then task.rewards.touchstone.fn = "rewards.py:reward"
from trainer_client.verifiers import Reward

reward = Reward("math", url="http://127.0.0.1:8000", columns={"answer": "solution"})
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol, Unpack

from trainer_client.assay import Options, recipe, worths
from trainer_client.remote_reward.samples import Samples

__all__ = ["Reward", "reward"]


class _Data(Protocol):
    """verifiers' `TaskData`: a model whose fields are the columns of a row."""

    def model_dump(self) -> Mapping[str, object]: ...


class _Trace(Protocol):
    """As much of verifiers' `Trace` as is graded."""

    @property
    def last_reply(self) -> str: ...

    @property
    def num_output_tokens(self) -> int: ...


class Reward:
    """Called with the task's data and its trace; what it raises is verifiers' TaskError."""

    def __init__(self, graders: object, **options: Unpack[Options]) -> None:
        self._recipe = recipe(graders, options)

    async def __call__(self, task: _Data, trace: _Trace) -> float:
        """The reward of the last reply."""
        columns = {name: [value] for name, value in task.model_dump().items()}
        samples = Samples([trace.last_reply], None, None, columns)
        (worth,) = await worths(self._recipe, samples)
        return worth.reward


reward: Final = Reward("math")
"""`fn = "trainer_client.verifiers:reward"`: math, asked of http://127.0.0.1:8000."""
