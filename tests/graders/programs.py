"""Asks the code grader, as the service does, about one program."""

from __future__ import annotations

from typing import Any, Final

from graders.contract import Grade
from graders.programs import CodeGrader
from graders.programs.options import CodeOptions
from graders.programs.tasks import CodeReference

__all__ = ["GRADER", "fenced", "grade", "validated"]

GRADER: Final = CodeGrader()


def fenced(program: str, tag: str = "python") -> str:
    """The program as a completion that holds nothing else."""
    return f"```{tag}\n{program}\n```"


# Any: tests as a client writes them.
def grade(program: str, tests: dict[str, Any], **options: Any) -> Grade:
    """The grade of this program."""
    reference = CodeReference.model_validate({"tests": tests})
    text = program if "```" in program else fenced(program)
    return GRADER.grade(text, reference, CodeOptions(**options))


def validated(tests: dict[str, Any], solution: str | None = None) -> Grade:
    """What validation says of these tests."""
    reference = CodeReference.model_validate({"tests": tests, "solution": solution})
    return GRADER.validate(reference, CodeOptions())
