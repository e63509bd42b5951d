"""What is wrong with settings, in words that name the variable and the value."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

__all__ = ["setting_problems"]

_MAY_HOLD_A_SECRET: Final = frozenset(
    {"api_keys", "redis_url", "sandbox_url", "tls_cert", "tls_client_ca", "tls_key"}
)


def setting_problems(error: ValidationError) -> list[str]:
    """A line for each, and no secret in any."""
    problems = []
    for problem in error.errors(include_url=False):
        name = "_".join(str(part) for part in problem["loc"]).upper()
        variable = f"TOUCHSTONE_{name}{_value(problem)}: " if name else ""
        problems.append(variable + problem["msg"].removeprefix("Value error, "))
    return problems


def _value(problem: ErrorDetails) -> str:
    given = problem["input"]
    is_told = problem["loc"][0] not in _MAY_HOLD_A_SECRET
    return f"={given}" if is_told and isinstance(given, str | int | float | Path) else ""
