"""The README and the golden OpenAPI document say what the code says; `make docs` writes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graders.registry import GRADERS
from service.catalogue import catalogue
from service.settings import Settings
from tests.generated import (
    OPENAPI,
    MarkerMissing,
    openapi_text,
    renewed,
    renewed_graders,
    settings_table,
)
from tests.grader_tables import graders_table, option_rows

ROOT = Path(__file__).parents[1]
REPAIR = "run `make docs` and read the difference"
MARKED = (
    "# T\n<!-- settings -->\nold\n<!-- /settings -->\n<!-- metrics -->\n<!-- /metrics -->\n"
    "<!-- graders -->\n<!-- /graders -->\nend\n"
)


def test_the_readme_has_the_tables_of_today() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert renewed(text) == text, REPAIR


def test_the_openapi_document_is_the_golden_one() -> None:
    golden = (ROOT / OPENAPI).read_text(encoding="utf-8")
    assert golden == openapi_text(), REPAIR


def test_every_setting_is_in_the_table_and_explained() -> None:
    rows = settings_table(Settings).splitlines()[2:]
    assert [row.split("|")[1].strip() for row in rows] == [
        f"`TOUCHSTONE_{name.upper()}`" for name in Settings.model_fields
    ]
    assert all(row.split("|")[3].strip() for row in rows)
    assert "| `TOUCHSTONE_PORT` | `8000` |" in "\n".join(rows)


def test_the_graders_page_has_the_options_of_today() -> None:
    text = (ROOT / "graders/README.md").read_text(encoding="utf-8")
    assert renewed_graders(text) == text, REPAIR


@pytest.mark.parametrize("name", GRADERS)
def test_every_grader_is_in_the_table_with_every_option_explained(name: str) -> None:
    grader = GRADERS[name]
    (row,) = [row for row in graders_table(GRADERS).splitlines() if row.startswith(f"| [`{name}`]")]
    assert f"(graders/README.md#{name})" in row
    entries = {entry.name: entry for entry in catalogue().graders}
    said = json.dumps(entries[name].options)
    for option, _, meaning in option_rows(grader):
        assert option in row
        assert f'"{option.strip("`")}"' in said
        assert meaning
    page = (ROOT / "graders/README.md").read_text(encoding="utf-8")
    assert f"\n## {name}\n" in page


def test_renewing_replaces_only_what_is_between_the_markers() -> None:
    once = renewed(MARKED)
    assert once.startswith("# T\n<!-- settings -->\n\n| Variable |")
    assert once.endswith("<!-- /graders -->\nend\n")
    assert "old" not in once.splitlines()
    assert renewed(once) == once


@pytest.mark.parametrize("text", ["", "<!-- settings -->\n", MARKED + MARKED])
def test_a_missing_or_doubled_marker_is_named(text: str) -> None:
    with pytest.raises(MarkerMissing, match="<!-- settings -->"):
        renewed(text)
