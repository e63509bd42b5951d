"""From a cargo to verdicts: every grader of every item, with the project's one broad handler."""

from __future__ import annotations

import logging
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pydantic import BaseModel, ValidationError

from graders.contract import (
    Circumstances,
    Grade,
    Grader,
    Item,
    Outcome,
    SharedReason,
    Verdict,
    conclude,
    graded_text,
)
from graders.registry import GRADERS
from service.field_errors import first_error
from service.measured import Meter
from service.plans import NO_REWARD, Plan, Prepared, no_grade, plan_of
from service.recall import Recall, is_kept
from service.streams import Cargo, Mark, Tally, Task

__all__ = [
    "Graded",
    "GradingLimits",
    "counted_as",
    "grade_cargo",
    "is_full",
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


def grade_cargo(
    cargo: Cargo,
    *,
    limits: GradingLimits,
    halted: Callable[[int], SharedReason | None],
    recall: Recall | None = None,
    meter: Meter | None = None,
) -> Graded:
    """Grade every item but those that are not wanted any more, which get that for a reason.

    What is not wanted is asked by position, just before the item there would be graded. Programs
    that the recall knows are not run again. The meter hears how long each grader took.

    What is validated is no completion, and not counted as one.
    """
    verdicts: list[bytes] = []
    rewards: list[float | None] = []
    marks: list[Mark] = []
    tally: Tally = Counter()
    around = _Around(limits, _References(cargo.references), recall, meter or Meter())
    for parcel in cargo.parcels:
        shared = plan_of(parcel.graders)
        for item in parcel.items:
            why = halted(len(verdicts))
            if why is not None:
                verdict = refused(item.id, "failed", why)
            else:
                plan = shared if item.graders is None else plan_of(item.graders)
                case = _Case(parcel.task, item)
                verdict = _grade_by(plan, case, around)
            verdicts.append(verdict.model_dump_json().encode())
            rewards.append(verdict.reward)
            marks.append(_mark(verdict, parcel.task))
            for grade in verdict.grades if parcel.task == "grade" else ():
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
    grade = no_grade(_SERVICE, outcome, reason, detail)
    return Verdict(id=item_id, reward=None, outcome=outcome, grades=[grade])


class _Around(NamedTuple):
    """What all items of a cargo are graded with."""

    limits: GradingLimits
    references: _References
    recall: Recall | None
    meter: Meter


class _Case(NamedTuple):
    """An item, and what is asked about it."""

    task: Task
    item: Item


def _grade_by(plan: Plan, case: _Case, around: _Around) -> Verdict:
    item = case.item
    if plan.refusal is not None:
        return refused(item.id, "ungradable", plan.refusal, NO_REWARD[plan.refusal])
    text = graded_text(item) if case.task == "grade" else None
    if text is None and case.task == "grade":
        detail = {"field": "completion", "message": "holds no message of the role assistant"}
        return refused(item.id, "ungradable", "bad_item", detail)
    grades = _grades(plan, item, text, around=around)
    reward, outcome = conclude(plan.calls, grades)
    return Verdict(id=item.id, reward=reward, outcome=outcome, grades=grades)


def _grades(plan: Plan, item: Item, text: str | None, *, around: _Around) -> list[Grade]:
    """The grade of every step, in the order of the calls; those that look at others come last."""
    grades: dict[int, Grade] = {}
    circumstances = Circumstances(item.completion_tokens, item.group_tokens)
    for last in (False, True) if plan.looks_around else (False,):
        if last:
            circumstances = circumstances._replace(right=_right(grades))
        for place, step in enumerate(plan.steps):
            if isinstance(step, Grade):
                grades[place] = step
            elif (step.circumstantial is not None) is last:
                gold = around.references.gold(step.grader, item)
                call = _Call(step, text, gold, circumstances)
                grades[place] = _recalled(call, item.reference, around)
    return [grades[place] for place in range(len(plan.steps))]


def _right(grades: Mapping[int, Grade]) -> dict[str, bool | None]:
    """Of each grader that judges the answer, whether it gave full marks."""
    right: dict[str, bool | None] = {}
    for _, grade in sorted(grades.items()):
        if _judges_answer(grade):
            right.setdefault(grade.grader, None if grade.score is None else is_full(grade))
    return right


class _Call(NamedTuple):
    """One grader put to one text; a gold that cannot be read is the grade already.

    No text asks for the gold against itself.
    """

    prepared: Prepared
    text: str | None
    gold: BaseModel | Grade
    circumstances: Circumstances


def _recalled(call: _Call, reference: object, around: _Around) -> Grade:
    """What the same program earned before, else what this one earns."""
    recall, text = around.recall, call.text
    programs = is_kept(call.prepared.grader) and isinstance(reference, str)
    if recall is None or text is None or not programs or len(text) > around.limits.text_chars:
        return _grade_text(call, around)
    key = recall.key(call.prepared, text, reference=str(reference), gold=call.gold)
    grade = recall.find(key)
    around.meter.asked(found=grade is not None)
    if grade is None:
        grade = _grade_text(call, around)
        recall.keep(key, grade)
    return grade


def _grade_text(call: _Call, around: _Around) -> Grade:
    grader, limits = call.prepared.grader, around.limits
    if call.text is not None and len(call.text) > limits.text_chars:
        return Grade(
            grader=grader.name,
            version=grader.version,
            score=grader.lowest(call.prepared.options),
            outcome="graded",
            reason="too_long",
            detail={"limit_chars": limits.text_chars},
        )
    if isinstance(call.gold, Grade):
        return call.gold
    started = time.perf_counter()
    grade = _grade_one(call, call.gold)
    took_s = time.perf_counter() - started
    around.meter.took(grader.name, took_s)
    # To the hundredth: most grades take none, and need no copy to say so.
    seconds = round(took_s, 2)
    return grade.model_copy(update={"seconds": seconds}) if seconds else grade


def _gold(grader: Grader, reference: Mapping[str, object]) -> BaseModel | Grade:
    try:
        return grader.Reference.model_validate(reference)
    except ValidationError as error:
        detail = first_error(error, within="reference")
        return no_grade(grader.name, "ungradable", "bad_reference", detail)


def _grade_one(call: _Call, reference: BaseModel) -> Grade:
    grader = call.prepared.grader
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _checked(grader, _asked(call, reference))
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
    return no_grade(grader.name, "failed", "internal_error")


def _asked(call: _Call, reference: BaseModel) -> Grade:
    grader, options, circumstantial = call.prepared
    if call.text is None:
        return grader.validate(reference, options)
    if circumstantial is None:
        return grader.grade(call.text, reference, options)
    return circumstantial.grade_in(call.text, reference, options, circumstances=call.circumstances)


def _checked(grader: Grader, grade: Grade) -> Grade:
    if grade.score is not None and not grader.score_range.holds(grade.score):
        raise ValueError(f"score {grade.score!r} is outside {grader.score_range}")
    if grade.reason not in grader.reasons:
        raise ValueError(f"reason {grade.reason!r} is not in the closed list")
    return grade


def _mark(verdict: Verdict, task: Task) -> Mark:
    """Passed is what every grader of the answer, or of all if there is none, gives full marks.

    A reference must have full marks from all.
    """
    if verdict.outcome != "graded":
        return verdict.outcome[0]
    judging = [grade for grade in verdict.grades if task == "grade" and _judges_answer(grade)]
    return "p" if all(map(is_full, judging or verdict.grades)) else "g"


def _judges_answer(grade: Grade) -> bool:
    return grade.grader in GRADERS and GRADERS[grade.grader].judges == "answer"


def is_full(grade: Grade) -> bool:
    """Whether the grade is the best that its grader gives."""
    return grade.score is not None and grade.score == GRADERS[grade.grader].score_range.high
