"""What a caller may ask of the math grader, and what it reads of a reference."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, StringConstraints

from graders.extract import STATED, Style

__all__ = ["MathOptions", "MathReference", "Tolerance"]

_MAX_GOLD_CHARS: Final = 10_000
_MAX_GOLDS: Final = 64
_Text = Annotated[str, StringConstraints(strict=True, max_length=_MAX_GOLD_CHARS)]
_One = _Text | StrictInt | StrictFloat


class Tolerance(BaseModel):
    """How far a number may be from the gold: within either bound is near enough."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    abs: float = Field(default=0.0, ge=0.0, le=1e12, description="absolute difference allowed")
    rel: float = Field(default=0.0, ge=0.0, le=1.0, description="difference allowed per gold")


class MathOptions(BaseModel):
    """Options of the math grader; the defaults are strict."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    styles: tuple[Style, ...] = Field(
        default=STATED, min_length=1, description="where an answer may be stated"
    )
    last_number: bool = Field(
        default=False, description="fall back to the last number where no style states an answer"
    )
    tolerance: Tolerance | None = Field(
        default=None, description="accept numbers that are near; exact when null"
    )
    percent: bool = Field(
        default=False, description="accept 42 where the gold is 42%, as well as 42% and 0.42"
    )
    units: bool = Field(
        default=False, description="refuse a number without the unit that the gold names"
    )
    ordered: bool = Field(
        default=False, description="compare lists without brackets in their order"
    )
    evaluated: bool = Field(
        default=False, description="refuse arithmetic left undone, such as 5! or 2+3"
    )


class MathReference(BaseModel):
    """The reference: one answer, or several of which any will do; other keys are not read."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    answer: _One | Annotated[list[_One], Field(min_length=1, max_length=_MAX_GOLDS)]
