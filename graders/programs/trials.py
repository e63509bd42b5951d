"""All cases of one program: which are run, in which order, and what they are worth together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeVar, assert_never

from graders.programs.results import CaseResult
from graders.programs.tasks import Scoring

__all__ = ["Placed", "Trial", "Tried", "placed", "score_of", "try_cases"]

_FULL: Final = 1.0


class _Weighed(Protocol):
    @property
    def weight(self) -> float: ...


CaseT = TypeVar("CaseT", bound=_Weighed)


@dataclass(frozen=True, slots=True)
class Placed(Generic[CaseT]):
    """A case under the name that reports give it."""

    name: str
    public: bool
    case: CaseT


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """A case that was run."""

    name: str
    public: bool
    weight: float
    result: CaseResult


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What a program did in the cases that were run, the first of which stand first."""

    tried: tuple[Tried, ...]
    planned: int
    """All cases of the task; what was not run could not have changed the score."""
    planned_weight: float
    flags: frozenset[str] = field(default_factory=frozenset)

    @property
    def first_failure(self) -> Tried | None:
        return next((one for one in self.tried if one.result.credit < _FULL), None)

    @property
    def passed(self) -> int:
        return sum(one.result.credit == _FULL for one in self.tried)

    @property
    def is_public_only(self) -> bool:
        """Every public case passes and a hidden one does not."""
        failure = self.first_failure
        return failure is not None and not failure.public and any(t.public for t in self.tried)


def placed(public: Sequence[CaseT], hidden: Sequence[CaseT]) -> list[Placed[CaseT]]:
    """Every case with its name, the public ones first."""
    return [
        Placed(f"{kind} {number}", kind == "public", case)
        for kind, cases in (("public", public), ("hidden", hidden))
        for number, case in enumerate(cases, start=1)
    ]


def try_cases(
    cases: Sequence[Placed[CaseT]],
    judge: Callable[[Placed[CaseT]], CaseResult],
    *,
    to_the_end: bool,
) -> Trial:
    """Run the cases in order; unless `to_the_end`, the first failure is the last one run."""
    tried: list[Tried] = []
    for one in cases:
        result = judge(one)
        tried.append(Tried(name=one.name, public=one.public, weight=one.case.weight, result=result))
        if result.credit < _FULL and not to_the_end:
            break
    return Trial(
        tried=tuple(tried),
        planned=len(cases),
        planned_weight=sum(one.case.weight for one in cases),
    )


def score_of(trial: Trial, scoring: Scoring) -> float:
    """The score in [0, 1]; a case that was not run counts as failed."""
    credits = [one.result.credit for one in trial.tried]
    match scoring:
        case "all":
            complete = len(credits) == trial.planned and trial.planned > 0
            return float(complete and all(credit == _FULL for credit in credits))
        case "fraction":
            return sum(credits) / trial.planned
        case "weighted":
            earned = sum(one.weight * one.result.credit for one in trial.tried)
            return min(_FULL, earned / trial.planned_weight)
        case _:
            assert_never(scoring)
