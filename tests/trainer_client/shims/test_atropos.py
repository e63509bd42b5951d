"""Atropos' own registry and callers of rewards, with ours."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from tests.live import LiveService
from tests.trainer_client.shims.conftest import Road
from tests.wires.clients import atropos
from trainer_client import RequestRefused, TooManyFailures
from trainer_client.atropos import TouchstoneReward

ANSWERS = [r"so \boxed{4}", r"so \boxed{5}"]


@pytest.fixture(autouse=True, scope="module")
def _registered() -> None:
    with atropos.importable():
        from atroposlib.envs.reward_fns import registry  # type: ignore[import-not-found]

        registry.register_function("touchstone", TouchstoneReward)


# Any: a reward's settings.
def _created(completions: list[object], **settings: Any) -> list[float]:
    params = {"graders": "math", **settings}
    return atropos.created("touchstone", {"params": params}, completions, answer="4")


def test_a_group_gets_its_weighted_rewards(live: LiveService) -> None:
    assert _created([*ANSWERS], url=live.url, weight=0.5) == [0.5, 0.0]


@pytest.mark.parametrize(
    "completion",
    [
        ANSWERS[0],
        {"role": "assistant", "content": ANSWERS[0]},
        {"message": {"role": "assistant", "content": ANSWERS[0]}},
        [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": ANSWERS[0]}],
    ],
)
def test_completions_come_in_each_of_its_forms(live: LiveService, completion: object) -> None:
    assert _created([completion], url=live.url) == [1.0]


def test_it_is_called_in_a_running_loop_as_environments_do(live: LiveService) -> None:
    async def collect() -> list[float]:
        return _created([*ANSWERS], url=live.url)

    assert asyncio.run(collect()) == [1.0, 0.0]


def test_nobody_s_failure_is_a_zero(road: Road) -> None:
    with pytest.raises((TooManyFailures, RequestRefused), match=road.says):
        _created([road.answer], **road.options)


def test_beside_others_it_is_added_up_and_its_failure_is_left_out_by_atropos(
    live: LiveService,
) -> None:
    ours = {"type": "touchstone", "params": {"graders": "math", "url": live.url}}
    assert atropos.combined([ours], ANSWERS, answer=["4", "4"]) == [1.0, 0.0]
    # What its documentation cannot prevent: give Touchstone all graders of a run.
    assert atropos.combined([ours], ANSWERS, answer=["", ""]) == [0.0, 0.0]


def test_a_fallback_is_paid_if_one_is_given_and_means_are_logged(live: LiveService) -> None:
    logged: list[Mapping[str, float]] = []

    class Wandb:
        def log(self, figures: Mapping[str, float]) -> None:
            logged.append(figures)

    reward = TouchstoneReward("math", url=live.url, fallback=0.5, name="sums")
    reward.set_wandb_logger(Wandb())
    assert reward(ANSWERS, answer=["4", ""]) == [1.0, 0.5]
    assert logged == [{"reward/sums/mean_raw": 0.75}]
