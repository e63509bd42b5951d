"""verl's own loader and managers with the reward that `pkg://trainer_client.verl` names."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.live import LiveService
from tests.trainer_client.shims.conftest import KEY, Road
from tests.wires.clients.verl import Managed, Reward, custom_reward, managed
from trainer_client import RequestRefused, TooManyFailures

RIGHT, WRONG = r"so \boxed{4}", r"so \boxed{5}"
KEYS = ["score", "acc", "pred", "reward_valid"]
CODE = json.dumps({"inputs": ["2\n", "3\n"], "outputs": ["4\n", "6\n"]})
METHOD = json.dumps({"fn_name": "twice", "inputs": [[2], [3]], "outputs": [[4], [6]]})
STDIN = "```python\nprint(int(input()) * 2)\n```"
DEFINED = "```python\nclass Solution:\n    def twice(self, n):\n        return n * 2\n```"
ODD = "```python\nprint(4)\n```"


# Any: what stands in `reward_kwargs`.
def _reward(**reward_kwargs: Any) -> Reward:
    return custom_reward("pkg://trainer_client.verl", "compute_score", reward_kwargs)


def _scored(reward: Reward, response: str, ground_truth: str = "4") -> Managed:
    return asyncio.run(managed("naive", reward, response=response, ground_truth=ground_truth))


# Any: a list of graders, as YAML has it.
ROWS: list[tuple[Any, str, str, list[object]]] = [
    ("math", RIGHT, "4", [1.0, 1.0, "4", 1.0]),
    ("math", WRONG, "4", [0.0, 0.0, "5", 1.0]),
    ("math", "no answer", "4", [0.0, 0.0, "", 1.0]),
    (["math", {"name": "constant", "options": {"value": 0.5}}], WRONG, "4", [0.5, 0.0, "5", 1.0]),
    ('[{"name": "math", "weight": 2}]', RIGHT, "4", [2.0, 1.0, "4", 1.0]),
    ("code", STDIN, CODE, [1.0, 1.0, "", 1.0]),
    ("code", ODD, CODE, [0.0, 0.0, "", 1.0]),
    ("code", DEFINED, METHOD, [1.0, 1.0, "", 1.0]),
]


@pytest.mark.parametrize(("graders", "response", "ground_truth", "values"), ROWS)
def test_a_sample_gets_its_score_under_the_same_keys(
    live: LiveService, graders: Any, response: str, ground_truth: str, values: list[object]
) -> None:
    done = _scored(_reward(url=live.url, graders=graders), response, ground_truth)
    assert [*done.extra] == KEYS
    expected = values if graders != "code" else [*values[:2], done.extra["pred"], values[3]]
    assert [*done.extra.values()] == expected
    assert done.reward == values[0]


def test_nobody_s_failure_is_a_zero(road: Road) -> None:
    with pytest.raises((TooManyFailures, RequestRefused), match=road.says):
        _scored(_reward(graders="math", **road.options), road.answer)


def test_an_ungradable_task_is_no_zero_either(live: LiveService) -> None:
    with pytest.raises(TooManyFailures, match=r"ungradable: math .*None of them was scored 0"):
        _scored(_reward(url=live.url, graders="math"), RIGHT, "")


def test_a_fallback_is_told_apart(live: LiveService) -> None:
    done = _scored(_reward(url=live.url, graders="math", fallback=-1), RIGHT, "")
    assert [*done.extra.items()] == [*zip(KEYS, [-1.0, -1.0, "", 0.0], strict=True)]


# Any: what stands in `reward_kwargs`.
@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"graders": "mth"}, "no grader 'mth' .*perhaps 'math'"),
        ({"graders": [{"name": "math", "options": {"nothing": 1}}]}, "bad_options"),
        ({"graders": "[math"}, "or its JSON"),
        ({"graders": "math", "fallback": "0"}, "a finite number"),
        ({"graders": "math", "label": "gold"}, "the graders read answer"),
        ({"graders": "math", "columns": ["answer"]}, "give a mapping"),
        ({"graders": "math", "timeout": 5}, "'timeout'"),
        ({"graders": "math", "api_key_file": "/nowhere"}, "cannot be read"),
    ],
)
def test_what_can_never_work_is_told_whatever_the_fallback(
    live: LiveService, wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises((ValueError, TypeError), match=says):
        _scored(_reward(**{"url": live.url, "fallback": 0.0} | wrong), RIGHT)


def test_a_credential_comes_in_the_url_or_a_file(guarded: LiveService, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    inside = guarded.url.replace("://", f"://trainer:{KEY}@")
    assert _scored(_reward(url=inside, graders="math"), RIGHT).reward == 1.0
    filed = _reward(url=guarded.url, graders="math", api_key_file=str(tmp_path / "key"))
    assert _scored(filed, RIGHT).reward == 1.0


def test_hundreds_at_once_share_connections_and_one_list_of_graders(live: LiveService) -> None:
    reward = _reward(url=live.url, graders=["math", {"name": "format", "weight": 0}])

    async def scored() -> list[Managed]:
        samples = [
            managed("naive", reward, response=rf"\boxed{{{n % 8}}}", ground_truth="4")
            for n in range(400)
        ]
        return await asyncio.gather(*samples)

    rewards = [done.reward for done in asyncio.run(scored())]
    assert rewards == [float(n % 8 == 4) for n in range(400)]


def test_its_rate_limited_manager_makes_a_zero_of_an_error_and_passes_a_fallback(
    live: LiveService,
) -> None:
    async def scored(**reward_kwargs: Any) -> Managed:
        reward = _reward(url=live.url, graders="math", **reward_kwargs)
        limits = {"timeout": 90.0, "max_concurrent": 4}
        return await managed(
            "rate_limited", reward, response=RIGHT, ground_truth="", settings=limits
        )

    assert asyncio.run(scored(fallback=0.5)).extra["reward_valid"] == 0.0
    swallowed = asyncio.run(scored())
    assert swallowed.reward == 0.0
    assert "None of them was scored 0" in swallowed.extra["error"]
