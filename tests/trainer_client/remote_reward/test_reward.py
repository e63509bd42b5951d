"""The reward function against the service itself, called as a trainer calls it."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import pickle
from typing import Any

import pytest

from tests.live import LiveService, start_service
from tests.trainer_client.remote_reward.asked import ANSWER, ASKED, MATH
from tests.trainer_client.remote_reward.calls import ask, boxed
from trainer_client import GraderCall, RemoteReward

TESTS = {"hidden": [{"stdin": "2\n", "stdout": "4\n"}]}


class Logged:
    """What a trainer's two callbacks were told."""

    def __init__(self) -> None:
        self.metrics: dict[str, float] = {}
        self.columns: dict[str, list[object]] = {}

    def metric(self, name: str, value: float) -> None:
        self.metrics[name] = value

    def extra(self, column: str, values: list[object]) -> None:
        self.columns[column] = values


@pytest.mark.parametrize(
    ("graders", "settings", "given", "rewards"),
    [row[1:] for row in ASKED],
    ids=[row[0] for row in ASKED],
)
def test_it_pays_what_the_service_says(
    graders: list[GraderCall],
    settings: dict[str, Any],
    given: dict[str, Any],
    rewards: list[float | None],
    live: LiveService,
) -> None:
    reward = RemoteReward(live.url, graders, max_failure_rate=1.0, **settings)
    assert ask(reward, **given) == pytest.approx(rewards)


def test_programs_are_graded_by_tests_in_a_column_of_json(live: LiveService) -> None:
    programs = ["print(int(input()) ** 2)", "print(5)"]
    completions = [f"~~~python\n{program}\n~~~" for program in programs]
    reward = RemoteReward(live.url, [{"name": "code"}])
    assert ask(reward, completions, tests=[json.dumps(TESTS)] * 2) == [1.0, 0.0]


def test_every_component_is_a_metric_and_a_column(live: LiveService) -> None:
    graders: list[GraderCall] = [
        *MATH,
        {"name": "format", "weight": 0.5},
        {"name": "math", "weight": 0.0},
    ]
    reward = RemoteReward(
        live.url, graders, columns={"answer": "solution"}, max_failure_rate=1.0, name="remote"
    )
    assert reward.components == ("math", "format", "math_2")
    logged = Logged()
    rewards = ask(
        reward,
        ["<think>a</think><answer>4</answer>", *boxed(3, "4\u200b", 4)],
        prompts=["p", "p", "q", "r"],
        log_metric=logged.metric,
        log_extra=logged.extra,
        **ANSWER,
    )
    assert rewards == [1.5, 0.0, 0.0, None]
    seconds = logged.metrics.pop("remote/seconds")
    assert seconds > 0
    assert logged.metrics == pytest.approx(
        {
            "remote/math": 1 / 3,
            "remote/format": 0.25,
            "remote/math_2": 1 / 3,
            "remote/failed": 0.0,
            "remote/ungradable": 0.25,
            "remote/flagged": logged.metrics["remote/flagged"],
            "remote/pass_rate": 0.25,
            "remote/flat_groups": 0.5,
        }
    )
    columns = [*reward.components, "outcome", "reasons", "extracted", "flags"]
    assert list(logged.columns) == [f"remote/{column}" for column in columns]
    assert logged.columns["remote/math"] == [1.0, 0.0, 0.0, None]
    assert logged.columns["remote/outcome"] == ["graded", "graded", "graded", "ungradable"]
    assert logged.columns["remote/reasons"][0] == "equivalent, well_formed, equivalent"


def test_a_batch_over_the_services_limits_goes_in_parts() -> None:
    settings = {"ITEMS_PER_REQUEST": "10", "BODY_BYTES": "60000", "WORKERS": "1"}
    answers = [str(n // 4) for n in range(64)]
    with start_service(settings) as service:
        service.await_ready()
        reward = RemoteReward(
            service.url, [*MATH, {"name": "length", "options": {"style": "kimi"}}]
        )
        said = [text + " " * 5_000 for text in boxed(*(n // 8 * 2 for n in range(64)))]
        given = {
            "prompts": answers,
            "answer": answers,
            "completion_ids": [[1] * (1 + n % 4) for n in range(64)],
        }
        rewards = ask(reward, said, **given)
    # Groups of four stay whole: half of them are right, and the shortest of each earns most.
    assert rewards == pytest.approx(
        [
            (1.5, 4 / 3, 7 / 6, 1.0)[n % 4] - (n % 4) / 6 if n // 4 % 2 == 0 else rewards[n]
            for n in range(64)
        ]
    )


def _in_a_process_of_its_own(pickled: bytes) -> list[float | None]:
    reward: RemoteReward = pickle.loads(pickled)  # noqa: S301 - our own
    return ask(reward, boxed(4, 5), answer=["4", "4"])


def test_it_pickles_into_another_process_after_it_was_used(live: LiveService) -> None:
    reward = RemoteReward(live.url, MATH)

    async def used() -> bytes:
        await reward(completions=boxed(4), answer=["4"])
        pickled = pickle.dumps(reward)
        await reward.aclose()
        return pickled

    pickled = asyncio.run(used())
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_in_a_process_of_its_own, (pickled,)) == [1.0, 0.0]
