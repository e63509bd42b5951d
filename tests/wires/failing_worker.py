"""A worker whose `exact` grader fails over "fault" and dawdles over "slow": run by faults.py."""

from __future__ import annotations

import sys
import time

from pydantic import BaseModel

from graders.contract import Grade
from graders.exact import ExactGrader
from graders.registry import GRADERS
from service.processes import run_worker
from service.settings import Settings
from service.streams import LANES

SLOW_S = 2.0


class FailingGrader(ExactGrader):
    """Grades as `exact` does, but for two texts."""

    def grade(self, text: str, reference: BaseModel, options: BaseModel) -> Grade:
        if "fault" in text:
            raise RuntimeError("a fault of ours")
        if "slow" in text:
            time.sleep(SLOW_S)
        return super().grade(text, reference, options)  # type: ignore[arg-type] # made by the caller


if __name__ == "__main__":
    GRADERS["exact"] = FailingGrader()
    run_worker(sys.argv[1], lanes=LANES, settings=Settings())
