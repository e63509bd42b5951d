"""AReaL's own AsyncRewardWrapper, in its own pool of processes, with our `reward_fn`."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from tests.live import LiveService
from tests.trainer_client.shims.conftest import KEY, Road
from tests.wires.clients import areal
from trainer_client import RequestRefused, TooManyFailures
from trainer_client.areal import RewardFn, reward_fn
from trainer_client.assay import DEFAULT_URL


@pytest.fixture(autouse=True)
def _pools_end() -> Iterator[None]:
    yield
    areal.shut_down()


# Any: a shim's options.
def _patient(graders: object, **options: Any) -> RewardFn:
    return RewardFn(graders, **{"timeout_s": 90.0, **options})


# Any: the columns of a row.
def _scored(function: RewardFn, completion: str, **data: Any) -> object:
    asked = areal.reward(
        function, prompt="2+2?", completion=completion, data=data, timeout_s=100.0, max_retries=1
    )
    return asyncio.run(asked)


def test_a_sample_gets_its_reward(live: LiveService) -> None:
    function = _patient("math", url=live.url, columns={"answer": "solution"})
    row = {"solution": "4", "url": "a column like others", "prompt_id": 7}
    assert _scored(function, r"so \boxed{4}<|im_end|>", **row) == 1.0
    assert _scored(function, r"so \boxed{5}", **row) == 0.0


def test_tokens_that_end_an_answer_are_no_part_of_it(live: LiveService) -> None:
    function = _patient("exact", url=live.url)
    assert _scored(function, "four</s><|endoftext|>", answer="four") == 1.0
    assert _scored(function, "</s>four", answer="four") == 0.0


def test_tokens_are_counted(live: LiveService) -> None:
    length = {"name": "length", "options": {"style": "overlong", "max_len": 2, "buffer_len": 2}}
    assert _scored(_patient([length], url=live.url), "a", answer="4") == -1.0


def test_nobody_s_failure_is_a_zero(road: Road) -> None:
    with pytest.raises((TooManyFailures, RequestRefused), match=road.says):
        _scored(_patient("math", **road.options), road.answer, answer="4")


def test_it_raises_before_the_clock_makes_a_zero(live: LiveService) -> None:
    clock_s = 15.0
    assert reward_fn._recipe.timeout_s + 1.0 < clock_s
    assert reward_fn._recipe.url == DEFAULT_URL


def test_a_fallback_is_paid_if_one_is_given(live: LiveService, guarded: LiveService) -> None:
    assert _scored(_patient("math", url=live.url, fallback=0.25), "4", answer="") == 0.25
    inside = guarded.url.replace("://", f"://trainer:{KEY}@")
    assert _scored(_patient("math", url=inside), r"\boxed{4}", answer="4") == 1.0


def test_it_pickles_and_keeps_its_key_out_of_its_text() -> None:
    function = RewardFn("math", api_key="s3cret", url="http://u:s3cret@127.0.0.1:8000")
    assert pickle.loads(pickle.dumps(function))._recipe == function._recipe  # noqa: S301 - ours
    assert "s3cret" not in repr(function._recipe)
