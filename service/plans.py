"""What is to be done for an item: which graders are asked, with which options, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from pydantic import BaseModel, ValidationError

from graders.contract import (
    CircumstantialGrader,
    Grade,
    Grader,
    GraderCall,
    Outcome,
    SharedReason,
)
from graders.registry import GRADERS
from service.field_errors import FieldError, first_error

__all__ = ["NO_REWARD", "Plan", "Prepared", "no_grade", "plan_of"]

NO_REWARD: Final[Mapping[SharedReason, FieldError]] = {
    "no_graders": {"field": "graders", "message": "name one at least, for all items or in this"},
    "no_terms": {"field": "graders", "message": "gates alone add up to nothing: name a term, too"},
}
"""What to say of calls that make no reward."""


class Prepared(NamedTuple):
    """A call whose grader is known and whose options are checked."""

    grader: Grader
    options: BaseModel
    circumstantial: CircumstantialGrader | None
    """The grader, if its grades depend on more than text, reference and options."""


class Plan(NamedTuple):
    """What to do for an item with these calls; a call that cannot be made is its grade already."""

    calls: Sequence[GraderCall]
    steps: Sequence[Prepared | Grade]
    refusal: SharedReason | None = None
    looks_around: bool = False
    """Whether some grade depends on what the other graders say."""


def plan_of(calls: Sequence[GraderCall]) -> Plan:
    """Find the graders of these calls and check their options, once for all items."""
    if not calls:
        return Plan(calls, [], "no_graders")
    if all(call.role == "gate" for call in calls):
        return Plan(calls, [], "no_terms")
    steps = [_prepare(call) for call in calls]
    around = any(isinstance(step, Prepared) and step.circumstantial for step in steps)
    return Plan(calls, steps, looks_around=around)


def _prepare(call: GraderCall) -> Prepared | Grade:
    grader = GRADERS.get(call.name)
    if grader is None:
        message = f"unknown grader; the known ones are {', '.join(sorted(GRADERS))}"
        detail = {"field": "graders.name", "message": message}
        return no_grade(call.name, "ungradable", "unknown_grader", detail)
    try:
        options = grader.Options.model_validate(call.options)
    except ValidationError as error:
        detail = first_error(error, within="options")
        if detail["message"] == "unknown field":
            detail["message"] += f"; the options are {', '.join(_option_names(grader))}"
        return no_grade(call.name, "ungradable", "bad_options", detail)
    if call.role == "gate" and grader.lowest(options) < 0:
        message = "a gate is shut by a score of 0, and these options score below 0: make it a term"
        detail = {"field": "graders.role", "message": message}
        return no_grade(call.name, "ungradable", "bad_options", detail)
    circumstantial = grader if isinstance(grader, CircumstantialGrader) else None
    return Prepared(grader, options, circumstantial)


def _option_names(grader: Grader) -> list[str]:
    """Every name that some option has, over all styles where there are several models."""
    schema = grader.Options.model_json_schema()
    models = [schema, *schema.get("$defs", {}).values()] if "oneOf" in schema else [schema]
    return sorted({name for model in models for name in model.get("properties", {})})


def no_grade(
    name: str, outcome: Outcome, reason: SharedReason, detail: Mapping[str, str] | None = None
) -> Grade:
    """A grade without a score, of a grader that was never asked or could not answer."""
    version = GRADERS[name].version if name in GRADERS else ""
    return Grade(
        grader=name,
        version=version,
        score=None,
        outcome=outcome,
        reason=reason,
        detail=dict(detail or {}),
    )
