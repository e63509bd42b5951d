"""axolotl's own reward function that posts to a NeMo Gym `/verify`."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, TypeAlias, cast

import requests

from tests.wires.clients.imports import imported
from tests.wires.peers import bare, peer, stand_in

__all__ = ["Axolotl"]

_REWARDS = "axolotl.integrations.nemo_gym.rewards"
_SERVER = "axolotl.integrations.nemo_gym.server"
_TRIES: Final = 5
Chat: TypeAlias = list[dict[str, str]]


class Axolotl:
    """`axolotl.integrations.nemo_gym.rewards`, afresh: nothing found of any head server yet."""

    def __init__(self) -> None:
        root = peer("axolotl")
        parents = ["axolotl", "axolotl.utils", "axolotl.integrations", _REWARDS.rpartition(".")[0]]
        stubs = [bare(name, root / name.replace(".", "/")) for name in parents]
        stubs.append(stand_in("axolotl.utils.logging", get_logger=logging.getLogger))
        modules = imported([_REWARDS, _SERVER], stubs)
        self._rewards, self._server = modules[_REWARDS], modules[_SERVER]

    def verify_addresses(self, head_port: int) -> dict[str, str]:
        """`_get_verify_urls`: what it reads of the head server, kept from then on if any is found.

        It reads `GET http://127.0.0.1:{head_port}/global_config_dict_yaml`.
        """
        return dict(self._rewards._get_verify_urls(head_port))

    def plugin_addresses(self, head_port: int) -> dict[str, str]:
        """What its plugin does before training, `nemo_gym_auto_start: false`.

        It reads the head server, three tries, then `GET /` of each resources server.
        """
        config = self._server.get_server_configs(head_port=head_port)
        self._await_servers(config)
        return {name: self._server.get_verify_endpoint(config, name) for name in config}

    def _await_servers(self, config: Mapping[str, Any]) -> None:
        """Once more where one took longer than the two seconds that it is given."""
        for _ in range(_TRIES):
            with suppress(requests.ReadTimeout):
                self._server.wait_for_resource_servers(config, timeout=2)
                return
        raise AssertionError("a resources server does not answer")

    def rewards(
        self,
        completions: Sequence[Chat],
        *,
        prompts: Sequence[Chat],
        servers: Sequence[str],
        # A dataset row's own fields.
        extras: Sequence[Mapping[str, Any]],
    ) -> list[float]:
        """`reward_nemo_gym_verify`, called as TRL does, one POST after the other.

        Of a head server not read yet it takes port 11000.
        """
        refs = [{"type": "resources_servers", "name": name} for name in servers]
        reward = self._rewards.reward_nemo_gym_verify
        columns = {"resources_server_ref": refs, "verify_extra": [*extras]}
        return cast("list[float]", reward([*completions], prompts=[*prompts], **columns))

    def rewards_of_plugin(
        self,
        completions: Sequence[Chat],
        *,
        prompts: Sequence[Chat],
        addresses: Mapping[str, str],
        servers: Sequence[str],
        # A dataset row's own fields.
        extras: Sequence[Mapping[str, Any]],
        timeout_s: int = 30,
    ) -> list[float]:
        """`create_nemo_gym_reward_fn`: what the plugin gives to TRL, the addresses known to it."""
        made = self._rewards.create_nemo_gym_reward_fn(
            {}, dict(addresses), verify_timeout=timeout_s
        )
        refs = [{"type": "resources_servers", "name": name} for name in servers]
        columns = {"resources_server_ref": refs, "verify_extra": [*extras]}
        return [float(r) for r in made([*completions], prompts=[*prompts], **columns)]
