"""AReaL's own caller of a reward function: its `AsyncRewardWrapper`, in its pool of processes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import ModuleType
from typing import Any

from tests.wires.clients.imports import imported
from tests.wires.peers import bare, peer, stand_in

__all__ = ["reward", "shut_down"]

_API = "areal.api.reward_api"


@cache
def _api() -> ModuleType:
    root = peer("areal")
    names = ["areal", "areal.api", "areal.utils"]
    stubs = [bare(name, root / name.replace(".", "/")) for name in names]
    stubs.append(stand_in("areal.utils.logging", getLogger=logging.getLogger))
    return imported([_API], stubs)[_API]


async def reward(
    # A reward function's arguments are the columns of a data set.
    function: Callable[..., Any],
    *,
    prompt: str,
    completion: str,
    data: Mapping[str, Any],
    prompt_ids: Sequence[int] = (1, 2),
    completion_ids: Sequence[int] = (3, 4),
    timeout_s: float = 15,
    max_retries: int = 3,
) -> object:
    """The call of `RLVRWorkflow._compute_rewards`; the workflow puts the result in a tensor.

    The function runs in another process, so it must be found by its name there.
    """
    wrapped = _api().AsyncRewardWrapper(
        function, timeout_seconds=timeout_s, max_workers=1, max_retries=max_retries
    )
    result: object = await wrapped(
        prompt, completion, [*prompt_ids], [*completion_ids], **dict(data)
    )
    return result


def shut_down() -> None:
    """End its processes, as it does when the interpreter ends."""
    _api().AsyncRewardWrapper._atexit_shutdown_all()
