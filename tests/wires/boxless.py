"""A service on which no program can be run, by our fault: its one worker is run as a program."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import BaseModel

from graders.contract import Grade
from graders.programs import CodeGrader, RunGrader
from graders.registry import GRADERS
from service.embedded_redis import EmbeddedRedis
from service.processes import run_worker
from service.settings import Settings
from service.streams import LANES
from tests.live import ROOT, LiveService, environment, start_service

__all__ = ["boxless_service"]


class BoxlessCode(CodeGrader):
    """`code` where there is no box."""

    def grade(self, text: str, reference: BaseModel, options: BaseModel) -> Grade:
        raise OSError("no box")


class BoxlessRun(RunGrader):
    """`run` where there is no box."""

    def grade(self, text: str, reference: BaseModel, options: BaseModel) -> Grade:
        raise OSError("no box")


@contextmanager
def boxless_service() -> Iterator[LiveService]:
    """An API process and such a worker, ready."""
    with EmbeddedRedis() as redis:
        command = [sys.executable, "-m", "tests.wires.boxless", redis.url]
        with (
            subprocess.Popen(command, cwd=ROOT, env=environment({})) as worker,
            start_service({"REDIS_URL": redis.url}, ("api",)) as service,
        ):
            try:
                service.await_ready()
                yield service
            finally:
                worker.terminate()


if __name__ == "__main__":
    GRADERS["code"], GRADERS["run"] = BoxlessCode(), BoxlessRun()
    run_worker(sys.argv[1], lanes=LANES, settings=Settings())
