"""OpenEnv over HTTP, where nothing lasts: a step brings its task along."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from service.wires.contract import NotForUs, Question, Recipe, Route
from service.wires.openenv_episodes import (
    GradingEpisode,
    completion_of,
    question_of,
    task_of,
)
from service.wires.openenv_frames import BadFrame, checked

__all__ = ["PATIENCE_S", "ROUTES"]

# Its clients wait for a minute.
PATIENCE_S: Final = 55.0
_ROOT: Final = "/compat/openenv/{recipe}"
_NO_SUCH_METHOD: Final = -32601


class _StepRequest(BaseModel):
    """What a step is sent with; what else is there is its task."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    action: dict[str, JsonValue]
    timeout_s: float | None = Field(default=None, gt=0, le=3_600)


# Any: the JSON of a request, here and below.
def _step(body: Any, recipe: Recipe) -> Question:
    row = _row(body)
    try:
        asked = checked(_StepRequest, row)
        completion = completion_of(asked.action, recipe, within="action")
    except BadFrame as error:
        raise NotForUs(str(error)) from None
    return question_of(task_of(row, recipe), completion, recipe, patience_s=asked.timeout_s)


def _reset(body: Any, recipe: Recipe) -> Question:
    observed = GradingEpisode(task_of(_row(body), recipe), recipe).begun()
    return Question((), lambda _: orjson.dumps(observed.content()))


def _mcp(body: Any, _: Recipe) -> Question:
    asked = body.get("id") if isinstance(body, dict) else None
    request_id = asked if isinstance(asked, str | int) else None
    error = {"code": _NO_SUCH_METHOD, "message": "there are no tools here: reset and step"}
    content = orjson.dumps({"jsonrpc": "2.0", "id": request_id, "error": error})
    return Question((), lambda _: content)


def _row(body: Any) -> Mapping[str, JsonValue]:
    if not isinstance(body, dict):
        raise NotForUs("an object is expected: prompt, reference, and for a step an action")
    return body


ROUTES: Final = (
    Route("openenv", f"{_ROOT}/step", _step, PATIENCE_S),
    Route("openenv", f"{_ROOT}/reset", _reset, PATIENCE_S),
    Route("openenv", f"{_ROOT}/mcp", _mcp, PATIENCE_S),
)
