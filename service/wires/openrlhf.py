"""OpenRLHF's remote reward: `--reward.remote_url`, a sample a request, prompt and all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from pydantic import JsonValue

from service.items import Answer
from service.wires.contract import NotForUs, Question, Recipe, Route
from service.wires.texts import (
    prefill_of,
    reference_of,
    response_of,
    text_at,
    without_end_tokens,
)

__all__ = ["ROUTES"]

_FIELDS: Final = ("query", "prompts", "labels")


# Any: the JSON of a request.
def _read(body: Any, recipe: Recipe) -> Question:
    queries, prompts, labels = _lists(body)
    items = [
        _item(query, prompt, label, recipe=recipe)
        for query, prompt, label in zip(queries, prompts, labels, strict=True)
    ]
    return Question(items, _told)


# Any: the JSON of a request.
def _lists(body: Any) -> list[list[JsonValue]]:
    """The three lists; one that is left out or empty says nothing of any sample."""
    if not isinstance(body, dict) or not isinstance(body.get("query"), list):
        raise NotForUs(f"query: a list is expected, beside those of {_FIELDS[1]} and {_FIELDS[2]}")
    lists: list[list[JsonValue]] = []
    samples = len(body["query"])
    for field, empty in zip(_FIELDS, ("", "", None), strict=True):
        values = body.get(field) or [empty] * samples
        if not isinstance(values, list) or len(values) != samples:
            raise NotForUs(f"{field}: a list as long as query is expected")
        lists.append(values)
    return lists


def _item(
    query: JsonValue, prompt: JsonValue, label: JsonValue, *, recipe: Recipe
) -> Mapping[str, JsonValue]:
    prompt = text_at("prompts", prompt)
    response = response_of(text_at("query", query), prompt)
    return {
        "completion": without_end_tokens(response),
        "prefill": prefill_of(prompt, recipe),
        "reference": reference_of(label, recipe),
    }


def _told(answers: Sequence[Answer]) -> bytes:
    """`extra_logs` go through a tensor there: numbers only."""
    rewards = [answer.reward for answer in answers]
    graded = [float(answer.mark != "f") for answer in answers]
    logs = {"graded": graded} if rewards else {}
    return orjson.dumps({"rewards": rewards, "scores": rewards, "extra_logs": logs})


ROUTES: Final = (
    # Its clock: 180 s, five times, a second apart.
    Route(
        "openrlhf",
        "/compat/openrlhf/{recipe}/get_reward",
        _read,
        patience_s=170.0,
        tries=5,
    ),
)
