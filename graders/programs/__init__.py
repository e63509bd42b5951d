"""What does this program do?  The door of the graders `code` and `run`."""

from __future__ import annotations

from graders.programs.grader import CodeGrader
from graders.programs.single import RunGrader

__all__ = ["CodeGrader", "RunGrader"]
