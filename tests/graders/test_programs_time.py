"""Time and availability: what is nobody's fault but ours is tried again, and never a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pytest

from graders.programs import execution
from graders.programs.offers import offered
from sandbox import Ending, EndingKind, Isolation, Job
from tests.graders.programs import grade

LIMIT_S: Final = 1.0
TESTS: Final[dict[str, Any]] = {"hidden": [{"stdout": "1"}], "limits": {"cpu_s": LIMIT_S}}


def _ending(kind: EndingKind, cpu_s: float, wall_s: float = 1.0) -> Ending:
    status = 0 if kind == "exited" else None
    nothing = Isolation(backend="none", layers=())
    return Ending(
        kind=kind, isolation=nothing, status=status, stdout=b"1\n", cpu_s=cpu_s, wall_s=wall_s
    )


EXITED, NEAR, LATE = _ending("exited", 0.3), _ending("exited", 1.1), _ending("cpu_time", 1.3)
STARVED = _ending("wall_time", 0.4, wall_s=4)
ASLEEP = _ending("wall_time", 0.01, wall_s=4)
ABSENT = _ending("not_started", 0)

RUNS: list[tuple[str, Sequence[Ending], str, list[bool]]] = [
    ("in time", [EXITED], "passed", [False]),
    ("far beyond", [LATE], "cpu_time", [False]),
    ("near, and in time alone", [NEAR, EXITED], "passed", [False, True]),
    ("near, and near alone", [NEAR, NEAR], "cpu_time", [False, True]),
    ("near, and killed alone", [NEAR, LATE], "cpu_time", [False, True]),
    ("starved, and in time alone", [STARVED, EXITED], "passed", [False, True]),
    ("starved, and starved alone", [STARVED, STARVED], "wall_time", [False, True]),
    ("asleep", [ASLEEP], "wall_time", [False]),
    ("back after a while", [ABSENT, ABSENT, EXITED], "passed", [False] * 3),
    ("away", [ABSENT] * 4, "sandbox_unavailable", [False] * 4),
    ("away when alone", [NEAR, *[ABSENT] * 4], "sandbox_unavailable", [False, *[True] * 4]),
]


@pytest.mark.parametrize(("name", "endings", "reason", "alone"), RUNS, ids=[r[0] for r in RUNS])
def test_a_verdict_is_not_believed_too_early(
    name: str,
    endings: Sequence[Ending],
    reason: str,
    alone: list[bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert offered("python").serves
    left = iter(endings)
    asked: list[bool] = []

    def run(job: Job, *, alone: bool = False) -> Ending:
        asked.append(alone)
        return next(left)

    monkeypatch.setattr(execution, "run", run)
    monkeypatch.setattr(execution, "_PAUSES_S", (0.0, 0.0, 0.0))
    found = grade("print(1)", TESTS)
    assert (found.reason, asked) == (reason, alone)
    assert ("near_limit" in found.flags) == (True in alone and found.outcome == "graded")
    if reason == "sandbox_unavailable":
        assert (found.outcome, found.score) == ("failed", None)


def _busy(cpu_s: float) -> str:
    return f"import time\nwhile time.process_time() < {cpu_s}: pass\nprint(1)"


SHORT: Final[dict[str, Any]] = {
    "hidden": [{"stdout": "1"}],
    "limits": {"cpu_s": 0.5, "wall_s": 20},
}


def test_a_program_over_its_limit_alone_too_is_too_slow() -> None:
    found = grade(_busy(0.55), SHORT)
    assert (found.reason, found.flags) == ("cpu_time", ["near_limit"])


def test_a_program_far_over_its_limit_is_not_run_again() -> None:
    found = grade(_busy(60), SHORT)
    assert (found.reason, found.flags) == ("cpu_time", [])


def test_time_in_children_counts() -> None:
    program = f"import os\nif os.fork() == 0:\n    exec({_busy(60)!r})\nos.wait()\nprint(1)"
    assert grade(program, SHORT).reason == "cpu_time"
