"""OpenEnv's frames: what a client may ask over its socket, and what it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, NamedTuple, TypeAlias, TypeVar

import orjson
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
)

from service.field_errors import first_error
from service.strict_json import BadJson, loads

__all__ = [
    "AskClose",
    "AskReset",
    "AskState",
    "AskStep",
    "BadFrame",
    "CompletionAction",
    "EpisodeState",
    "ErrorCode",
    "Frame",
    "Observed",
    "checked",
    "error_frame",
    "observation_frame",
    "read_frame",
    "state_frame",
]

ErrorCode: TypeAlias = Literal[
    "INVALID_JSON",
    "UNKNOWN_TYPE",
    # At a step some clients take it for the policy's fault, and pay it 0: nothing of ours is one.
    "VALIDATION_ERROR",
    "EXECUTION_ERROR",
    "CAPACITY_REACHED",
]

_SHAPE: Final = ConfigDict(frozen=True, extra="forbid", strict=True)
_Id = Annotated[str, StringConstraints(max_length=255)]
_ModelT = TypeVar("_ModelT", bound=BaseModel)


class BadFrame(Exception):
    """The frame is none that may be sent: an error frame with this code and message."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class AskReset(BaseModel):
    """Begin an episode, whose task is in `data`."""

    model_config = _SHAPE

    type: Literal["reset"]
    data: dict[str, JsonValue] = Field(default_factory=dict)


class AskStep(BaseModel):
    """Take a step; `data` is the action."""

    model_config = _SHAPE

    type: Literal["step"]
    data: dict[str, JsonValue]


class AskState(BaseModel):
    """Say where the episode is."""

    model_config = _SHAPE

    type: Literal["state"]


class AskClose(BaseModel):
    """End the session."""

    model_config = _SHAPE

    type: Literal["close"]


def _as_text(value: object) -> object:
    """A client that reads its policy's answer as JSON sends 42 where that wrote "42"."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


class CompletionAction(BaseModel):
    """What a policy does: it completes."""

    model_config = _SHAPE

    completion: Annotated[str, BeforeValidator(_as_text)] = Field(
        description="the text that the policy wrote"
    )
    metadata: dict[str, JsonValue] = Field(default_factory=dict, description="not read")


class EpisodeState(BaseModel):
    """Where an episode is; that of none has no id."""

    model_config = _SHAPE

    episode_id: _Id | None = None
    step_count: int = Field(default=0, ge=0)


class Observed(NamedTuple):
    """What an episode shows after a reset or a step."""

    observation: Mapping[str, JsonValue]
    reward: float | None = None
    done: bool = False
    metadata: Mapping[str, JsonValue] = {}
    """For whoever trains; clients keep it from the policy."""

    def content(self) -> dict[str, JsonValue]:
        """The data of an observation frame, which is the body of an HTTP response, too."""
        metadata = dict(self.metadata)
        content: dict[str, JsonValue] = {
            "observation": {**self.observation, "metadata": metadata},
            "reward": self.reward,
            "done": self.done,
        }
        return content | {"metadata": metadata} if metadata else content


Frame: TypeAlias = AskReset | AskStep | AskState | AskClose
_FRAMES: Final[Mapping[str, type[Frame]]] = {
    "reset": AskReset,
    "step": AskStep,
    "state": AskState,
    "close": AskClose,
}


def read_frame(body: bytes, *, nesting: int) -> Frame:
    """What the client asks; raises BadFrame."""
    try:
        value = loads(body, nesting=nesting)
    except BadJson as error:
        raise BadFrame("INVALID_JSON", str(error)) from None
    if not isinstance(value, dict):
        raise BadFrame("VALIDATION_ERROR", "a frame is an object with type and data")
    kind = value.get("type")
    model = _FRAMES.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise BadFrame("UNKNOWN_TYPE", f"type: one of {', '.join(_FRAMES)} is expected")
    return checked(model, value)


def checked(model: type[_ModelT], value: object, *, within: str = "") -> _ModelT:
    """The value as the model; raises BadFrame, which names the field."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        problem = first_error(error, within=within)
        raise BadFrame(
            "VALIDATION_ERROR", f"{problem['field'] or 'frame'}: {problem['message']}"
        ) from None


def observation_frame(observed: Observed) -> str:
    """The answer to a reset or a step."""
    return _frame("observation", observed.content())


def state_frame(state: EpisodeState) -> str:
    """The answer to who asks for the state."""
    return _frame("state", state.model_dump())


def error_frame(code: ErrorCode, message: str, **more: int) -> str:
    """The answer where there is none."""
    return _frame("error", {"message": message, "code": code, **more})


def _frame(kind: str, data: Mapping[str, JsonValue]) -> str:
    return orjson.dumps({"type": kind, "data": data}).decode()
