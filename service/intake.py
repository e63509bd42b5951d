"""From a request body to work for the queue; a bad item becomes its own verdict and no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from graders.contract import MAX_LABEL_CHARS, GraderCall, Item, Lane
from graders.registry import GRADERS
from service.broker import Answer, Work
from service.field_errors import FieldError, first_error
from service.grading import refused
from service.settings import Settings
from service.strict_json import loads

__all__ = [
    "BadRequest",
    "GradeRequest",
    "Intake",
    "TooManyItems",
    "bad_item",
    "read_request",
    "take_items",
]


class BadRequest(Exception):
    """The request as a whole is malformed: 422 with the message."""


class TooManyItems(Exception):
    """The request holds more items than the setting allows: 413 with the message."""


class GradeRequest(BaseModel):
    """The body of `POST /v1/grade`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    graders: list[GraderCall] = Field(default_factory=list)
    items: list[Item]
    deadline_s: float | None = Field(default=None, gt=0)


class _Envelope(BaseModel):
    """A GradeRequest whose items are not looked at yet."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    graders: list[GraderCall] = Field(default_factory=list)
    # Any: each item is checked by itself below, so that a bad one is its own affair.
    items: list[Any]
    deadline_s: float | None = Field(default=None, gt=0)


class Intake(NamedTuple):
    """What is to be graded, the places of those items, and the answers known already."""

    works: list[Work]
    places: list[int]
    answers: list[Answer | None]
    groups: list[str | None]
    deadline_s: float

    def filled(self, graded: Sequence[Answer]) -> list[Answer]:
        """All answers in the order of the items, once the works have theirs."""
        for place, answer in zip(self.places, graded, strict=True):
            self.answers[place] = answer
        return [answer for answer in self.answers if answer is not None]


# Strictness is asked for at each call: a model's own setting does not reach the models within.
_ITEMS: Final = TypeAdapter(list[Item])


def read_request(body: bytes, *, settings: Settings) -> Intake:
    """The work of a request body; raises BadJson, BadRequest or TooManyItems."""
    value = loads(body, nesting=settings.nesting)
    try:
        envelope = _Envelope.model_validate(value, strict=True)
    except ValidationError as error:
        problem = first_error(error)
        raise BadRequest(f"{problem['field'] or 'body'}: {problem['message']}") from None
    if len(envelope.items) > settings.items_per_request:
        raise TooManyItems(
            f"{len(envelope.items)} items in one request, the limit is"
            f" {settings.items_per_request} (TOUCHSTONE_ITEMS_PER_REQUEST)"
        )
    deadline_s = envelope.deadline_s or settings.deadline_s
    if deadline_s > settings.max_deadline_s:
        raise BadRequest(f"deadline_s: at most {settings.max_deadline_s:g}")
    return take_items(envelope.items, envelope.graders, deadline_s=deadline_s)


def take_items(
    raw_items: Sequence[Any], graders: Sequence[GraderCall], *, deadline_s: float
) -> Intake:
    """Check every item; each that is not an Item is answered here and now."""
    problems = _problems(raw_items)
    shared = orjson.dumps([call.model_dump() for call in graders])
    shared_lane = _lane([call.name for call in graders])
    intake = Intake([], [], [None] * len(raw_items), [None] * len(raw_items), deadline_s)
    for place, raw in enumerate(raw_items):
        if place in problems:
            intake.answers[place] = bad_item(raw, problems[place])
            continue
        own = raw.get("graders")
        lane = shared_lane if own is None else _lane([call["name"] for call in own])
        intake.works.append(Work(raw.get("id"), lane, shared, orjson.dumps(raw)))
        intake.places.append(place)
        intake.groups[place] = raw.get("group")
    return intake


def _problems(raw_items: Sequence[Any]) -> dict[int, FieldError]:
    try:
        _ITEMS.validate_python(raw_items, strict=True)
    except ValidationError:
        return {
            place: problem
            for place, raw in enumerate(raw_items)
            if (problem := _problem(raw)) is not None
        }
    return {}


def _problem(raw: JsonValue) -> FieldError | None:
    try:
        Item.model_validate(raw, strict=True)
    except ValidationError as error:
        return first_error(error)
    return None


def _lane(names: Sequence[str]) -> Lane:
    lanes = {GRADERS[name].lane for name in names if name in GRADERS}
    return "code" if "code" in lanes else "light"


def bad_item(raw: JsonValue, problem: FieldError) -> Answer:
    """The answer to what is no Item, under its id if it has one."""
    item_id = raw.get("id") if isinstance(raw, dict) else None
    if not isinstance(item_id, str) or len(item_id) > MAX_LABEL_CHARS:
        item_id = None
    verdict = refused(item_id, "ungradable", "bad_item", problem)
    return Answer(verdict.model_dump_json().encode(), None, "u")
