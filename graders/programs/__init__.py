"""Does this program do what its tests ask for?  The door of the code grader."""

from __future__ import annotations

from graders.programs.grader import CodeGrader

__all__ = ["CodeGrader"]
