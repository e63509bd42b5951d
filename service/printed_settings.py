"""Every setting as it is in force, where it is from, and no secret."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import JsonValue

from service.redis_address import shown_url
from service.settings import Settings, variables_given

__all__ = ["PrintedSetting", "as_json", "as_table", "printed", "unknown_variables"]


class PrintedSetting(NamedTuple):
    """One setting."""

    variable: str
    value: JsonValue
    source: Literal["default", "environment"]


def printed(settings: Settings) -> list[PrintedSetting]:
    """All of them, in the order of the README."""
    values, given = settings.model_dump(mode="json"), variables_given()
    return [
        PrintedSetting(
            variable,
            _without_password(values[name]),
            "environment" if variable in given else "default",
        )
        for name, variable in _variables().items()
    ]


def unknown_variables() -> list[str]:
    """Variables that are named like settings and are none, such as misspelt ones."""
    return sorted(variables_given() - {*_variables().values()})


def as_table(rows: Sequence[PrintedSetting]) -> str:
    """A line a setting: the variable, its value, where it is from."""
    spoken = [(row.variable, _spoken(row.value), row.source) for row in rows]
    widths = [max(len(line[column]) for line in spoken) for column in (0, 1)]
    return "\n".join(
        f"{variable:<{widths[0]}}  {value:<{widths[1]}}  {source}"
        for variable, value, source in spoken
    )


def as_json(rows: Sequence[PrintedSetting]) -> str:
    """An object by variables."""
    return json.dumps(
        {row.variable: {"value": row.value, "source": row.source} for row in rows}, indent=2
    )


def _variables() -> dict[str, str]:
    prefix = Settings.model_config.get("env_prefix", "")
    return {name: f"{prefix}{name.upper()}" for name in Settings.model_fields}


def _without_password(value: JsonValue) -> JsonValue:
    return shown_url(value) if isinstance(value, str) and "://" in value else value


def _spoken(value: JsonValue) -> str:
    if value is None or value in ({}, [], ""):
        return "none"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value)
