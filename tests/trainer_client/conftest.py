"""One stub service per test, and each call made through both clients."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from tests.trainer_client.stub_service import StubService
from trainer_client import AsyncClient, Client


class Ask(Protocol):
    """One call of a client's method, made with a client of its own."""

    # Any: the tests check what comes back, and pass options of every type.
    def __call__(self, url: str, method: str, *args: Any, **options: Any) -> Any: ...


# Any: as above, in the three places below.
def _ask_sync(url: str, method: str, *args: Any, **options: Any) -> Any:
    deadline = {"deadline_s": options.pop("deadline_s")} if "deadline_s" in options else {}
    with Client(url, **options) as client:
        return getattr(client, method)(*args, **deadline)


def _ask_async(url: str, method: str, *args: Any, **options: Any) -> Any:
    deadline = {"deadline_s": options.pop("deadline_s")} if "deadline_s" in options else {}

    async def call() -> Any:
        async with AsyncClient(url, **options) as client:
            return await getattr(client, method)(*args, **deadline)

    return asyncio.run(call())


@pytest.fixture(params=[_ask_sync, _ask_async], ids=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Make a call through each client in turn."""
    chosen: Ask = request.param
    return chosen


@pytest.fixture
def service() -> Iterator[StubService]:
    """A stub service that gives verdicts until its script says otherwise."""
    with StubService().serving() as stub:
        yield stub
