"""NeMo Gym's own rollout of its Simple Agent: /seed_session, the model, then /verify.

It asks for Python 3.13.14, but what is loaded here runs on 3.11.
"""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple, cast
from unittest.mock import patch
from urllib.parse import urlsplit

from tests.wires.clients.imports import Modules, imported, present
from tests.wires.peers import bare, peer, stand_in

__all__ = ["response", "rollout"]

_AGENT = "responses_api_agents.simple_agent.app"
_SERVERS = "nemo_gym.server_utils"
_RESOURCES, _ITSELF = "touchstone", "agent"


class _Settings(dict[str, Any]):  # JSON, in the place of omegaconf's `DictConfig`.
    def __getattr__(self, name: str) -> object:
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(name) from error


class _Metrics:
    """`AggregateMetricsMixin` without scipy."""


@cache
def _modules() -> Modules:
    root = peer("nemo-gym")
    below = ["responses_api_agents", "responses_api_agents.simple_agent"]
    stubs = [
        _package(root / "nemo_gym"),
        *(bare(name, root / name.replace(".", "/")) for name in ("nemo_gym.sandbox", *below)),
        stand_in("nemo_gym.reward_profile", AggregateMetricsMixin=_Metrics),
        stand_in("omegaconf", DictConfig=_Settings),
        *map(stand_in, ("hydra", "nemo_gym.profiling", "nemo_gym.exporters")),
    ]
    with patch("importlib.metadata.version", _version_or_none(importlib.metadata.version)):
        return imported([_SERVERS, _AGENT], stubs)


def _package(folder: Path) -> ModuleType:
    """`nemo_gym/__init__.py` only says where things lie."""
    names = ("WORKING_DIR", "CACHE_DIR", "RESULTS_DIR")
    functions = ("_resolve_under_cwd_or_install", "component_search_roots")
    return bare("nemo_gym", folder, **dict.fromkeys((*names, *functions), folder))


def _version_or_none(known: Callable[[str], str]) -> Callable[[str], str]:
    """It asks for the version of ray when it is imported."""

    def version(name: str) -> str:
        try:
            return known(name)
        except importlib.metadata.PackageNotFoundError:
            return "0"

    return version


# An OpenAI response is JSON to this file.
def response(text: str) -> dict[str, Any]:
    """What a model server answers, as in the facts."""
    part = {"type": "output_text", "text": text, "annotations": []}
    message = {"id": "msg", "type": "message", "role": "assistant", "status": "completed"}
    return {
        **{"id": "resp_1", "created_at": 1, "model": "m", "object": "response"},
        "output": [{**message, "content": [part]}],
        **{"parallel_tool_calls": True, "tool_choice": "auto", "tools": []},
    }


async def rollout(
    address: str,
    # A row of a data set, an OpenAI response, and the row that comes of them.
    row: Mapping[str, Any],
    answer: Mapping[str, Any],
) -> dict[str, Any]:
    """`SimpleAgent.run`, for a model that answers this; the resources server is at the address.

    Its own models must take the reply. It has no time-out, and tries a lost connection for ever.
    """
    modules = _modules()
    agent = modules[_AGENT]
    with present(modules):
        async with _client(address) as client:
            itself = SimpleNamespace(
                config=SimpleNamespace(
                    name=_ITSELF,
                    execute_tools=True,
                    skip_verification=False,
                    resources_server=SimpleNamespace(name=_RESOURCES),
                ),
                server_client=_Routed(client, answer),
                url_path_for_run=lambda path, body: path,
                rollout_id_from_run=lambda body: None,
            )
            body = agent.SimpleAgentRunRequest.model_validate(dict(row))
            found = await agent.SimpleAgent.run(itself, SimpleNamespace(cookies={}), body)
    return cast("dict[str, Any]", found.model_dump(mode="json"))


@asynccontextmanager
async def _client(address: str) -> AsyncIterator[Any]:  # Its `ServerClient`.
    servers = _modules()[_SERVERS]
    parts = urlsplit(address)
    # It writes `http://{host}:{port}{path}`; what follows the port is kept, so a prefix works.
    # Of the host it makes no more either, so a user and a password fit before it.
    host = parts.netloc.rpartition(":")[0]
    where = _Settings(host=host, port=f"{parts.port}{parts.path}".rstrip("/"))
    known = _Settings({_RESOURCES: _Settings(resources_servers=_Settings(touchstone=where))})
    session = servers.set_global_aiohttp_client(servers.GlobalAIOHTTPAsyncClientConfig())
    try:
        head = {"host": "127.0.0.1", "port": 1}
        yield servers.ServerClient(head_server_config=head, global_config_dict=known)
    finally:
        await session.close()
        vars(servers).update(_GLOBAL_AIOHTTP_CLIENT=None)


class _Answered(NamedTuple):
    """What the agent's own /v1/responses answers: the model's words, the same cookies."""

    content: bytes
    cookies: object
    ok: bool = True

    async def read(self) -> bytes:
        return self.content


class _Routed(NamedTuple):
    """Its `ServerClient`, but for the call that the agent makes of itself."""

    client: Any  # Its `ServerClient`.
    answer: Mapping[str, Any]

    # Whatever the agent sends.
    async def post(self, *, server_name: str, **request: Any) -> object:
        if server_name == _ITSELF:
            return _Answered(json.dumps(self.answer).encode(), request["cookies"])
        answered: object = await self.client.post(server_name=server_name, **request)
        return answered
