"""`POST /v1/validate`: which references cannot be graded, told before a run is spent on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import orjson
from pydantic import BaseModel, ConfigDict, Field

from graders.contract import Grade, Item, Message, Verdict
from service.grading import is_full
from service.intake import Asked, Intake, RequestFrame, bad_item, item_problem, take_items
from service.items import Answer
from service.settings import Settings
from service.streams import Mark

__all__ = [
    "ReferenceItem",
    "ReferenceOutcome",
    "ReferenceVerdict",
    "Summary",
    "ValidateRequest",
    "ValidateResponse",
    "Validation",
    "faults",
    "summed",
    "take_references",
    "verdict_of",
]

ReferenceOutcome: TypeAlias = Literal["gradable", "ungradable", "failed"]

_SHAPE: Final = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
_OUTCOMES: Final[Mapping[Mark, ReferenceOutcome]] = {
    "p": "gradable", "g": "ungradable", "u": "ungradable", "f": "failed",
}  # fmt: skip


class ReferenceItem(Item):
    """An Item of which only the reference and the graders are read."""

    completion: str | list[Message] = Field(default="", description="not looked at")


class ValidateRequest(RequestFrame):
    """The body of `POST /v1/validate`."""

    items: list[ReferenceItem]


class ReferenceVerdict(BaseModel):
    """Whether one item's reference can be graded with; its grades say why not.

    It can where every grader gives it full marks.
    """

    model_config = _SHAPE

    id: str | None
    outcome: ReferenceOutcome
    grades: list[Grade]


class Summary(BaseModel):
    """How many items ended how."""

    model_config = _SHAPE

    items: int
    gradable: int
    ungradable: int
    failed: int
    reasons: dict[str, dict[str, int]] = Field(
        description="by grader and reason, in how many items it stands in the way"
    )
    types: dict[str, dict[str, int]] = Field(
        description="by grader, the types of gold that it found, where it tells any"
    )


class ValidateResponse(BaseModel):
    """The body of an answer to `POST /v1/validate`."""

    model_config = _SHAPE

    verdicts: list[ReferenceVerdict]
    summary: Summary


class _Place(NamedTuple):
    """An item's id, and which of the distinct references is its own."""

    item_id: str | None
    reference: int


class Validation(NamedTuple):
    """What is to be validated, each reference once, and what each item has of it."""

    intake: Intake
    places: list[Answer | _Place]

    def verdicts(self, answers: Sequence[Answer]) -> list[ReferenceVerdict]:
        """The verdicts in the order of the items, once the intake's works have their answers."""
        distinct = [verdict_of(answer) for answer in self.intake.filled(answers)]
        return [
            verdict_of(place)
            if isinstance(place, Answer)
            else distinct[place.reference].model_copy(update={"id": place.item_id})
            for place in self.places
        ]


def take_references(asked: Asked, *, settings: Settings) -> Validation:
    """Check every item; each that is no ReferenceItem is answered here and now."""
    distinct: dict[bytes, int] = {}
    raw_items: list[dict[str, Any]] = []  # Any: JSON of Items.
    places: list[Answer | _Place] = []
    for raw in asked.items:
        problem = item_problem(raw, ReferenceItem)
        if problem is not None:
            places.append(bad_item(raw, problem))
            continue
        item = {key: raw[key] for key in ("reference", "graders") if key in raw}
        number = distinct.setdefault(orjson.dumps(item), len(raw_items))
        if number == len(raw_items):
            raw_items.append(item | {"completion": ""})
        places.append(_Place(raw.get("id"), number))
    intake = take_items(
        raw_items,
        asked.graders,
        references=asked.references,
        deadline_s=asked.deadline_s,
        settings=settings,
        task="validate",
    )
    return Validation(intake, places)


def verdict_of(answer: Answer) -> ReferenceVerdict:
    """What a worker's answer, or a refusal, says of the reference."""
    verdict = Verdict.model_validate_json(answer.verdict)
    outcome = _OUTCOMES[answer.mark]
    return ReferenceVerdict(id=verdict.id, outcome=outcome, grades=verdict.grades)


def faults(verdict: ReferenceVerdict) -> list[Grade]:
    """The grades for which the reference is not gradable."""
    return [grade for grade in verdict.grades if not is_full(grade)]


def summed(verdicts: Iterable[ReferenceVerdict]) -> Summary:
    """The figures of some verdicts; the commonest reasons and types come first."""
    outcomes: Counter[str] = Counter()
    reasons: Counter[tuple[str, str]] = Counter()
    types: Counter[tuple[str, str]] = Counter()
    for verdict in verdicts:
        outcomes[verdict.outcome] += 1
        reasons.update({(grade.grader, grade.reason) for grade in faults(verdict)})
        for grade in verdict.grades:
            kind = grade.detail.get("type")
            if isinstance(kind, str):
                types[grade.grader, kind] += 1
    return Summary(
        items=outcomes.total(),
        gradable=outcomes["gradable"],
        ungradable=outcomes["ungradable"],
        failed=outcomes["failed"],
        reasons=_by_grader(reasons),
        types=_by_grader(types),
    )


def _by_grader(counts: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (grader, name), count in counts.most_common():
        found.setdefault(grader, {})[name] = count
    return found
