"""What comes back, as frozen values; a null score or reward is None and never a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = [
    "Grade",
    "GradeResult",
    "GraderInfo",
    "GroupStats",
    "Outcome",
    "ReferenceOutcome",
    "ReferenceVerdict",
    "Verdict",
]

Outcome: TypeAlias = Literal["graded", "ungradable", "failed"]
"""Whose doing a grade is: the completion's, the task's, or the service's own failure."""
ReferenceOutcome: TypeAlias = Literal["gradable", "ungradable", "failed"]
"""Whether a completion can earn full marks by a reference, or the service failed to tell."""


@dataclass(frozen=True, slots=True)
class Grade:
    """What one grader says; `score` is None exactly when the outcome is not "graded"."""

    grader: str
    version: str
    score: float | None
    outcome: Outcome
    reason: str
    extracted: str | None
    flags: tuple[str, ...]
    detail: Mapping[str, object]
    seconds: float
    cached: bool

    def told(self) -> str:
        """The grade in words: grader, reason, and the field and message where there are some."""
        said = [self.detail.get(key) for key in ("field", "message")]
        return " ".join([self.grader, self.reason, *(str(one) for one in said if one)])


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one item; `reward` is None exactly when the outcome is not "graded"."""

    id: str | None
    reward: float | None
    outcome: Outcome
    grades: tuple[Grade, ...]


@dataclass(frozen=True, slots=True)
class ReferenceVerdict:
    """Whether an item's reference can be graded with; its grades say why not."""

    id: str | None
    outcome: ReferenceOutcome
    grades: tuple[Grade, ...]


@dataclass(frozen=True, slots=True)
class GroupStats:
    """The completions of one prompt, side by side; null rewards are left out of the figures.

    `items` are the group's places in the request, in the order of its `advantages`.
    `degenerate` says that all rewards are equal: the group has no gradient.
    """

    items: tuple[int, ...]
    mean: float | None
    std: float | None
    advantages: tuple[float | None, ...]
    degenerate: bool
    pass_rate: float | None


@dataclass(frozen=True, slots=True)
class GradeResult:
    """One batch: the verdicts in request order, and figures for each group the items name."""

    verdicts: tuple[Verdict, ...]
    groups: Mapping[str, GroupStats]


@dataclass(frozen=True, slots=True)
class GraderInfo:
    """One grader the service offers; `options` and `reference` are JSON Schemas."""

    name: str
    version: str
    lane: str
    score_range: tuple[float, float]
    reasons: tuple[str, ...]
    options: Mapping[str, object]
    reference: Mapping[str, object]
