"""The options of the code grader."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from graders.programs.tasks import Scoring

__all__ = ["CodeOptions"]


class CodeOptions(BaseModel):
    """Options of the code grader."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    extract: Literal["last_block", "whole"] = Field(
        default="last_block",
        description="what the program is: the last fenced block after the thinking, or all of it",
    )
    scoring: Scoring | None = Field(
        default=None,
        description="1 for passing every case, the fraction passed, or by the cases' weights;"
        " by default as the tests say, else all",
    )
    run_all: bool = Field(
        default=False, description="run every case, though the first failure decides the score"
    )
    show_output: bool = Field(
        default=False, description="report what the program wrote in public cases"
    )
