"""What is written down from the code: the README's tables and the golden OpenAPI document.

`python -m tests.generated` writes them again; `test_generated.py` compares.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final

from pydantic.fields import FieldInfo

from graders.registry import GRADERS
from service.app import create_app
from service.broker import Broker
from service.metrics import FAMILIES, Family
from service.settings import Settings
from tests.grader_tables import graders_table, options_block, table

__all__ = [
    "OPENAPI",
    "MarkerMissing",
    "metrics_table",
    "openapi_text",
    "renewed",
    "renewed_graders",
    "settings_table",
]

OPENAPI: Final = Path("tests/service/openapi.json")
_README: Final = Path("README.md")
_GRADERS: Final = Path("graders/README.md")
# Defaults that the machine decides, in words.
_SPOKEN: Final = {"workers": "one per core"}
# The standard library's words for 413 and 422 up to Python 3.12, and since.
_RENAMED_STATUSES: Final = {
    "Request Entity Too Large": "Content Too Large",
    "Unprocessable Entity": "Unprocessable Content",
}


class MarkerMissing(Exception):
    """The text has no place for a table; the message names the two lines to add."""


def renewed(text: str) -> str:
    """The README with each of its generated tables put between its two markers."""
    text = _put(text, "settings", settings_table(Settings))
    text = _put(text, "metrics", metrics_table(FAMILIES))
    return _put(text, "graders", graders_table(GRADERS))


def renewed_graders(text: str) -> str:
    """The graders' page with the options and reasons of each put between its two markers."""
    for name, grader in GRADERS.items():
        text = _put(text, f"options {name}", options_block(grader))
    return text


def settings_table(settings: type[Settings]) -> str:
    """Every setting: the variable, its default, what it means."""
    prefix = settings.model_config.get("env_prefix", "")
    return table(
        ("Variable", "Default", "Meaning"),
        (
            (f"`{prefix}{name.upper()}`", _default(name, field), field.description or "")
            for name, field in settings.model_fields.items()
        ),
    )


def metrics_table(families: Iterable[Family]) -> str:
    """Every metric: its name and labels, its kind, what it means."""
    return table(
        ("Metric", "Kind", "Meaning"),
        (
            (f"`{family.name}`" + _labels(family), family.kind, family.meaning)
            for family in families
        ),
    )


def _labels(family: Family) -> str:
    names = ", ".join(f"`{label}`" for label in family.labels)
    return f" by {names}" if names else ""


def openapi_text() -> str:
    """The document the service gives at `/openapi.json`, in a form that diffs well."""
    document = create_app(Settings(), open_broker=_no_broker).openapi()
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    for old, new in _RENAMED_STATUSES.items():
        text = text.replace(f'"description": "{old}"', f'"description": "{new}"')
    return text


def _no_broker() -> AbstractAsyncContextManager[Broker]:
    raise AssertionError("an application that is only described opens no broker")


def _default(name: str, field: FieldInfo) -> str:
    if name in _SPOKEN:
        return _SPOKEN[name]
    # Any: FieldInfo's own type of a default.
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or value in ({}, [], (), ""):
        return "none"
    return f"`{int(value) if isinstance(value, float) and value.is_integer() else value}`"


def _put(text: str, name: str, content: str) -> str:
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    between = re.compile(f"({re.escape(start)}\n).*?({re.escape(end)})", re.DOTALL)
    if len(between.findall(text)) != 1:
        raise MarkerMissing(f"needs the lines {start} and {end}, once and in this order")
    return between.sub(lambda found: f"{found[1]}\n{content}\n{found[2]}", text)


def main() -> None:
    """Write every generated text in its place."""
    OPENAPI.write_text(openapi_text(), encoding="utf-8")
    sys.stdout.write(f"{OPENAPI}: written\n")
    for page, renew in ((_README, renewed), (_GRADERS, renewed_graders)):
        page.write_text(renew(page.read_text(encoding="utf-8")), encoding="utf-8")
        sys.stdout.write(f"{page}: written\n")


if __name__ == "__main__":
    main()
