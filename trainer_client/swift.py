"""Touchstone as a reward of ms-swift, for a file of `--external_plugins`.

# plugin.py; then --external_plugins plugin.py --reward_funcs touchstone
from swift.rewards import orms
from trainer_client.swift import orm

orms["touchstone"] = orm("math", url="http://127.0.0.1:8000", columns={"answer": "solution"})
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Unpack

from trainer_client.assay import Options, Recipe, recipe, worths
from trainer_client.remote_reward.samples import Samples

__all__ = ["Touchstone", "orm"]


class Touchstone:
    """Awaited with a batch; the name is the one that it has in ms-swift's logs.

    ms-swift counts a reward of None as 0, so that what nobody could grade raises instead.
    """

    def __init__(self, asked: Recipe) -> None:
        self._recipe = asked

    async def __call__(self, completions: Sequence[object], **columns: object) -> list[float]:
        """The rewards of the completions, in their order."""
        prompts = _prompts(columns.get("messages"))
        samples = Samples(completions, prompts, _tokens(columns.get("response_token_ids")), columns)
        return [worth.reward for worth in await worths(self._recipe, samples)]


def orm(graders: object, **options: Unpack[Options]) -> Callable[..., Touchstone]:
    """What stands in `orms`: ms-swift calls it with its own arguments to have the reward."""
    asked = recipe(graders, options)

    def made(args: object = None, **_others: object) -> Touchstone:
        return Touchstone(asked)

    return made


def _prompts(conversations: object) -> list[object] | None:
    """What each completion, the last message, was asked by."""
    if not isinstance(conversations, list):
        return None
    return [messages[:-1] for messages in conversations]


def _tokens(turns: object) -> list[range] | None:
    """As many as each completion has, in all of its turns; None unless all are told."""
    if not isinstance(turns, list) or not all(turns):
        return None
    return [range(sum(map(len, row))) for row in turns]
