"""A worker whose `exact` grader kills it over the text "die": run by test_faults as a program."""

from __future__ import annotations

import os
import signal
import sys

from pydantic import BaseModel

from graders.contract import Grade
from graders.exact import ExactGrader
from graders.registry import GRADERS
from service.processes import run_worker
from service.settings import Settings


class LethalGrader(ExactGrader):
    """Grades as `exact` does, but for one text that no process survives."""

    def grade(self, text: str, reference: BaseModel, options: BaseModel) -> Grade:
        if text == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        return super().grade(text, reference, options)  # type: ignore[arg-type] # made by the caller


if __name__ == "__main__":
    GRADERS["exact"] = LethalGrader()
    run_worker(sys.argv[1], lanes=["light"], settings=Settings())
