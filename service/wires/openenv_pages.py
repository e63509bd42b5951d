"""What an OpenEnv environment says of itself over HTTP: its schemas, its name, its routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from service import __version__
from service.wires.openenv_frames import CompletionAction, EpisodeState

__all__ = ["PAGES", "page_of"]

PAGES: Final = frozenset({"health", "metadata", "openapi.json", "schema", "state"})


class _Observation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    done: bool = False
    reward: float | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


class _ResetObservation(_Observation):
    """What there is to see before the first step."""

    prompt: JsonValue = None


class _GradedObservation(_Observation):
    """What the completion was worth."""

    status: str = Field(description="`graded`; what could not be graded is an error")
    reasons: dict[str, str] = Field(description="why, by grader")


class _TurnsResetObservation(_ResetObservation):
    """What there is to see before the first try."""

    tries_left: int


class _TurnsObservation(_Observation):
    """What the program did in public."""

    status: str = Field(description="`try_again`, or `graded` at the last step")
    reasons: dict[str, str] = Field(description="why, by grader")
    tries_left: int
    public_cases: int
    public_passed: int
    public: list[dict[str, JsonValue]] = Field(
        description="public cases, failures first: what each gives, expects and got"
    )
    message: str | None = Field(default=None, description="what the compiler said")


def page_of(page: str, *, recipe: str, tries: int | None) -> bytes:
    """The page of the environment at a recipe, which has as many tries, or one."""
    match page:
        case "health":
            content: Mapping[str, Any] = {"status": "healthy"}
        case "metadata":
            content = _metadata(recipe, tries)
        case "schema":
            content = _schema(tries)
        case "state":
            content = EpisodeState().model_dump()
        case _:
            content = _openapi(tries)
    return orjson.dumps(content)


# Any: JSON Schema, here and below.
def _schema(tries: int | None) -> Mapping[str, Any]:
    reset: type[BaseModel] = _ResetObservation
    step: type[BaseModel] = _GradedObservation
    if tries is not None:
        reset, step = _TurnsResetObservation, _TurnsObservation
    return {
        "action": CompletionAction.model_json_schema(),
        "observation": step.model_json_schema(),
        "state": EpisodeState.model_json_schema(),
        "reset_observation": reset.model_json_schema(),
    }


def _metadata(recipe: str, tries: int | None) -> Mapping[str, Any]:
    does = "grades one completion"
    if tries is not None:
        does = f"shows a program's public test results, and takes up to {tries} of them"
    return {
        "name": f"touchstone-{recipe.replace('/', '-')}",
        "description": f"Touchstone, as an environment that {does}: `{recipe}`.",
        "readme_content": None,
        "version": __version__,
        "author": None,
        "documentation_url": None,
    }


def _openapi(tries: int | None) -> Mapping[str, Any]:
    """The routes, as far as OpenEnv's own check of an environment asks for them."""
    ok = {"responses": {"200": {"description": "OK"}}}
    paths: dict[str, Any] = {f"/{page}": {"get": ok} for page in sorted(PAGES)}
    paths |= {f"/{name}": {"post": ok} for name in ("mcp", "reset", "step")}
    return {
        "openapi": "3.1.0",
        # Of this interface, and not of the service: clients look for the first number.
        "info": {"title": "Touchstone as an OpenEnv environment", "version": "1.0.0"},
        "paths": paths,
    }
