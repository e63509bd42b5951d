"""Graders of lane `code` that start nothing, for tests of what the lane promises."""

from __future__ import annotations

import threading

from pydantic import BaseModel

from graders.contract import Grade, Lane
from graders.exact import ExactGrader, ExactOptions, ExactReference
from service.isolation import HostIsolation

__all__ = ["CodeLike", "serving_sandbox"]


class CodeLike(ExactGrader):
    """Grades what stands before the first `#` as `exact` does, and notes its runs."""

    lane: Lane = "code"

    def __init__(self, *, together: int = 1) -> None:
        self.runs: list[str] = []
        self.most_at_once = 0
        self._now = 0
        self._lock = threading.Lock()
        self._gate = threading.Barrier(together, timeout=60)

    def grade(self, text: str, reference: BaseModel, options: BaseModel) -> Grade:
        """Grade the essence, once as many are here as go together."""
        essence = self.essence(text, options)
        with self._lock:
            self.runs.append(essence)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        self._gate.wait()
        with self._lock:
            self._now -= 1
        if essence == "broken":
            raise LookupError
        assert isinstance(reference, ExactReference)
        assert isinstance(options, ExactOptions)
        return super().grade(essence, reference, options)

    def essence(self, text: str, options: BaseModel) -> str:
        """What stands before the first `#`."""
        return text.partition("#")[0]


def serving_sandbox(*_: object) -> HostIsolation:
    """In place of `open_sandbox`: one that serves and is never used."""
    return HostIsolation(host="here", backend="none", level="standard", serves=True)
