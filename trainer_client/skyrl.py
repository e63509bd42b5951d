"""Touchstone as an environment of SkyRL: a question, an answer, its reward.

    import skyrl_gym

    skyrl_gym.register(
        id="touchstone",
        entry_point="trainer_client.skyrl:TouchstoneEnv",
        kwargs={"graders": "math", "url": "http://127.0.0.1:8000"},
    )

Settings may stand in SkyRL's own configuration, too: `environment.skyrl_gym.touchstone.url=...`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

# The registry takes subclasses of its own class only.
from skyrl_gym.envs.base_text_env import BaseTextEnv  # type: ignore[import-not-found]

from trainer_client.assay import LABEL, Options, recipe, worths_now
from trainer_client.remote_reward.samples import Samples

__all__ = ["TouchstoneEnv"]


class TouchstoneEnv(BaseTextEnv):  # type: ignore[misc]  # the framework is not here
    """Done after one step, whose reward is that of the answer; a label is in `reward_spec`."""

    def __init__(
        self,
        env_config: Mapping[str, object] | None = None,
        extras: Mapping[str, object] | None = None,
        **settings: object,
    ) -> None:
        super().__init__()
        given = {**settings, **(env_config or {})}
        graders = given.pop("graders", None)
        if graders is None:
            raise ValueError('graders is missing: register with kwargs={"graders": "math"}')
        self._recipe = recipe(graders, cast(Options, given))
        row = dict(extras or {})
        spec = row.pop("reward_spec", None)
        if isinstance(spec, Mapping):
            row[LABEL] = spec.get(LABEL)
        self._columns = {name: [value] for name, value in row.items()}
        self._metrics: dict[str, float] = {}

    def step(self, action: str) -> dict[str, object]:
        """The reward of the answer; raises where nobody can grade it."""
        (worth,) = worths_now(self._recipe, Samples([action], None, None, self._columns))
        self._metrics = {"acc": worth.score, "reward_valid": float(worth.is_scored)}
        told = {"extracted": worth.extracted, **self._metrics}
        return {"observations": [], "reward": worth.reward, "done": True, "metadata": told}

    def get_metrics(self) -> dict[str, float]:
        """What SkyRL averages over episodes."""
        return self._metrics
