"""From a cargo to verdicts: every grader of every item, with the project's one broad handler."""

from __future__ import annotations

import logging
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pydantic import BaseModel, ValidationError

from graders.contract import (
    Grade,
    Grader,
    GraderCall,
    Item,
    Outcome,
    SharedReason,
    Verdict,
    conclude,
    graded_text,
)
from graders.registry import GRADERS
from service.field_errors import first_error
from service.streams import Cargo, Mark, Tally

__all__ = [
    "Graded",
    "GradingLimits",
    "Plan",
    "Prepared",
    "counted_as",
    "grade_cargo",
    "plan_of",
    "refused",
]

_LOG: Final = logging.getLogger(__name__)
_ATTEMPTS: Final = 3
_SERVICE: Final = "service"


@dataclass(frozen=True, kw_only=True, slots=True)
class GradingLimits:
    """What a worker grades at most."""

    text_chars: int


class Graded(NamedTuple):
    """The verdicts on some items, in order: as JSON, as rewards, as marks, and counted."""

    verdicts: list[bytes]
    rewards: list[float | None]
    marks: str
    tally: Tally


class Prepared(NamedTuple):
    """A call whose grader is known and whose options are checked."""

    grader: Grader
    options: BaseModel


class Plan(NamedTuple):
    """What to do for an item with these calls; a call that cannot be made is its grade already."""

    calls: Sequence[GraderCall]
    steps: Sequence[Prepared | Grade]
    refusal: SharedReason | None = None


@dataclass(frozen=True, slots=True)
class _References:
    """The references of a cargo, read once for each grader and not once per item."""

    shared: Mapping[str, Mapping[str, object]]
    read: dict[tuple[str, str], BaseModel | Grade] = field(default_factory=dict)

    def gold(self, grader: Grader, item: Item) -> BaseModel | Grade:
        """What this grader reads of the item's reference, or the grade that says why it cannot."""
        if not isinstance(item.reference, str):
            return _gold(grader, item.reference)
        key = item.reference, grader.name
        if key not in self.read:
            self.read[key] = _gold(grader, self.shared[item.reference])
        return self.read[key]


def grade_cargo(cargo: Cargo, *, limits: GradingLimits, expired: Callable[[], bool]) -> Graded:
    """Grade every item; what is left once `expired()` is answered `deadline` without being run."""
    verdicts: list[bytes] = []
    rewards: list[float | None] = []
    marks: list[Mark] = []
    tally: Tally = Counter()
    references = _References(cargo.references)
    for parcel in cargo.parcels:
        shared = plan_of(parcel.graders)
        for item in parcel.items:
            if expired():
                verdict = refused(item.id, "failed", "deadline")
            else:
                plan = shared if item.graders is None else plan_of(item.graders)
                verdict = _grade_by(plan, item, references=references, limits=limits)
            verdicts.append(verdict.model_dump_json().encode())
            rewards.append(verdict.reward)
            marks.append(_mark(verdict))
            for grade in verdict.grades:
                tally[counted_as(grade.grader), grade.outcome, grade.reason] += 1
    return Graded(verdicts, rewards, "".join(marks), tally)


def counted_as(grader: str) -> str:
    """The name to count a grade under: one that a client made up would make a metric of its own."""
    return grader if grader in GRADERS else _SERVICE


def refused(
    item_id: str | None,
    outcome: Outcome,
    reason: SharedReason,
    detail: Mapping[str, str] | None = None,
) -> Verdict:
    """The verdict on an item that no grader has seen."""
    grade = _grade_of(_SERVICE, outcome, reason, detail)
    return Verdict(id=item_id, reward=None, outcome=outcome, grades=[grade])


def plan_of(calls: Sequence[GraderCall]) -> Plan:
    """Find the graders of these calls and check their options, once for all items."""
    if not calls:
        return Plan(calls, [], "no_graders")
    if all(call.role == "gate" for call in calls):
        return Plan(calls, [], "no_terms")
    return Plan(calls, [_prepare(call) for call in calls])


