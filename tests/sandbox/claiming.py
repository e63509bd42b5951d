"""A backend that lacks a layer and says that it has it: what the conformance suite must notice."""

from __future__ import annotations

from sandbox import Conversation, Ending, Isolation, Job
from sandbox.contract import Backend, LayerName
from sandbox.selfcheck import CHECKS, Result, run_checks

__all__ = ["Claiming", "noticed"]


class Claiming:
    """Runs jobs by one backend, with the isolation that another one was found to have."""

    def __init__(self, backend: Backend, isolation: Isolation) -> None:
        self._backend = backend
        self._isolation = isolation

    def run(self, job: Job, *, alone: bool = False) -> Ending:
        return self._backend.run(job, alone=alone)

    def converse(self, first: Job, second: Job, *, alone: bool = False) -> Conversation:
        return self._backend.converse(first, second, alone=alone)

    def isolation(self) -> Isolation:
        return self._isolation

    def close(self) -> None:
        self._backend.close()


def noticed(backend: Backend, layer: LayerName) -> Result | None:
    """The first check of the layer that fails, those first that need not wait for a limit."""
    names = [check.name for check in CHECKS if check.layer == layer]
    names.sort(key=lambda name: name != "other processes")
    results = (result for name in names for result in run_checks(backend, names=[name]))
    return next((result for result in results if not result.passed), None)
