"""One run of a program, and what came of it: the grader `run`."""

from __future__ import annotations

from graders.programs.single.grader import RunGrader

__all__ = ["RunGrader"]