def _grade_by(plan: Plan, item: Item, *, references: _References, limits: GradingLimits) -> Verdict:
    if plan.refusal is not None:
        return refused(item.id, "ungradable", plan.refusal)
    text = graded_text(item)
    if text is None:
        detail = {"field": "completion", "message": "holds no message of the role assistant"}
        return refused(item.id, "ungradable", "bad_item", detail)
    grades = [
        step
        if isinstance(step, Grade)
        else _grade_text(step, text, gold=references.gold(step.grader, item), limits=limits)
        for step in plan.steps
    ]
    reward, outcome = conclude(plan.calls, grades)
    return Verdict(id=item.id, reward=reward, outcome=outcome, grades=grades)


def _prepare(call: GraderCall) -> Prepared | Grade:
    grader = GRADERS.get(call.name)
    if grader is None:
        message = f"unknown grader; the known ones are {', '.join(sorted(GRADERS))}"
        detail = {"field": "graders.name", "message": message}
        return _grade_of(call.name, "ungradable", "unknown_grader", detail)
    try:
        options = grader.Options.model_validate(call.options)
    except ValidationError as error:
        detail = first_error(error, within="options")
        return _grade_of(call.name, "ungradable", "bad_options", detail)
    return Prepared(grader, options)


def _grade_text(
    prepared: Prepared, text: str, *, gold: BaseModel | Grade, limits: GradingLimits
) -> Grade:
    grader = prepared.grader
    if len(text) > limits.text_chars:
        return Grade(
            grader=grader.name,
            version=grader.version,
            score=grader.score_range.low,
            outcome="graded",
            reason="too_long",
            detail={"limit_chars": limits.text_chars},
        )
    if isinstance(gold, Grade):
        return gold
    started = time.perf_counter()
    grade = _grade_one(prepared, text, gold)
    # To the hundredth: most grades take none, and need no copy to say so.
    seconds = round(time.perf_counter() - started, 2)
    return grade.model_copy(update={"seconds": seconds}) if seconds else grade


def _gold(grader: Grader, reference: Mapping[str, object]) -> BaseModel | Grade:
    try:
        return grader.Reference.model_validate(reference)
    except ValidationError as error:
        detail = first_error(error, within="reference")
        return _grade_of(grader.name, "ungradable", "bad_reference", detail)


def _grade_one(prepared: Prepared, text: str, reference: BaseModel) -> Grade:
    grader = prepared.grader
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _checked(grader, grader.grade(text, reference, prepared.options))
        except Exception as error:  # noqa: BLE001 - the project's one: what a grader raises is our fault
            # The place and not the message, which may repeat the text: a log is not its place.
            place = traceback.extract_tb(error.__traceback__)[-1]
            _LOG.error(
                "grader %s raised %s at %s:%s, attempt %d of %d",
                grader.name,
                type(error).__name__,
                place.filename,
                place.lineno,
                attempt,
                _ATTEMPTS,
            )
    return _grade_of(grader.name, "failed", "internal_error")


def _checked(grader: Grader, grade: Grade) -> Grade:
    if grade.score is not None and not grader.score_range.holds(grade.score):
        raise ValueError(f"score {grade.score!r} is outside {grader.score_range}")
    if grade.reason not in grader.reasons:
        raise ValueError(f"reason {grade.reason!r} is not in the closed list")
    return grade


def _mark(verdict: Verdict) -> Mark:
    if verdict.outcome != "graded":
        return verdict.outcome[0]
    for grade in verdict.grades:
        if grade.score != GRADERS[grade.grader].score_range.high:
            return "g"
    return "p"


def _grade_of(
    name: str, outcome: Outcome, reason: SharedReason, detail: Mapping[str, str] | None = None
) -> Grade:
    version = GRADERS[name].version if name in GRADERS else ""
    return Grade(
        grader=name,
        version=version,
        score=None,
        outcome=outcome,
        reason=reason,
        detail=dict(detail or {}),
    )
