"""OpenRLHF's own remote reward client: what `--reward.remote_url` sends each sample with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any

from tests.wires.peers import bare, hurried, loaded, peer, stand_in

__all__ = ["fetch_rewards", "impatient"]


@cache
def _agent() -> ModuleType:
    package = peer("openrlhf") / "openrlhf"
    stubs = [
        bare("openrlhf", package),
        bare("openrlhf.utils", package / "utils"),
        stand_in("openrlhf.utils.logging_utils"),
    ]
    return loaded(package / "utils" / "agent.py", "openrlhf.utils.agent", stubs)


async def fetch_rewards(
    urls: Sequence[str], query: str, *, prompt: str, label: str | None
) -> list[dict[str, Any]]:
    """One sample through `SingleTurnAgentExecutor`, as its `execute` asks for the reward.

    It raises `RuntimeError` when 5 tries have failed, each of at most 180 s and 1 s apart.
    """
    executor = _agent().SingleTurnAgentExecutor([*urls])
    rewards: list[dict[str, Any]] = await executor._fetch_rewards_via_http(
        [query], [prompt], [label]
    )
    return rewards


@contextmanager
def impatient() -> Iterator[list[float]]:
    """No second is waited between two tries; yields the waits there would have been."""
    with hurried(_agent(), "asyncio") as slept:
        yield slept
