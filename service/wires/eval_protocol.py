"""eval-protocol's remote reward function: a conversation and its ground truth, evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from pydantic import JsonValue

from service.items import Answer
from service.wires.contract import NotForUs, Question, Recipe, Route
from service.wires.fields import object_at, object_of
from service.wires.rows import reference_in, with_thinking
from service.wires.texts import reference_of

__all__ = ["ROUTES"]

_OWN: Final = frozenset({"messages", "ground_truth", "kwargs"})


# Any: the JSON of a request.
def _read(body: Any, recipe: Recipe) -> Question:
    body = object_of(body, "messages, ground_truth and more")
    answer = _last(body.get("messages"))
    thoughts = answer.get("reasoning_content")
    thoughts = thoughts if isinstance(thoughts, str) else ""
    item = {
        "completion": with_thinking(thoughts, _text(answer.get("content"))),
        "prefill": "" if thoughts.strip() else recipe.prefill,
        "reference": _reference(body, recipe),
    }
    return Question([item], lambda answers: _told(answers[0]))


def _last(messages: JsonValue) -> Mapping[str, JsonValue]:
    """What the assistant said last."""
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        raise NotForUs("messages: a list of objects with role and content is expected")
    for message in reversed(messages):
        if isinstance(message, dict) and message.get("role") == "assistant":
            return message
    raise NotForUs("messages: none is of the role assistant, whose last one is evaluated")


def _text(content: JsonValue) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text", "") if isinstance(part, dict) else None for part in parts]
    if any(not isinstance(text, str) for text in texts):
        raise NotForUs("messages: content is a string, or a list of parts with text")
    return "".join(map(str, texts))


def _reference(body: Mapping[str, JsonValue], recipe: Recipe) -> Mapping[str, JsonValue]:
    """Further arguments come at the top from its client, and in `kwargs` as its server has them."""
    more = {
        **object_at(body, "kwargs"),
        **{name: value for name, value in body.items() if name not in _OWN},
    }
    truth = body.get("ground_truth")
    # Without a ground truth its client sends the messages before the last one in that place.
    is_context = isinstance(truth, list) and all(map(_is_message, truth))
    return reference_in(more, recipe.graders) | reference_of(None if is_context else truth, recipe)


def _is_message(value: JsonValue) -> bool:
    return isinstance(value, dict) and "role" in value


def _told(answer: Answer) -> bytes:
    """Its `EvaluateResult`."""
    verdict = orjson.loads(answer.verdict)
    grades: Sequence[Mapping[str, Any]] = verdict["grades"]  # Any: as Grade has it.
    is_graded = verdict["outcome"] == "graded"
    metrics = {
        grade["grader"]: {
            "score": grade["score"],
            "is_score_valid": True,
            "reason": grade["reason"],
            "data": {"extracted": grade["extracted"], "flags": grade["flags"]},
        }
        for grade in grades
        if is_graded
    }
    result = {
        "score": answer.reward,
        "is_score_valid": is_graded,
        "reason": ", ".join(f"{grade['grader']}: {grade['reason']}" for grade in grades),
        "metrics": metrics,
    }
    return orjson.dumps(result)


ROUTES: Final = (
    # No clock of its own: it waits as long as we hold the request, and an error is raised there.
    Route("eval_protocol", "/compat/eval_protocol/{recipe}/evaluate", _read, patience_s=300.0),
)
