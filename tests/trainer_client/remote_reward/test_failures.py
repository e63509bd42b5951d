"""What a failing service costs a run: a None, and past a limit a clear end; never a 0."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import threading
from typing import Any

import pytest

from tests.live import ROOT
from tests.trainer_client.stub_service import Reply, StubService, grade_json, verdict_json
from trainer_client import (
    GraderCall,
    RemoteReward,
    RequestRefused,
    ServiceUnavailable,
    TooManyFailures,
)
from trainer_client.remote_reward.shortfall import Shortfall

MATH: list[GraderCall] = [{"name": "math"}]
AWAY = Reply(dropped=True)
COLUMNS = [
    f"touchstone/{column}" for column in ("math", "outcome", "reasons", "extracted", "flags")
]


# Any: the arguments of the class, of every type.
def impatient(url: str, **settings: Any) -> RemoteReward:
    return RemoteReward(url, MATH, max_attempts=1, **settings)


class Run:
    """The steps of a run in one event loop, as a trainer makes them."""

    def __init__(self, reward: RemoteReward) -> None:
        self.reward = reward
        self.metrics: list[dict[str, float]] = []
        self.columns: list[list[str]] = []

    async def step(self) -> list[float | None]:
        metrics: dict[str, float] = {}
        columns: dict[str, list[object]] = {}
        self.metrics.append(metrics)
        try:
            return await self.reward(
                completions=["4", "5"],
                answer=["4", "4"],
                log_metric=metrics.__setitem__,
                log_extra=columns.__setitem__,
            )
        finally:
            assert {len(values) for values in columns.values()} <= {2}
            self.columns.append(list(columns))

    async def steps(self, count: int) -> list[list[float | None]]:
        try:
            return [await self.step() for _ in range(count)]
        finally:
            await self.reward.aclose()


def test_a_call_that_got_nothing_is_none_and_the_run_goes_on(service: StubService) -> None:
    service.script = [AWAY, Reply(), Reply(), AWAY, Reply(status=503), Reply(body=b"<html>")]
    run = Run(impatient(service.url, failure_window=20))
    rewards = asyncio.run(run.steps(6))
    nothing: list[float | None] = [None, None]
    assert rewards == [nothing, [1.0, 0.0], nothing, nothing, nothing, [1.0, 0.0]]
    assert [metrics["touchstone/failed"] for metrics in run.metrics] == [1, 0, 1, 1, 1, 0]
    # A table of completions takes no ragged columns.
    assert run.columns == [COLUMNS] * 6


def test_connections_are_kept_between_calls(service: StubService) -> None:
    asyncio.run(Run(impatient(service.url)).steps(4))
    assert len({seen.client_port for seen in service.seen}) == 1


def test_each_loop_has_connections_of_its_own(service: StubService) -> None:
    reward = impatient(service.url)
    for _ in range(2):
        assert asyncio.run(Run(reward).steps(1)) == [[1.0, 0.0]]
    assert len({seen.client_port for seen in service.seen}) == 2


def test_a_patient_one_asks_again_and_loses_nothing(service: StubService) -> None:
    service.script = [AWAY, Reply(), Reply(status=503), AWAY, Reply()]
    run = Run(RemoteReward(service.url, MATH))
    assert asyncio.run(run.steps(1)) == [[1.0, 0.0]]
    asked = [seen for seen in service.seen if seen.method == "POST"]
    assert len({seen.headers["idempotency-key"] for seen in asked}) == 1


def test_a_deadline_ends_before_the_client_hangs_up(service: StubService) -> None:
    asyncio.run(Run(RemoteReward(service.url, MATH, timeout_s=100)).steps(1))
    assert b'"deadline_s":90.0' in service.seen[-1].body


ENDS = [
    # limit, window, what the calls get (True: an answer), calls that come back
    (0.25, 8, "000", 2),
    (0.25, 8, "0011100", 5),  # the third of eight is one too many
    (0.25, 4, "1110111101111", 13),
    (0.25, 2, "110", 2),
    (0.0, 8, "110", 2),
    (0.5, 1, "0", 0),
    (1.0, 1, "00000", 5),
]


def test_a_call_without_completions_counts_for_nothing() -> None:
    shortfall = Shortfall(0.25, 4)
    shortfall.add({"away": 2}, of=2, error=None)
    for _ in range(4):
        shortfall.add({}, of=0, error=None)
    with pytest.raises(TooManyFailures):
        shortfall.add({"away": 2}, of=2, error=None)


def test_one_row_that_cannot_be_sent_ends_no_run(service: StubService) -> None:
    reward = impatient(service.url)

    async def go(*answers: float) -> list[list[float | None]]:
        try:
            return [await reward(completions=["4"], answer=[answer]) for answer in answers]
        finally:
            await reward.aclose()

    # A column that nobody can send is a mistake; a row is a row.
    with pytest.raises(TypeError, match=r"no completion can be sent.*reference\.answer holds what"):
        asyncio.run(go(float("nan")))
    assert asyncio.run(go(4.0, float("nan"), 4.0)) == [[1.0], [None], [1.0]]


_A_LOOP_EACH = """
import asyncio, os, sys
from trainer_client import RemoteReward

