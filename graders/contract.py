"""The shapes every part shares: HTTP body, queue payload and function argument at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NamedTuple,
    Protocol,
    Self,
    TypeAlias,
    runtime_checkable,
)

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

__all__ = [
    "MAX_LABEL_CHARS",
    "Circumstances",
    "CircumstantialGrader",
    "Conclusion",
    "Grade",
    "Grader",
    "GraderCall",
    "GraderCalls",
    "GroupTokens",
    "Item",
    "Judges",
    "Lane",
    "Message",
    "NoReference",
    "Outcome",
    "Role",
    "ScoreRange",
    "SharedReason",
    "ToolingGrader",
    "Verdict",
    "conclude",
    "graded_text",
]

Outcome: TypeAlias = Literal["graded", "ungradable", "failed"]
Role: TypeAlias = Literal["term", "gate"]
Lane: TypeAlias = Literal["light", "code"]
Judges: TypeAlias = Literal["answer", "form"]
"""What a grader looks at: whether the completion is right, or how it is put."""

SharedReason: TypeAlias = Literal[
    "bad_item",  # the item has not the shape of an Item
    "bad_options",  # the call's options are not this grader's
    "bad_reference",  # the item's reference lacks or misspells what this grader reads
    "no_graders",  # neither the item nor the request names a grader
    "no_terms",  # only gates: there is nothing to add up
    "unknown_grader",
    "too_long",  # the completion is over the limit of characters
    "internal_error",  # ours: a grader raised or left its declared range
    "cancelled",  # the client's: it took back the job before this item was graded
    "worker_died",  # ours: every worker that took the item died
    "deadline",  # ours: the time ran out before a worker got to it
]
"""Reasons that any grader's Grade may carry beside those of its own closed list."""

_Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
MAX_LABEL_CHARS: Final = 256
_Label = Annotated[str, StringConstraints(max_length=MAX_LABEL_CHARS)]
# In this order: nearly every one is an object, and a string names one that several items share.
_Reference = Annotated[dict[str, JsonValue] | str, Field(union_mode="left_to_right")]
_SHAPE: Final = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Message(BaseModel):
    """One chat message; keys of other providers (tool calls, names) are let through unread."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    role: _Name
    content: str | None = ""


class GraderCall(BaseModel):
    """One grader, asked for with its weight and options."""

    model_config = _SHAPE

    name: _Name
    weight: float = Field(default=1.0, ge=-1e6, le=1e6)
    role: Role = "term"
    options: dict[str, JsonValue] = Field(default_factory=dict)


# A list without end that is wrong from its first element on would make as many complaints.
_Messages = Annotated[list[Message], Field(fail_fast=True)]
GraderCalls = Annotated[list[GraderCall], Field(fail_fast=True)]


class GroupTokens(BaseModel):
    """The shortest and the longest completion of a group, in tokens."""

    model_config = _SHAPE

    least: int = Field(ge=0)
    most: int = Field(ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.least > self.most:
            raise ValueError(f"least {self.least} is over most {self.most}")
        return self


class Item(BaseModel):
    """One completion and all that is needed to say what it is worth."""

    model_config = _SHAPE

    id: _Label | None = None
    completion: str | _Messages
    prompt: str | _Messages | None = None
    prefill: str = ""
    reference: _Reference = Field(
        default_factory=dict,
        description="what the graders compare with, or the name of an entry of the request's"
        " `references`",
    )
    group: _Label | None = None
    completion_tokens: int | None = Field(default=None, ge=0)
    group_tokens: GroupTokens | None = Field(
        default=None,
        description="of the item's group; what the request's items say where it is not given",
    )
    graders: GraderCalls | None = None


class Grade(BaseModel):
    """What one grader says; `score` is null exactly when the outcome is not "graded"."""

    model_config = _SHAPE

    grader: str
    version: str
    score: float | None
    outcome: Outcome
    reason: str
    extracted: str | None = None
    flags: list[str] = Field(default_factory=list)
    detail: dict[str, JsonValue] = Field(default_factory=dict)
    seconds: float = 0.0
    cached: bool = False

    @model_validator(mode="after")
    def _score_goes_with_outcome(self) -> Self:
        if (self.score is None) == (self.outcome == "graded"):
            raise ValueError(f"outcome {self.outcome!r} with score {self.score!r}")
        return self


class Verdict(BaseModel):
    """The answer to one Item."""

    model_config = _SHAPE

    id: str | None
    reward: float | None
    outcome: Outcome
    grades: list[Grade]


class ScoreRange(NamedTuple):
    """The scores a grader may give, both ends included."""

    low: float
    high: float

    def holds(self, score: float) -> bool:
        """Whether the score is finite and in the range."""
        return math.isfinite(score) and self.low <= score <= self.high


class NoReference(BaseModel):
    """The reference of a grader that reads none."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Grader(Protocol):
    """One way to tell what a text is worth.

    Adding one is one file, one table of cases and one line in the registry.
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def lane(self) -> Lane: ...
    @property
    def judges(self) -> Judges: ...
    @property
    def score_range(self) -> ScoreRange: ...
    @property
    def reasons(self) -> tuple[str, ...]: ...
    @property
    def Options(self) -> type[BaseModel]: ...  # noqa: N802 - a model class, named as one
    @property
    def Reference(self) -> type[BaseModel]: ...  # noqa: N802 - a model class, named as one

    # Any: each grader takes its own two models, which the caller has just made from these classes.
    def grade(self, text: str, reference: Any, options: Any) -> Grade:
        """Grade the text; never raises on what a model may write."""
        ...

    def lowest(self, options: Any) -> float:
        """The least score under these options: what a text over the limit of characters earns."""
        ...

    def essence(self, text: str, options: Any) -> str:
        """What of the text decides: texts of equal essence get equal grades, details included.

        Asked for in the API's process, so it is quick, starts nothing and never raises.
        """
        ...

    def validate(self, reference: Any, options: Any) -> Grade:
        """Grade the reference against itself: anything but full marks is an unusable task."""
        ...

    def warm_up(self) -> None:
        """Pay the slow first use now; called once at a worker's start."""
        ...


