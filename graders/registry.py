"""Every grader by name: one line each."""

from __future__ import annotations

from typing import Final

from graders.contract import Grader
from graders.exact import ExactGrader
from graders.math_answers import MathGrader
from graders.programs import CodeGrader

__all__ = ["GRADERS"]

GRADERS: Final[dict[str, Grader]] = {
    "code": CodeGrader(),
    "exact": ExactGrader(),
    "math": MathGrader(),
}
