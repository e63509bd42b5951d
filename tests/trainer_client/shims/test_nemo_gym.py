"""NeMo Gym's own rollout of its Simple Agent, whose resources server is our `app.py`."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

import pytest
import uvicorn
from aiohttp import ClientResponseError

from tests.live import LiveService
from tests.trainer_client.shims.conftest import KEY
from tests.trainer_client.stub_service import Reply, StubService
from tests.wires.clients import nemo_gym
from tests.wires.clients.imports import present

ROW = {"responses_create_params": {"input": [{"role": "user", "content": "2+2?"}]}}
RIGHT, WRONG = r"so \boxed{4}", r"so \boxed{5}"


@asynccontextmanager
async def _serving(settings: dict[str, Any]) -> AsyncIterator[str]:
    """Our server, as Gym makes it, in this loop: Gym has one HTTP client for all of a process."""
    with present(nemo_gym._modules()):
        app = import_module("trainer_client.nemo_gym.app")
        server_client = import_module("nemo_gym.server_utils").ServerClient
        config = app.TouchstoneResourcesServerConfig(
            host="127.0.0.1",
            port=1,
            entrypoint="app.py",
            name="touchstone",
            domain="math",
            **settings,
        )
        made = app.TouchstoneResourcesServer(
            config=config, server_client=server_client.model_construct()
        )
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            server = uvicorn.Server(
                uvicorn.Config(made.setup_webserver(), log_config=None, lifespan="off")
            )
            serving = asyncio.create_task(server.serve([listening]))
            try:
                yield f"http://127.0.0.1:{listening.getsockname()[1]}"
            finally:
                server.should_exit = True
                await serving


# Any: what stands in Gym's YAML, and the row that comes back.
def _rollout(answer: str, *, gold: str = "4", **settings: Any) -> dict[str, Any]:
    async def rolled() -> dict[str, Any]:
        async with _serving(settings) as address:
            row = {**ROW, "expected_answer": gold}
            return await nemo_gym.rollout(address, row, nemo_gym.response(answer))

    return asyncio.run(rolled())


@pytest.mark.parametrize(("answer", "reward"), [(RIGHT, 1.0), (WRONG, 0.0)])
def test_a_rollout_gets_its_reward(live: LiveService, answer: str, reward: float) -> None:
    assert _rollout(answer, url=live.url)["reward"] == reward


def test_the_grader_is_named_with_its_options(live: LiveService) -> None:
    assert _rollout("four", gold="four", url=live.url, grader="exact?label=answer")["reward"] == 1.0


@pytest.fixture
def busy() -> Iterator[StubService]:
    """A service that has no verdict in time."""
    replies = [Reply(503, b'{"detail": "no verdict in time"}')]
    with StubService(replies).serving() as stub:
        yield stub


def test_a_service_fault_is_told_as_it_is(busy: StubService) -> None:
    with pytest.raises(ClientResponseError) as caught:
        _rollout(RIGHT, url=busy.url)
    assert caught.value.status == 503
    (seen,) = busy.seen
    assert (seen.method, seen.path) == ("POST", "/compat/nemo_gym/math/verify")


@pytest.mark.parametrize("listens", [False, True])
def test_a_service_that_is_away_or_silent_is_a_503(listens: bool) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        if listens:
            deaf.listen(8)
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(ClientResponseError) as caught:
            _rollout(RIGHT, url=url, timeout_s=0.5)
    assert caught.value.status == 503


def test_credential_and_size(guarded: LiveService) -> None:
    assert _rollout(RIGHT, url=guarded.url, api_key=KEY)["reward"] == 1.0
    inside = guarded.url.replace("://", f"://trainer:{KEY}@")
    assert _rollout(RIGHT, url=inside)["reward"] == 1.0
    for answer, key, status in ((RIGHT, None, 401), ("x" * 65_536, KEY, 413)):
        with pytest.raises(ClientResponseError) as caught:
            _rollout(answer, url=guarded.url, api_key=key)
        assert caught.value.status == status