class Circumstances(NamedTuple):
    """What of an item, beside its text, may decide a grade."""

    completion_tokens: int | None = None
    group_tokens: GroupTokens | None = None
    right: Mapping[str, bool | None] = {}
    """By name, whether each that judges the answer gave full marks; None where it gave no score."""


@runtime_checkable
class CircumstantialGrader(Grader, Protocol):
    """A grader for which text, reference and options are not all; graded after the others."""

    def grade_in(
        self, text: str, reference: Any, options: Any, *, circumstances: Circumstances
    ) -> Grade:
        """Grade the text in its circumstances; `grade` does so where none are known."""
        ...


@runtime_checkable
class ToolingGrader(Grader, Protocol):
    """A grader whose grades may be kept, being also the work of programs of the sandbox's host."""

    def tools(self, reference: Any) -> str:
        """The versions of those; asked in a worker, and empty where they cannot be asked now."""
        ...


class Conclusion(NamedTuple):
    """What the grades of one item add up to."""

    reward: float | None
    outcome: Outcome


def conclude(calls: Sequence[GraderCall], grades: Sequence[Grade]) -> Conclusion:
    """The weighted sum, 0 if a gate scored 0, null if any part is null."""
    total = 0.0
    shut = False
    outcomes = {"graded"}
    for call, grade in zip(calls, grades, strict=True):
        if grade.score is None:
            outcomes.add(grade.outcome)
        elif call.role == "gate":
            shut = shut or grade.score == 0
        else:
            total += call.weight * grade.score
    if "failed" in outcomes:
        return Conclusion(None, "failed")
    if "ungradable" in outcomes:
        return Conclusion(None, "ungradable")
    return Conclusion(0.0 if shut else total, "graded")


def graded_text(item: Item) -> str | None:
    """The prefill and what the assistant said last; None if it said nothing."""
    if isinstance(item.completion, str):
        return item.prefill + item.completion
    for message in reversed(item.completion):
        if message.role == "assistant":
            return item.prefill + (message.content or "")
    return None
