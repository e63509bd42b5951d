"""One pool of connections for each process, from whatever thread, loop or fork it is asked."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import pytest

from tests.trainer_client import stub_service
from tests.trainer_client.stub_service import Reply, StubService
from trainer_client import ServiceUnavailable, TooManyFailures, assay
from trainer_client.assay import Recipe, recipe, worths, worths_now
from trainer_client.background import wait_for
from trainer_client.remote_reward.samples import Samples

FOUR = Samples([r"\boxed{4}"], None, None, {"answer": ["4"]})


@pytest.fixture
def asked(service: StubService, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recipe]:
    """A recipe of a service of its own, whose connections end with the test and not before.

    What else a test does, such as starting processes, may take longer than one may be idle.
    """
    monkeypatch.setattr(httpx, "Limits", partial(httpx.Limits, keepalive_expiry=None))
    monkeypatch.setattr(stub_service._Handler, "timeout", 100)
    made = recipe("math", {"url": service.url})
    yield made
    wait_for(assay._assayer(made, os.getpid()).aclose(), 20)


def _reward(asked: Recipe) -> float:
    (worth,) = worths_now(asked, FOUR)
    return worth.reward


def test_threads_and_loops_share_connections(service: StubService, asked: Recipe) -> None:

    async def awaited() -> float:
        (worth,) = await worths(asked, FOUR)
        return worth.reward

    with ThreadPoolExecutor(8) as pool:
        rewards = [*pool.map(lambda _: _reward(asked), range(32))]
    rewards += [asyncio.run(awaited()) for _ in range(8)]
    assert rewards == [1.0] * 40
    paths = Counter(seen.path for seen in service.seen)
    assert paths == {"/v1/graders": 1, "/v1/grade": 40}
    assert len({seen.client_port for seen in service.seen}) <= 8
    assert sum(thread.name == "touchstone" for thread in threading.enumerate()) == 1


def test_a_fork_has_connections_of_its_own(service: StubService, asked: Recipe) -> None:
    assert _reward(asked) == 1.0
    ours = {seen.client_port for seen in service.seen}
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(1) as pool:
            assert pool.apply(_reward, (asked,)) == 1.0
    assert _reward(asked) == 1.0
    graded = [seen.client_port for seen in service.seen if seen.path == "/v1/grade"]
    assert [port in ours for port in graded] == [True, False, False, True]


def test_a_service_that_comes_back_is_asked_again_for_its_graders(
    service: StubService, asked: Recipe
) -> None:
    service.script.extend([Reply(500), Reply(500)])
    with pytest.raises(TooManyFailures, match="HTTP 500"):
        _reward(asked)
    assert _reward(asked) == 1.0


def test_who_is_cancelled_leaves_the_others_alone(service: StubService, asked: Recipe) -> None:
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        entered.set()
        leave.wait(20)

    service.script.append(Reply(before_body=hold))  # the list of graders

    async def both() -> float:
        first, second = (asyncio.create_task(worths(asked, FOUR)) for _ in range(2))
        await asyncio.to_thread(entered.wait, 20)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        leave.set()
        (worth,) = await second
        return worth.reward

    assert asyncio.run(both()) == 1.0


def test_an_error_keeps_its_cause(service: StubService, asked: Recipe) -> None:
    service.script.extend([Reply(), Reply(500), Reply(500)])
    with pytest.raises(TooManyFailures, match="1 of 1 completions got no reward") as caught:
        _reward(asked)
    assert isinstance(caught.value.__cause__, ServiceUnavailable)
