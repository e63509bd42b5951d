"""What a grade tells of a trial; of hidden cases neither input nor output."""

from __future__ import annotations

from typing import Final

from pydantic import JsonValue

from graders.programs.tasks import Scoring, Tests
from graders.programs.trials import Trial, Tried
from sandbox import isolation

__all__ = ["detail_of", "isolation_detail"]

_MOST_CASES: Final = 200
_MOST_CHARS: Final = 300
_TIMEOUTS: Final = frozenset({"cpu_time", "wall_time"})


def detail_of(
    trial: Trial, *, tests: Tests, scoring: Scoring, show_output: bool
) -> dict[str, JsonValue]:
    """Every case that was run, what it used, and which layers stood around it."""
    return {
        "language": tests.language,
        "mode": tests.mode,
        "scoring": scoring,
        "cases": trial.planned,
        "run": len(trial.tried),
        "passed": trial.passed,
        "timeouts": sum(one.result.outcome in _TIMEOUTS for one in trial.tried),
        "isolation": isolation_detail(),
        "results": [_case(one, show_output=show_output) for one in trial.tried[:_MOST_CASES]],
    }


def _case(tried: Tried, *, show_output: bool) -> dict[str, JsonValue]:
    result = tried.result
    case: dict[str, JsonValue] = {
        "case": tried.name,
        "outcome": result.outcome,
        "cpu_s": round(result.cpu_s, 4),
        "wall_s": round(result.wall_s, 4),
        "memory_bytes": result.memory_bytes,
    }
    if 0 < result.credit < 1:
        case["credit"] = result.credit
    if tried.public and result.difference:
        case["difference"] = result.difference[:_MOST_CHARS]
    if tried.public and show_output:
        case["stdout"] = result.stdout.decode(errors="replace")
        case["stderr"] = result.stderr.decode(errors="replace")
    return case


def isolation_detail() -> dict[str, JsonValue]:
    """The layers that stand around programs here, and those that are missing."""
    try:
        found = isolation()
    except OSError:
        # It was there when the cases ran, and is being replaced.
        return {}
    return {
        "backend": found.backend,
        "level": found.level,
        "digest": found.digest,
        "missing": [layer.name for layer in found.missing],
    }
