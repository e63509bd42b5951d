"""SkyRL's own registry, and an episode as its generator plays it, in our environment."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.live import LiveService
from tests.trainer_client.shims.conftest import Road
from tests.wires.clients import skyrl
from trainer_client import RequestRefused, TooManyFailures

ENTRY = "trainer_client.skyrl:TouchstoneEnv"
ASKED = [{"role": "user", "content": "2+2?"}]


@pytest.fixture(autouse=True, scope="module")
def _registered() -> Iterator[None]:
    with skyrl.importable():
        import skyrl_gym  # type: ignore[import-not-found]

        skyrl_gym.register(id="touchstone", entry_point=ENTRY, kwargs={"graders": "math"})
        skyrl_gym.register(id="touchstone_bare", entry_point=ENTRY)
    yield
    sys.modules.pop("trainer_client.skyrl", None)


# Any: the environment's settings.
def _episode(answer: str, gold: object = "4", **settings: Any) -> skyrl.Episode:
    extras = {"reward_spec": {"method": "rule", "ground_truth": gold}, "data_source": "sums"}
    return skyrl.episode("touchstone", answer, prompt=ASKED, extras=extras, env_config=settings)


def test_an_answer_ends_the_episode_with_its_reward(live: LiveService) -> None:
    done = _episode(r"so \boxed{4}", url=live.url)
    metrics = {"acc": 1.0, "reward_valid": 1.0}
    assert done.prompt == ASKED
    assert done.output == {
        "observations": [],
        "reward": 1.0,
        "done": True,
        "metadata": {"extracted": "4", **metrics},
    }
    assert done.metrics == metrics
    assert _episode(r"so \boxed{5}", url=live.url).output["reward"] == 0.0


def test_its_settings_come_from_the_registry_or_the_configuration(live: LiveService) -> None:
    graders = [{"name": "exact"}]
    assert _episode("four", "four", url=live.url, graders=graders).output["reward"] == 1.0
    with pytest.raises(ValueError, match="graders is missing: register with"):
        skyrl.episode("touchstone_bare", "", prompt=ASKED, extras={})


def test_nobody_s_failure_is_a_zero(road: Road) -> None:
    with pytest.raises((TooManyFailures, RequestRefused), match=road.says):
        _episode(road.answer, **road.options)


def test_a_fallback_is_told_apart(live: LiveService) -> None:
    done = _episode("4", None, url=live.url, fallback=0.25)
    assert (done.output["reward"], done.metrics["reward_valid"]) == (0.25, 0.0)
