"""From a request body to work for the queue; a bad item becomes its own verdict and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any, Final, NamedTuple

import orjson
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from graders.contract import MAX_LABEL_CHARS, GraderCall, GraderCalls, Item, Lane
from graders.registry import GRADERS
from service.field_errors import FieldError, crowded, first_error
from service.grading import refused
from service.items import Answer, SharedReference, Work
from service.plans import plan_of
from service.queues import Priority
from service.settings import Settings
from service.sharing import essence_key, shared_reference
from service.spans import Span, spans_of
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
_NOT_TEXT: Final = frozenset({"reference", "prompt"})


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
) -> Intake:
    """Check every item; each that is not an Item is answered here and now."""
    problems = _problems(raw_items)
    spans = spans_of(raw_items, graders, leave_out=problems)
    desk = _Desk(graders, references or {}, task, spans=spans, text_chars=settings.text_chars)
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


class _Desk:
    """Where the items of one request become work; what they share is looked at once."""

    def __init__(
        self,
        graders: Sequence[GraderCall],
        references: Mapping[str, Mapping[str, JsonValue]],
        task: Task,
        *,
        spans: Mapping[str, Span],
        text_chars: int,
    ) -> None:
        self._wire = orjson.dumps([call.model_dump() for call in graders])
        self._lane = _lane([call.name for call in graders])
        self._plan = plan_of(graders)
        self._references = references
        self._task = task
        self._spans = spans
        self._text_chars = text_chars
        self._named: dict[str, SharedReference] = {}
        self._by_content: dict[str, SharedReference] = {}

    # Any: the JSON of what has just been found to be an Item.
    def take(self, raw: Mapping[str, Any]) -> Work | Answer:
        """The item's work, or the answer to an item that names no reference of the request."""
        raw = self._with_span(raw)
        item_id, own, given = raw.get("id"), raw.get("graders"), raw.get("reference", {})
        lane = self._lane if own is None else _lane([call["name"] for call in own])
        if isinstance(given, str):
            reference = self._reference(given)
            if reference is None:
                return _names_nothing(item_id, given)
        elif lane == "light":
            return Work(item_id, lane, self._wire, orjson.dumps(raw), task=self._task)
        else:
            reference = self._interned(shared_reference(given))
        item = orjson.dumps({**raw, "reference": reference.name})
        run = lane == "code" and self._task == "grade"
        essence = self._essence(raw, reference) if run else None
        return Work(item_id, lane, self._wire, item, reference, essence, self._task)

    def _with_span(self, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        group = raw.get("group")
        span = None if group is None else self._spans.get(group)
        if span is None or raw.get("group_tokens") is not None:
            return raw
        return {**raw, "group_tokens": span}

    def _reference(self, key: str) -> SharedReference | None:
        if key not in self._references:
            return None
        if key not in self._named:
            self._named[key] = self._interned(shared_reference(self._references[key]))
        return self._named[key]

    def _interned(self, reference: SharedReference) -> SharedReference:
        return self._by_content.setdefault(reference.name, reference)

    def _essence(self, raw: Mapping[str, Any], reference: SharedReference) -> bytes | None:
        # Without what may be large and says nothing of the text.
        item = Item.model_validate({k: v for k, v in raw.items() if k not in _NOT_TEXT})
        plan = self._plan if item.graders is None else plan_of(item.graders)
        return essence_key(item, plan, reference=reference, text_chars=self._text_chars)


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


def _lane(names: Sequence[str]) -> Lane:
    lanes = {GRADERS[name].lane for name in names if name in GRADERS}
    return "code" if "code" in lanes else "light"


def _names_nothing(item_id: str | None, key: str) -> Answer:
    message = f"no entry of references is called {key[:MAX_LABEL_CHARS]!r}"
    detail = {"field": "reference", "message": message}
    verdict = refused(item_id, "ungradable", "bad_reference", detail)
    return Answer(verdict.model_dump_json().encode(), None, "u")


def bad_item(raw: JsonValue | SpoiledItem, problem: FieldError) -> Answer:
    """The answer to what is no Item, under its id if it has one."""
    item_id: object = raw.get("id") if isinstance(raw, dict) else None
    if isinstance(raw, SpoiledItem):
        item_id = raw.item_id
    if not isinstance(item_id, str) or len(item_id) > MAX_LABEL_CHARS:
        item_id = None
    verdict = refused(item_id, "ungradable", "bad_item", problem)
    return Answer(verdict.model_dump_json().encode(), None, "u")
