"""Programs over HTTP: the battery, time under load, and a sandbox that goes away and comes back."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.graders.battery import BATTERY, item_of
from tests.live import LiveService, children, command_line, start_service, wait_until

GRADERS: Final = [{"name": "code"}]


def _item(program: str, **limits: float) -> dict[str, Any]:
    tests = {"hidden": [{"stdout": "1\n"}], "limits": limits}
    return {"completion": f"```python\n{program}\n```", "reference": {"tests": tests}}


def test_the_battery_is_judged_right_over_http(live: LiveService) -> None:
    verdicts = live.grade({"graders": GRADERS, "items": [item_of(row) for row in BATTERY]})
    rewards = {verdict["id"]: verdict["reward"] for verdict in verdicts}
    assert rewards == {row.name: float(row.passes) for row in BATTERY}


def test_honest_programs_are_not_timed_out_by_their_neighbours(live: LiveService) -> None:
    busy = "import time\nwhile time.process_time() < 0.3: pass\nprint(1)"
    items = [_item(f"# {number}\n{busy}", cpu_s=1) for number in range(16)]
    verdicts = live.grade({"graders": GRADERS, "items": items})
    assert [verdict["reward"] for verdict in verdicts] == [1.0] * 16


def test_arithmetic_does_not_wait_behind_programs(live: LiveService) -> None:
    slow = [_item(f"# {number}\nimport time\ntime.sleep(2)\nprint(1)") for number in range(16)]
    answered: list[float | None] = []

    def grade_programs() -> None:
        verdicts = live.grade({"graders": GRADERS, "items": slow})
        answered.extend(verdict["reward"] for verdict in verdicts)

    programs = threading.Thread(target=grade_programs)
    programs.start()
    verdict = live.grade(
        {
            "graders": [{"name": "math"}],
            "items": [{"completion": "\\boxed{4}", "reference": {"answer": "4"}}],
        }
    )[0]
    assert (verdict["reward"], answered) == (1.0, [])
    programs.join()
    assert answered == [1.0] * 16


@pytest.fixture
def tools() -> Iterator[Path]:
    """A folder that boxes can show: not below /tmp, as they have one of their own."""
    with tempfile.TemporaryDirectory(dir=Path.home(), ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.mark.timeout(600)
def test_a_sandbox_that_goes_away_in_mid_batch_costs_nobody_a_reward(tools: Path) -> None:
    settings = {"SANDBOX_READABLE": str(tools), "WORKERS": "1"}
    programs = [f"# {number}\nimport time\ntime.sleep(0.5)\nprint(1)" for number in range(12)]
    body = {"graders": GRADERS, "items": [_item(program) for program in programs]}
    with start_service(settings) as service:
        service.await_ready()
        answers: list[httpx.Response] = []
        batch = threading.Thread(
            target=lambda: answers.append(
                service.client.post("/v1/grade", content=json.dumps(body))
            )
        )
        batch.start()
        wait_until(lambda: len(_boxes(service)) > 1)
        # What every new box has to show to its programs is gone, and so are the boxes.
        shutil.rmtree(tools)
        for pid in _boxes(service):
            # One that its launcher took along is gone already.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        batch.join()
        verdicts = answers[0].json()["verdicts"]
        rewards = [verdict["reward"] for verdict in verdicts]
        assert set(rewards) <= {1.0, None}
        failed = [verdict for verdict in verdicts if verdict["reward"] is None]
        assert failed
        assert {v["outcome"] for v in failed} == {"failed"}
        assert {v["grades"][0]["reason"] for v in failed} == {"sandbox_unavailable"}
        tools.mkdir()
        again = service.grade(body)
        assert [verdict["reward"] for verdict in again] == [1.0] * len(programs)


def _boxes(service: LiveService) -> list[int]:
    """The warm parents of the worker's boxes, and what launched them."""
    return [
        pid for pid in children(service.process.pid) if "forkserver/start.py" in command_line(pid)
    ]
