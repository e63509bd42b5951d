"""What is wrong with a run is said at once, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.live import LiveService
from tests.trainer_client.remote_reward.calls import ask, boxed
from trainer_client import GraderCall, RemoteReward

MATH: list[GraderCall] = [{"name": "math"}]

# Any: arguments of every type, here and below.
MISTAKES: list[tuple[list[GraderCall], dict[str, Any], str]] = [
    ([{"name": "maths"}], {}, r"no grader 'maths' \(perhaps 'math'\?\); it has .*math"),
    (MATH, {}, r"math needs the reference 'answer'.*columns=\{\"answer\".*has solution, source"),
    (MATH, {"columns": {"answer": "solutoin"}}, r"'solutoin'.*no such column \(perhaps 'sol"),
    (MATH, {"columns": {"anwser": "solution"}}, r"columns names 'anwser', and the .* read answer"),
    (
        [{"name": "math", "options": {"tolerence": 1}}],
        {"columns": {"answer": "solution"}},
        r"math bad_options .*tolerence.*the options are .*tolerance",
    ),
    ([], {"graders_column": "graders"}, r"graders_column='graders'.*it has solution, source"),
]  # fmt: skip


@pytest.mark.parametrize(("graders", "settings", "message"), MISTAKES)
def test_what_can_never_work_is_raised_at_once(
    graders: list[GraderCall], settings: dict[str, Any], message: str, live: LiveService
) -> None:
    reward = RemoteReward(live.url, graders, **settings)
    with pytest.raises(ValueError, match=message):
        ask(reward, boxed(4), solution=["4"], source=["book"])


WRONG: list[tuple[Mapping[str, Any], str]] = [
    ({"graders": []}, "no term"),
    ({"graders": [{"name": "format", "role": "gate"}]}, "no term"),
    ({"url": "localhost:8000"}, "url has no http"),
    ({"on_failure": "zero"}, "on_failure='zero'"),
    ({"max_failure_rate": 2}, "max_failure_rate=2"),
    ({"failure_window": 0}, "failure_window=0"),
    ({"timeout_s": 0}, "timeout_s=0"),
    ({"graders": [{"name": "math", "weight": float("nan")}]}, r"graders\[0\] cannot be sent"),
]


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_a_wrong_argument_is_named_when_it_is_given(
    changes: Mapping[str, Any], message: str
) -> None:
    arguments: dict[str, Any] = {"url": "http://127.0.0.1:1", "graders": MATH, **changes}
    with pytest.raises(ValueError, match=message):
        RemoteReward(**arguments)


def test_a_column_that_is_too_short_is_named(live: LiveService) -> None:
    with pytest.raises(ValueError, match="answer has 1 values for 2 completions"):
        ask(RemoteReward(live.url, MATH), boxed(4, 4), answer=["4"])
