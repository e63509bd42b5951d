"""slime's `remote_rm`, recorded: PyPI's `slime` is another project, so its own code cannot be had.

Read from `slime/rollout/rm_hub/__init__.py` of THUDM/slime 0.3.1 (624b824a): one POST for each
sample, and the JSON body of the answer is the reward itself (or what `--reward-key` takes it from).
It tries 10 times after any failure, 4xx too, 1 s to 30 s apart; a try may take 120 s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx

__all__ = ["RECORDED_CHAT", "RECORDED_TEXT", "remote_rm"]

RECORDED_TEXT: Final[Mapping[str, object]] = {
    "prompt": "1+1",
    "response": "\\boxed{2}",
    "label": "2",
}
# Both are what the data set has: the prompt may be messages, and the label null.
RECORDED_CHAT: Final[Mapping[str, object]] = {
    "prompt": [{"role": "user", "content": "1+1"}],
    "response": "\\boxed{2}",
    "label": None,
}


async def remote_rm(
    rm_url: str, sample: Mapping[str, object], *, reward_key: str | None = None
) -> Any:  # JSON
    """One try with a recorded body; raises `httpx.HTTPStatusError` where slime would try again."""
    async with httpx.AsyncClient(timeout=120, trust_env=False) as client:
        answer = await client.post(rm_url, json=dict(sample))
    reward = answer.raise_for_status().json()
    return reward if reward_key is None else reward[reward_key]
