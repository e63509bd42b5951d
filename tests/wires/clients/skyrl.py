"""SkyRL's gym: its registry, and an environment made and stepped as its generator does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple, TypeAlias, cast

from tests.wires.clients.imports import Modules, imported, present
from tests.wires.peers import bare, peer

__all__ = ["Episode", "episode", "importable", "register"]

Message: TypeAlias = dict[str, str]


class Episode(NamedTuple):
    """What the generator keeps of an environment that is done after one step."""

    prompt: list[Message]
    # Its `BaseTextEnvStepOutput`, and its own metrics.
    output: dict[str, Any]
    metrics: dict[str, Any]


@cache
def _modules() -> Modules:
    root = peer("skyrl-gym")
    # Its tools bring pandas and a search client; no environment of ours uses one.
    tools = bare("skyrl_gym.tools", root / "skyrl_gym" / "tools")
    top = bare("skyrl_gym", root / "skyrl_gym")
    modules = imported(["skyrl_gym.core", "skyrl_gym.error"], [top, tools])
    vars(top).update(Env=modules["skyrl_gym.core"].Env, error=modules["skyrl_gym.error"])
    modules = imported(["skyrl_gym.envs", "skyrl_gym.envs.base_text_env"], modules.values())
    registration = modules["skyrl_gym.envs.registration"]
    # What `skyrl_gym/__init__.py` gives from there.
    names = ("make", "spec", "register", "registry")
    vars(top).update({name: getattr(registration, name) for name in names})
    return modules


@contextmanager
def importable() -> Iterator[None]:
    """`import skyrl_gym` is its own for a while, as for an environment's module."""
    with present(_modules()):
        yield


def register(name: str, entry_point: str) -> None:
    """`skyrl_gym.register(id=..., entry_point="module:Class")`; once for a name."""
    _modules()["skyrl_gym"].register(id=name, entry_point=entry_point)


def episode(
    name: str,
    action: str,
    *,
    prompt: Sequence[Message],
    # A dataset row's other columns, and the environment's own settings.
    extras: Mapping[str, Any],
    env_config: Mapping[str, Any] | None = None,
) -> Episode:
    """The calls of `SkyRLGymGenerator.agent_loop`, for a model that answers this."""
    with importable():
        made = _modules()["skyrl_gym"].make(
            name, env_config=dict(env_config or {}), extras=dict(extras)
        )
        first, _ = made.init([*prompt])
        output = made.step(action)
        metrics = made.get_metrics()
        made.close()
    return Episode(first, cast("dict[str, Any]", output), cast("dict[str, Any]", metrics))
