"""Our reward called as slime calls one, recorded: PyPI's `slime` is another project.

`load_function`, `async_rm` and `batched_async_rm` are as in THUDM/slime 0.3.1 (624b824a).
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from tests.live import LiveService
from tests.trainer_client.shims.conftest import KEY, Road
from trainer_client import RequestRefused, TooManyFailures


@dataclass
class Sample:
    """As much of slime's `Sample` as a reward looks at."""

    response: str
    label: object = "4"
    prompt: object = "2+2?"
    response_length: int = 3
    metadata: dict[str, object] = field(default_factory=dict)
    remove_sample: bool = False


# Any: slime's arguments, and what a reward gives.
def _recorded(path: str, args: Any, sample: object) -> Any:
    """The call of `async_rm` and `batched_async_rm` with `--custom-rm-path`."""
    module_path, _, attr = path.rpartition(".")
    function = getattr(importlib.import_module(module_path), attr)
    return asyncio.run(function(args, sample))


# Any: as above.
def _args(options: Mapping[str, Any], **changes: Any) -> SimpleNamespace:
    given = {**options}
    args = {"rm_url": given.pop("url", None), "rm_type": "math", "reward_key": None}
    return SimpleNamespace(**args | {"touchstone": given} | changes)


def test_recorded_a_sample_gets_its_reward(live: LiveService) -> None:
    args = SimpleNamespace(rm_url=live.url, rm_type="math", reward_key=None)
    for answer, reward in ((4, 1.0), (5, 0.0)):
        sample = Sample(rf"so \boxed{{{answer}}}")
        assert _recorded("trainer_client.slime.rm", args, sample) == reward
        assert not sample.remove_sample


def test_recorded_a_reward_key_gets_an_object(live: LiveService) -> None:
    told = _recorded(
        "trainer_client.slime.rm", _args({"url": live.url}, reward_key="score"), Sample("none")
    )
    assert told == {"score": 0.0, "acc": 0.0, "pred": "", "reward_valid": 1.0}


def test_recorded_a_group_is_one_request_and_rows_may_name_their_grader(live: LiveService) -> None:
    length = {"name": "length", "options": {"style": "kimi"}}
    args = _args({"url": live.url, "graders": ["math", length]})
    group = [Sample(r"\boxed{4}", response_length=n) for n in (1, 3)]
    assert _recorded("trainer_client.slime.group_rm", args, group) == [1.5, 0.5]
    own = Sample("four", "four", metadata={"rm_type": "exact"})
    assert _recorded("trainer_client.slime.rm", args, own) == 1.0
    assert _recorded("trainer_client.slime.group_rm", args, []) == []


def test_recorded_nobody_s_failure_is_a_zero(road: Road) -> None:
    with pytest.raises((TooManyFailures, RequestRefused), match=road.says):
        _recorded("trainer_client.slime.rm", _args(road.options), Sample(road.answer))


def test_recorded_a_fallback_is_kept_out_of_the_loss(live: LiveService) -> None:
    group = [Sample(r"\boxed{4}"), Sample(r"\boxed{4}", label=None)]
    args = _args({"url": live.url, "fallback": 0.5})
    assert _recorded("trainer_client.slime.group_rm", args, group) == [1.0, 0.5]
    assert [sample.remove_sample for sample in group] == [False, True]


def test_recorded_a_credential_stands_in_the_url(guarded: LiveService) -> None:
    inside = guarded.url.replace("://", f"://trainer:{KEY}@")
    args = SimpleNamespace(rm_url=inside, rm_type="math", reward_key=None)
    assert _recorded("trainer_client.slime.rm", args, Sample(r"\boxed{4}")) == 1.0