reward = RemoteReward(sys.argv[1], [{"name": "math"}])
for _ in range(40):
    assert asyncio.run(reward(completions=["4"], answer=["4"])) == [1.0]
print(len(os.listdir("/proc/self/fd")))
"""


def test_a_loop_for_each_call_leaks_no_connections(service: StubService) -> None:
    command = [sys.executable, "-c", _A_LOOP_EACH, service.url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert int(done.stdout) < 30


def test_all_parts_of_a_batch_end_together(service: StubService) -> None:
    released = threading.Event()
    service.script = [
        Reply(),
        Reply(status=413),
        *[Reply(before_body=lambda: _until(released))] * 4,
    ]
    reward = RemoteReward(service.url, MATH, timeout_s=0.5)
    try:
        rewards = asyncio.run(Run(reward).steps(1))
    finally:
        released.set()
    assert rewards == [[None, None]]


@pytest.mark.parametrize(("limit", "window", "answered", "calls"), ENDS)
def test_too_many_failures_of_late_end_the_run(
    limit: float, window: int, answered: str, calls: int, service: StubService
) -> None:
    run = Run(impatient(service.url, max_failure_rate=limit, failure_window=window))

    async def go() -> list[list[float | None]]:
        done: list[list[float | None]] = []
        try:
            for mark in answered:
                service.script = [AWAY] if mark == "0" else []
                done.append(await run.step())
        except TooManyFailures:
            pass
        finally:
            await run.reward.aclose()
        return done

    assert len(asyncio.run(go())) == calls


def test_the_end_says_how_many_why_and_what_to_do(service: StubService) -> None:
    run = Run(impatient(service.url, failure_window=2, max_failure_rate=0.5))
    ungraded = verdict_json(
        reward=None,
        outcome="ungradable",
        grades=[
            grade_json(
                score=None,
                outcome="ungradable",
                reason="unparsed_gold",
                detail={"field": "reference.answer", "message": "cannot be read"},
            )
        ],
    )

    async def go() -> None:
        await run.step()
        service.script = [_answer(ungraded, verdict_json()), AWAY]
        assert await run.step() == [None, 1.0]
        await run.step()

    with pytest.raises(TooManyFailures) as caught:
        asyncio.run(_closed(run.reward, go()))
    message = str(caught.value)
    assert message.startswith("75% of the completions of a call, over the last 2, got no reward")
    assert "max_failure_rate=0.5" in message
    assert "2 x no answer: ServiceUnavailable" in message
    assert f"The last error: POST {service.url}/v1/grade gave no verdict in 1 attempt" in message
    assert "1 x ungradable: math unparsed_gold reference.answer cannot be read" in message
    assert "None of them was scored 0" in message
    assert "last checkpoint" in message


def test_what_is_missing_is_logged_once_a_call(
    service: StubService, caplog: pytest.LogCaptureFixture
) -> None:
    service.script = [Reply(), AWAY]
    with caplog.at_level(logging.WARNING):
        asyncio.run(Run(impatient(service.url)).steps(2))
    (line,) = [r.getMessage() for r in caplog.records if "no reward" in r.getMessage()]
    assert line.startswith("2 of 2 completions got no reward (POST ")


def test_it_raises_what_stopped_the_call_where_that_is_asked_for(service: StubService) -> None:
    service.script = [Reply(), AWAY]
    with pytest.raises(ServiceUnavailable, match="gave no verdict in 1 attempt"):
        asyncio.run(Run(impatient(service.url, on_failure="raise")).steps(1))


@pytest.mark.parametrize("status", [401, 403, 404, 422])
def test_a_refusal_ends_the_run_at_once(status: int, service: StubService) -> None:
    service.script = [Reply(), Reply(status=status, body=b'{"detail": "no"}')]
    with pytest.raises(RequestRefused, match=f"HTTP {status}: no"):
        asyncio.run(Run(impatient(service.url)).steps(1))


@pytest.mark.parametrize("status", [408, 413])
def test_a_completion_that_cannot_be_sent_is_none(status: int, service: StubService) -> None:
    refusal = Reply(status=status, body=b'{"detail": "no"}')
    service.script = [Reply(), refusal, refusal]
    rewards = asyncio.run(Run(impatient(service.url)).steps(1))
    assert rewards == [[None, None] if status == 408 else [None, 0.0]]


def test_no_secret_is_in_what_it_prints() -> None:
    reward = RemoteReward("http://127.0.0.1:1", MATH, api_key="hidden-key")
    assert "hidden-key" not in f"{reward} {reward!r}"


def _until(released: threading.Event) -> None:
    released.wait(20)


def _answer(*verdicts: dict[str, object]) -> Reply:
    return Reply(body=json.dumps({"verdicts": verdicts, "groups": {}}).encode())


# Any: the coroutine of a test.
async def _closed(reward: RemoteReward, work: Any) -> None:
    try:
        await work
    finally:
        await reward.aclose()
