"""slime's remote reward: `--rm-type remote_rm --rm-url`; the JSON body is the reward itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson

from service.items import Answer
from service.wires.contract import NotForUs, Question, Recipe, Route
from service.wires.texts import prefill_of, reference_of, text_at, without_end_tokens

__all__ = ["ROUTES"]


# Any: the JSON of a request.
def _read(body: Any, recipe: Recipe) -> Question:
    if not isinstance(body, dict):
        raise NotForUs("an object of prompt, response and label is expected")
    item = {
        "completion": without_end_tokens(text_at("response", body.get("response"))),
        "prefill": prefill_of(body.get("prompt"), recipe),
        "reference": reference_of(body.get("label"), recipe),
    }
    key = recipe.said.get("key")

    def told(answers: Sequence[Answer]) -> bytes:
        reward = answers[0].reward
        if key is None:
            return orjson.dumps(reward)
        return orjson.dumps({**_parts(answers[0]), key: reward})

    return Question([item], told)


def _parts(answer: Answer) -> dict[str, float | str | None]:
    """What the run may log beside the reward: each grader's score, and why."""
    parts: dict[str, float | str | None] = {}
    for grade in orjson.loads(answer.verdict)["grades"]:
        parts[grade["grader"]] = grade["score"]
        parts[f"{grade['grader']}_reason"] = grade["reason"]
    return parts


ROUTES: Final = (
    # Its clock: 120 s in all, and ten tries with a growing pause between them.
    Route(
        "slime",
        "/compat/slime/{recipe}",
        _read,
        patience_s=100.0,
        tries=10,
        parameters=("key",),
    ),
)
