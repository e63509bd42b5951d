"""verifiers' own `Task.score`, with our reward plugged in by its path."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.live import LiveService
from tests.trainer_client.shims.conftest import Road
from tests.wires.clients.verifiers import Conversation, Scored, plugged
from trainer_client.assay import DEFAULT_URL
from trainer_client.verifiers import reward

FILE = """
from trainer_client.verifiers import Reward

reward = Reward("math", **{options!r})
"""


# Any: a reward's options.
def _scored(
    folder: Path,
    answer: str,
    *,
    fields: dict[str, Any],
    weight: float | None = None,
    **options: Any,
) -> Scored:
    file = folder / "rewards.py"
    file.write_text(FILE.format(options=options))
    said = Conversation("2+2?", answer, reasoning=r"perhaps \boxed{5}")
    return asyncio.run(plugged(f"{file}:reward", said, fields=fields, weight=weight))


def test_a_trace_gets_its_reward(live: LiveService, tmp_path: Path) -> None:
    fields = {"solution": "4", "idx": 3}
    options = {"url": live.url, "columns": {"answer": "solution"}}
    right = _scored(tmp_path, r"so \boxed{4}", fields=fields, weight=0.5, **options)
    assert right.rewards == {"touchstone": 0.5}


def test_a_wrong_answer_gets_none(live: LiveService, tmp_path: Path) -> None:
    done = _scored(tmp_path, r"so \boxed{5}", fields={"answer": "4"}, url=live.url)
    assert done.rewards == {"touchstone": 0.0}


def test_nobody_s_failure_is_a_zero(road: Road, tmp_path: Path) -> None:
    # Of its own TaskError: it is a class of modules that are not there any more.
    with pytest.raises(Exception, match=road.says) as caught:
        _scored(tmp_path, road.answer, fields={"answer": "4"}, **road.options)
    assert type(caught.value).__name__ == "TaskError"


def test_a_fallback_is_paid_if_one_is_given(live: LiveService, tmp_path: Path) -> None:
    done = _scored(tmp_path, "4", fields={"answer": ""}, url=live.url, fallback=0.25)
    assert done.rewards == {"touchstone": 0.25}


def test_the_path_alone_asks_the_service_next_door_for_math() -> None:
    assert (reward._recipe.url, reward._recipe.graders) == (DEFAULT_URL, '[{"name": "math"}]')
