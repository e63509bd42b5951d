"""A worker whose `exact` grader raises over the text "fault": run by tests as a program."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import BaseModel

from graders.contract import Grade
from graders.exact import ExactGrader
from graders.registry import GRADERS
from service.processes import run_worker
from service.settings import Settings
from tests.live import ROOT, environment

__all__ = ["faulty_worker"]


class FaultyGrader(ExactGrader):
    """Grades as `exact` does, but for one text, over which it fails by its own fault."""

    def grade(self, text: str, reference: BaseModel, options: BaseModel) -> Grade:
        if text == "fault":
            raise RuntimeError("planted")
        return super().grade(text, reference, options)  # type: ignore[arg-type] # made by the caller


@contextmanager
def faulty_worker(redis_url: str) -> Iterator[None]:
    """Such a worker, of lane `light` alone, ended on exit."""
    command = [sys.executable, "-m", "tests.wires.faulty_worker", redis_url]
    with subprocess.Popen(command, cwd=ROOT, env=environment({})) as process:
        try:
            yield
        finally:
            process.terminate()


if __name__ == "__main__":
    GRADERS["exact"] = FaultyGrader()
    run_worker(sys.argv[1], lanes=["light"], settings=Settings())
