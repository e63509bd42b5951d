"""ms-swift's own registry and `score_completions`, with a plug-in as its documentation has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.live import LiveService
from tests.trainer_client.shims.conftest import Road
from tests.wires.clients import swift
from tests.wires.peers import loaded
from trainer_client import RequestRefused, TooManyFailures
from trainer_client.swift import orm

PLUGIN = """
from swift.rewards import orms
from trainer_client.swift import orm

orms["touchstone"] = orm("math", url={url!r}, columns={{"answer": "solution"}})
"""


# Any: a row's other columns.
def _sample(said: str, /, *, prompt: str = "2+2?", **extra: Any) -> swift.Sample:
    asked = {"role": "user", "content": prompt}
    return swift.Sample([asked, {"role": "assistant", "content": said}], extra)


def test_a_plugin_puts_it_among_the_rewards(live: LiveService, tmp_path: Path) -> None:
    file = tmp_path / "plugin.py"
    file.write_text(PLUGIN.format(url=live.url))
    with swift.importable():
        loaded(file, "plugin")
    reward = swift.orms()["touchstone"](args=object())
    assert type(reward).__name__ == "Touchstone"
    samples = [_sample(rf"so \boxed{{{n}}}", solution="4") for n in (4, 5, 4)]
    # A new loop each step, as the trainer has it.
    for _ in range(3):
        assert swift.score(samples, [reward]) == [[1.0], [0.0], [1.0]]


def test_completions_of_one_prompt_are_a_group(live: LiveService) -> None:
    length = {"name": "length", "options": {"style": "kimi"}}
    reward = orm(["math", length], url=live.url)()
    tokens = [("a", 1), ("a", 3), ("b", 9), ("b", 5)]
    samples = [
        _sample(
            r"\boxed{4}", prompt=prompt, answer="4", response_token_ids=[[7], [7] * (count - 1)]
        )
        for prompt, count in tokens
    ]
    assert swift.score(samples, [reward]) == [[1.5], [0.5], [0.5], [1.5]]


def test_nobody_s_failure_is_a_zero(road: Road) -> None:
    reward = orm("math", **road.options)()
    with pytest.raises((TooManyFailures, RequestRefused), match=road.says):
        swift.score([_sample(road.answer, answer="4")], [reward])


def test_a_fallback_is_paid_if_one_is_given(live: LiveService) -> None:
    reward = orm("math", url=live.url, fallback=-0.5)()
    samples = [_sample(r"\boxed{4}", answer="4"), _sample(r"\boxed{4}", answer=None)]
    assert swift.score(samples, [reward]) == [[1.0], [-0.5]]
