"""The arithmetic_steps grader: do the equations that a reasoning writes down hold?"""

from __future__ import annotations

from fractions import Fraction
from typing import Final, Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from graders.arithmetic_steps.judging import Rounding
from graders.arithmetic_steps.literals import Number
from graders.arithmetic_steps.steps import MAX_EQUATIONS, Found, Step, find_steps
from graders.contract import Grade, Judges, Lane, NoReference, ScoreRange
from graders.extract import final_part, shortened

__all__ = [
    "ArithmeticStepsGrader",
    "ArithmeticStepsOptions",
    "ArithmeticStepsReason",
]

ArithmeticStepsReason: TypeAlias = Literal[
    "all_hold", "some_wrong", "too_few_steps", "too_many_steps", "no_steps", "unfinished"
]
Scope: TypeAlias = Literal["all", "think", "answer"]
Aggregate: TypeAlias = Literal["mean", "min", "product"]

_NAME: Final = "arithmetic_steps"
_VERSION: Final = "2"


class ArithmeticStepsOptions(BaseModel):
    """Options of the arithmetic_steps grader."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scope: Scope = Field(
        default="all",
        description="where steps are looked for: the whole text, what stands before the last "
        "`</think>`, or what stands after it",
    )
    aggregate: Aggregate = Field(
        default="mean",
        description="how the labels of the steps (1 holds, 0 does not) make the score; `min` and "
        "`product` pay only if every step holds",
    )
    min_steps: int = Field(
        default=1, ge=1, le=MAX_EQUATIONS, description="fewer distinct steps than this score 0"
    )
    rounding: Rounding = Field(
        default="decimals",
        description="what `=` may round: `decimals`: to two or more digits after the point, "
        "rougher is neither right nor wrong; `any`: to any digit, rougher is right; `strict`: "
        "nothing, rounded is wrong; a sign such as `≈` always may round to the digits written",
    )


class ArithmeticStepsGrader:
    """Recomputes exactly each equation between numbers that a text writes down."""

    name: str = _NAME
    version: str = _VERSION
    lane: Lane = "light"
    judges: Judges = "form"
    score_range: ScoreRange = ScoreRange(0.0, 1.0)
    reasons: tuple[str, ...] = get_args(ArithmeticStepsReason)
    Options = ArithmeticStepsOptions
    Reference = NoReference

    def grade(self, text: str, reference: NoReference, options: ArithmeticStepsOptions) -> Grade:
        """The share of steps that hold, or what the options make of the labels."""
        part = final_part(text)
        if options.scope == "answer" and not part.finished:
            return _grade("unfinished")
        # Unfinished thinking leaves an empty final part, so that all of it is thinking.
        answer = len(text) - len(part.text)
        start = answer if options.scope == "answer" else 0
        end = answer if options.scope == "think" else len(text)
        return _reported(text, find_steps(text, start, end, rounding=options.rounding), options)

    def lowest(self, options: ArithmeticStepsOptions) -> float:
        """Nothing earns less than a step that is wrong."""
        return self.score_range.low

    def essence(self, text: str, options: ArithmeticStepsOptions) -> str:
        """The text itself: the places of the steps are reported."""
        return text

    def validate(self, reference: NoReference, options: ArithmeticStepsOptions) -> Grade:
        """Every task will do: nothing of it is read."""
        return _grade("all_hold", score=1.0)

    def warm_up(self) -> None:
        """Nothing here is slow at first."""


def _reported(text: str, found: Found, options: ArithmeticStepsOptions) -> Grade:
    labels = [int(step.holds) for step in found.steps]
    holding = sum(labels)
    mean = holding / len(labels) if labels else 0.0
    # What was not looked at may be wrong.
    all_hold = float(bool(labels) and holding == len(labels) and not found.is_cut)
    detail: dict[str, JsonValue] = {
        "steps": len(labels),
        "holding": holding,
        "repeated": found.repeated,
        "unclear": found.unclear,
        "too_big": found.too_big,
        # Of zeros and ones, the product is the minimum.
        "aggregates": {"mean": mean, "min": all_hold, "product": all_hold},
        "labels": [*labels],
        "spans": [[step.start, step.end] for step in found.steps],
    }
    wrong = next((step for step in found.steps if not step.holds), None)
    if wrong is not None:
        detail["first_wrong"] = _shown(text, wrong)
    flags = ["cut"] if found.is_cut else []
    if len(labels) < options.min_steps:
        return _grade("too_few_steps" if labels else "no_steps", detail=detail, flags=flags)
    if wrong is None and found.is_cut and options.aggregate != "mean":
        return _grade("too_many_steps", detail=detail, flags=flags)
    score = mean if options.aggregate == "mean" else all_hold
    return _grade("some_wrong" if wrong else "all_hold", score=score, detail=detail, flags=flags)


def _shown(text: str, step: Step) -> dict[str, JsonValue]:
    return {
        "text": shortened(text[step.start : step.end]),
        "left": _written(step.left),
        "right": _written(step.right),
        "offset": step.start,
    }


def _written(number: Number) -> str:
    """As a decimal where that ends soon, else as a fraction."""
    scaled = Fraction(number) * 10**6
    if scaled.denominator != 1 or isinstance(number, int):
        return shortened(str(number), 80)
    return shortened(f"{scaled.numerator / 10**6:.6f}".rstrip("0").rstrip("."), 80)


def _grade(
    reason: ArithmeticStepsReason,
    *,
    score: float = 0.0,
    detail: dict[str, JsonValue] | None = None,
    flags: list[str] | None = None,
) -> Grade:
    return Grade(
        grader=_NAME,
        version=_VERSION,
        score=score,
        outcome="graded",
        reason=reason,
        flags=flags or [],
        detail=detail or {},
    )
