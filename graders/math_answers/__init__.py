"""Is this the same mathematical answer?  The door of the math grader."""

from __future__ import annotations

from graders.math_answers.grader import MathGrader

__all__ = ["MathGrader"]
