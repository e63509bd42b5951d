"""OpenEnv's own client of an environment at an address, and its check of a running one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from typing import Any, Protocol, cast

from tests.wires.clients.imports import Modules, imported, present
from tests.wires.peers import Anything, bare, peer

__all__ = [
    "Environment",
    "Outcome",
    "SyncEnvironment",
    "environment",
    "impatient",
    "importable",
    "report",
    "sync_environment",
]

_CLIENT = "openenv.core.generic_client"
_SYNC = "openenv.core.sync_client"
_CHECK = "openenv.cli._validation"


class Outcome(Protocol):
    """Its `StepResult`."""

    # Whatever JSON the server sends.
    observation: dict[str, Any]
    reward: float | None
    done: bool
    metadata: dict[str, Any] | None


class Environment(Protocol):
    """Its `GenericEnvClient`, connected."""

    # JSON of the server's own making, here and below.
    async def reset(self, **arguments: Any) -> Outcome: ...
    async def step(self, action: Mapping[str, Any]) -> Outcome: ...
    async def state(self) -> dict[str, Any]: ...


class SyncEnvironment(Protocol):
    """Its `SyncEnvClient`, connected."""

    # JSON of the server's own making, here and below.
    def reset(self, **arguments: Any) -> Outcome: ...
    def step(self, action: Mapping[str, Any]) -> Outcome: ...
    def state(self) -> dict[str, Any]: ...


@cache
def _modules() -> Modules:
    root = peer("openenv")
    names = ["openenv", "openenv.core", "openenv.cli"]
    stubs = [bare(name, root / name.replace(".", "/")) for name in names]
    modules = imported([_CLIENT, _SYNC, _CHECK], stubs)
    # What its `__init__.py`s name lazily; the second needs its MCP server.
    vars(modules["openenv"]).update(GenericEnvClient=modules[_CLIENT].GenericEnvClient)
    vars(modules["openenv.core"]).update(CallToolAction=Anything)
    return modules


@contextmanager
def importable() -> Iterator[None]:
    """`from openenv import GenericEnvClient` is its own for a while, for those who use it."""
    with present(_modules()):
        yield


@asynccontextmanager
async def environment(
    address: str,
    *,
    connect_timeout_s: float = 60.0,
    message_timeout_s: float = 60.0,
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[Environment]:
    """`async with GenericEnvClient(base_url=...)`; leaving it sends the close frame."""
    with importable():
        client = _modules()[_CLIENT].GenericEnvClient(
            base_url=address,
            connect_timeout_s=connect_timeout_s,
            message_timeout_s=message_timeout_s,
            headers=dict(headers) if headers else None,
        )
        async with client:
            yield cast("Environment", client)


@contextmanager
def impatient(environment: Environment) -> Iterator[None]:
    """As with `message_timeout_s=1`, for a while."""
    client: Any = environment  # its own class, whose time-out is read for each message
    kept, client._message_timeout = client._message_timeout, 1.0
    try:
        yield
    finally:
        client._message_timeout = kept


@contextmanager
def sync_environment(address: str, *, message_timeout_s: float = 60.0) -> Iterator[SyncEnvironment]:
    """`with GenericEnvClient(base_url=...).sync()`, as ms-swift's wrapper uses it."""
    with importable():
        client = _modules()[_CLIENT].GenericEnvClient(
            base_url=address, message_timeout_s=message_timeout_s
        )
        with client.sync() as connected:
            yield cast("SyncEnvironment", connected)


# JSON of its own making.
def report(address: str, *, timeout_s: float = 60.0) -> dict[str, Any]:
    """`openenv validate --url`: its verdict on the HTTP routes of a running environment."""
    check = _modules()[_CHECK].validate_running_environment
    return cast("dict[str, Any]", check(address, timeout_s=timeout_s))
