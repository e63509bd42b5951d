"""From a request body to work for the queue; a bad item becomes its own verdict and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any, Final, NamedTuple

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from graders.contract import MAX_LABEL_CHARS, GraderCall, GraderCalls, Item
from service.desk import Desk
from service.field_errors import FieldError, crowded, first_error
from service.grading import refused
from service.items import Answer, Work
from service.queues import Priority
from service.settings import Settings
from service.spans import spans_of
from service.streams import Task
from service.strict_json import SpoiledItem, loads_batch

__all__ = [
    "Asked",
    "BadRequest",
    "GradeRequest",
    "Intake",
    "RequestFrame",
    "TooManyItems",
    "bad_item",
    "intake_of",
    "item_problem",
    "read_asked",
    "take_items",
]

_Key = Annotated[str, StringConstraints(max_length=MAX_LABEL_CHARS)]


class BadRequest(Exception):
    """The request as a whole is malformed: 422 with the message."""


class TooManyItems(Exception):
    """The request holds more items than the setting allows: 413 with the message."""


class RequestFrame(BaseModel):
    """What a request says beside its items."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    graders: GraderCalls = Field(default_factory=list)
    references: dict[_Key, dict[str, JsonValue]] = Field(
        default_factory=dict,
        description="references that several items share; an item's `reference` names one",
    )
    deadline_s: float | None = Field(default=None, gt=0)
    priority: Priority | None = Field(
        default=None,
        description="`interactive` goes before `batch`, which jobs are unless they say otherwise",
    )


class GradeRequest(RequestFrame):
    """The body of `POST /v1/grade`."""

    items: list[Item]


class _Envelope(BaseModel):
    """A request whose items are not looked at yet."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    graders: GraderCalls = Field(default_factory=list)
    # Any: JSON already, and what is in it is each grader's affair.
    references: dict[_Key, dict[str, Any]] = Field(default_factory=dict, fail_fast=True)
    # Any: each item is checked by itself below, so that a bad one is its own affair.
    items: list[Any]
    deadline_s: float | None = Field(default=None, gt=0)
    priority: Priority | None = None


class Asked(NamedTuple):
    """What a request asks for; its items are whatever JSON it has."""

    graders: Sequence[GraderCall]
    references: Mapping[str, Mapping[str, JsonValue]]
    # Any: each item is checked by itself.
    items: Sequence[Any]
    deadline_s: float
    priority: Priority | None = None


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
_ITEMS: Final = TypeAdapter(Annotated[list[Item], Field(fail_fast=True)])


def intake_of(asked: Asked, *, settings: Settings) -> Intake:
    """The work of what is asked; a bad item is answered by itself."""
    return take_items(
        asked.items,
        asked.graders,
        references=asked.references,
        deadline_s=asked.deadline_s,
        settings=settings,
    )


def read_asked(body: bytes, *, settings: Settings) -> Asked:
    """A request body within the settings' limits; raises BadJson, BadRequest or TooManyItems."""
    envelope = _envelope(loads_batch(body, nesting=settings.nesting))
    if len(envelope.items) > settings.items_per_request:
        raise TooManyItems(
            f"{len(envelope.items)} items in one request, the limit is"
            f" {settings.items_per_request} (TOUCHSTONE_ITEMS_PER_REQUEST)"
        )
    deadline_s = envelope.deadline_s or settings.deadline_s
    if deadline_s > settings.max_deadline_s:
        raise BadRequest(f"deadline_s: at most {settings.max_deadline_s:g}")
    return Asked(
        envelope.graders, envelope.references, envelope.items, deadline_s, envelope.priority
    )


# Any: the JSON of a request.
def _envelope(value: Any) -> _Envelope:
    problem = crowded(value)
    if problem is None:
        try:
            return _Envelope.model_validate(value, strict=True)
        except ValidationError as error:
            problem = first_error(error)
    raise BadRequest(f"{problem['field'] or 'body'}: {problem['message']}")


def take_items(
    raw_items: Sequence[Any],
    graders: Sequence[GraderCall],
    *,
    deadline_s: float,
    settings: Settings,
    references: Mapping[str, Mapping[str, JsonValue]] | None = None,
    task: Task = "grade",
    desk: Desk | None = None,
) -> Intake:
    """Check every item; each that is not an Item is answered here and now.

    The desk, where there is one already, is of the same graders.
    """
    problems = _problems(raw_items)
    spans = spans_of(raw_items, graders, leave_out=problems)
    if desk is None or spans:
        desk = Desk(graders, references or {}, task, spans=spans, text_chars=settings.text_chars)
    intake = Intake([], [], [None] * len(raw_items), [None] * len(raw_items), deadline_s)
    for place, raw in enumerate(raw_items):
        taken = bad_item(raw, problems[place]) if place in problems else desk.take(raw)
        if isinstance(taken, Answer):
            intake.answers[place] = taken
            continue
        intake.works.append(taken)
        intake.places.append(place)
        intake.groups[place] = raw.get("group")
    return intake


def _problems(raw_items: Sequence[Any]) -> dict[int, FieldError]:
    if not any(map(crowded, raw_items)):
        with suppress(ValidationError):
            _ITEMS.validate_python(raw_items, strict=True)
            return {}
    problems = enumerate(map(item_problem, raw_items))
    return {place: problem for place, problem in problems if problem is not None}


def item_problem(raw: JsonValue | SpoiledItem, model: type[Item] = Item) -> FieldError | None:
    """What keeps the JSON from being such an item, if anything does."""
    if isinstance(raw, SpoiledItem):
        return {"field": "", "message": raw.message}
    try:
        problem = crowded(raw)
        if problem is None:
            model.model_validate(raw, strict=True)
    except ValidationError as error:
        return first_error(error)
    return problem


def bad_item(raw: JsonValue | SpoiledItem, problem: FieldError) -> Answer:
    """The answer to what is no Item, under its id if it has one."""
    item_id: object = raw.get("id") if isinstance(raw, dict) else None
    if isinstance(raw, SpoiledItem):
        item_id = raw.item_id
    if not isinstance(item_id, str) or len(item_id) > MAX_LABEL_CHARS:
        item_id = None
    verdict = refused(item_id, "ungradable", "bad_item", problem)
    return Answer(verdict.model_dump_json().encode(), None, "u")
