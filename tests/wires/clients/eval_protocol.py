"""eval-protocol's own caller of a remote reward: `RewardFunction(mode="remote")`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Protocol, cast

from pydantic import BaseModel

from tests.wires.clients.imports import Modules, imported, present
from tests.wires.peers import bare, peer, stand_in

__all__ = ["Result", "evaluate", "trl_adapter"]

_CALLER = "eval_protocol.reward_function"


class Result(Protocol):
    """Its `EvaluateResult`."""

    score: float
    is_score_valid: bool
    reason: str | None
    # Its `MetricResult` by name.
    metrics: dict[str, Any]


class _OfOpenAI(BaseModel):
    """A field's type that no reward looks into."""


@cache
def _modules() -> Modules:
    root = peer("eval-protocol")
    chat = "openai.types.chat.chat_completion_message"
    stubs = [
        bare("eval_protocol", root / "eval_protocol"),
        stand_in("mcp"),
        stand_in("deepdiff"),
        stand_in("openai"),
        stand_in("openai.types", CompletionUsage=_OfOpenAI),
        stand_in("openai.types.chat"),
        stand_in(chat, FunctionCall=_OfOpenAI),
        stand_in(f"{chat}_tool_call", ChatCompletionMessageToolCall=_OfOpenAI),
    ]
    return imported([_CALLER], stubs)


def _function(address: str) -> Any:  # Its `RewardFunction`, which has no types of ours.
    return _modules()[_CALLER].RewardFunction(mode="remote", endpoint=address)


def evaluate(
    address: str,
    messages: Sequence[Mapping[str, str]],
    ground_truth: str | None = None,
    **arguments: object,
) -> Result:
    """One POST to the address, without a time-out; whatever goes wrong is raised."""
    with present(_modules()):
        found = _function(address)([*map(dict, messages)], ground_truth, **arguments)
    return cast("Result", found)


def trl_adapter(address: str) -> Callable[..., list[float]]:
    """`get_trl_adapter()`: TRL's signature; an error is a 0.0, the column `solution` the truth."""
    return cast("Callable[..., list[float]]", _function(address).get_trl_adapter())
