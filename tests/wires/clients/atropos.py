"""Atropos' registry of rewards and its own callers of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

from tests.wires.clients.imports import Modules, imported, present
from tests.wires.peers import bare, peer

__all__ = ["base", "combined", "created", "importable", "register"]

_REWARDS = "atroposlib.envs.reward_fns"


@cache
def _modules() -> Modules:
    root = peer("atroposlib")
    names = ["atroposlib", "atroposlib.envs"]
    return imported([_REWARDS], [bare(name, root / name.replace(".", "/")) for name in names])


@contextmanager
def importable() -> Iterator[None]:
    """`from atroposlib.envs.reward_fns import RewardFunction, registry` is its own for a while."""
    with present(_modules()):
        yield


def base() -> type:
    """`RewardFunction`, the class that a reward must be of."""
    return cast("type", _modules()[_REWARDS].RewardFunction)


def register(kind: type, name: str) -> None:
    """`registry.register(name=...)`; its own rule drops a last "reward" from the name."""
    _modules()[_REWARDS].registry.register(name=name)(kind)


def created(
    name: str,
    # A reward's own settings, and its own columns below.
    settings: Mapping[str, Any],
    completions: Sequence[object],
    **columns: Any,
) -> list[float]:
    """`registry.create({"type": name, ...})(completions, **columns)`: an error gives zeros."""
    made = _modules()[_REWARDS].registry.create({"type": name, **settings})
    return cast("list[float]", made([*completions], **columns))


def combined(
    # A reward's own settings, and its own columns below.
    rewards: Sequence[Mapping[str, Any]],
    completions: Sequence[object],
    **columns: Any,
) -> list[float]:
    """`CombinedReward`: it calls `compute` of each, and leaves out one that raises."""
    made = _modules()[_REWARDS].CombinedReward([*map(dict, rewards)])
    return cast("list[float]", made([*completions], **columns))
