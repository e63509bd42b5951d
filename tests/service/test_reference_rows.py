"""Rows of datasets as items: which columns are read, and what is said of rows to mend."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest
from pydantic import JsonValue

from graders.contract import Grade, GraderCall, Outcome
from service.reference_report import report
from service.reference_rows import Row, Rows, columns_of, is_empty, read_rows
from service.settings import Settings
from service.validation import ReferenceVerdict

MATH: Final = [GraderCall(name="math")]
BOTH: Final = [GraderCall(name="math"), GraderCall(name="language")]
CODE: Final = [GraderCall(name="code")]

COLUMNS: Final[list[tuple[list[str], list[GraderCall], dict[str, str]]]] = [
    ([], MATH, {"answer": "answer"}),
    (["gold"], MATH, {"answer": "gold"}),
    (["answer"], MATH, {"answer": "answer"}),
    (["answer=a=b"], MATH, {"answer": "a=b"}),
    (["gold", "language=lang"], BOTH, {"answer": "gold", "language": "lang"}),
    (["language"], BOTH, {"answer": "answer", "language": "language"}),
    (["unit"], CODE, {"tests": "unit", "solution": "solution"}),
    (["lang"], [GraderCall(name="language")], {"language": "lang"}),
]


@pytest.mark.parametrize(("texts", "graders", "found"), COLUMNS, ids=range(len(COLUMNS)))
def test_columns(texts: list[str], graders: list[GraderCall], found: dict[str, str]) -> None:
    columns = columns_of(texts, graders)
    assert {key: column.name for key, column in columns.items()} == found


def _read(path: Path, *lines: object, graders: list[GraderCall], columns: list[str]) -> Rows:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return read_rows([path], columns_of(columns, graders), settings=Settings())


def test_rows_hold_what_the_graders_read_and_no_nulls(tmp_path: Path) -> None:
    rows = _read(
        tmp_path / "a.jsonl",
        {"gold": "4", "lang": "en", "question": "?"},
        {"gold": 4, "lang": None},
        {"lang": "en", "gold": "4"},
        ["4"],
        graders=BOTH,
        columns=["gold", "language=lang"],
    )
    assert rows.items == [
        {"reference": {"answer": "4", "language": "en"}},
        {"reference": {"answer": 4}},
    ]
    assert [(row.line, row.item) for row in rows.rows] == [(1, 0), (2, 1), (3, 0), (4, -1)]
    assert "no object" in (rows.rows[3].complaint or "")


def test_a_text_is_read_as_json_where_the_graders_take_no_text(tmp_path: Path) -> None:
    tests: dict[str, JsonValue] = {"hidden": [{"stdin": "", "stdout": "1"}]}
    lines = [{"tests": json.dumps(tests), "solution": "1"}, {"tests": "{no", "solution": "[1]"}]
    rows = _read(tmp_path / "a.jsonl", *lines, graders=CODE, columns=[])
    assert rows.items == [
        {"reference": {"tests": tests, "solution": "1"}},
        {"reference": {"tests": "{no", "solution": "[1]"}},
    ]


def test_a_row_that_has_the_column_is_no_item(tmp_path: Path) -> None:
    line = {"gold": "4", "reference": {"book": "a"}}
    rows = _read(tmp_path / "a.jsonl", line, graders=MATH, columns=["gold"])
    assert rows.items == [{"reference": {"answer": "4"}}]


def test_lines_of_golds_and_of_items(tmp_path: Path) -> None:
    item = {"completion": "x", "reference": {"answer": "5"}, "graders": [{"name": "exact"}]}
    rows = _read(tmp_path / "a.jsonl", "4", 5, ["6", 7], item, graders=MATH, columns=["gold"])
    assert rows.items == [
        {"reference": {"answer": "4"}},
        {"reference": {"answer": 5}},
        {"reference": {"answer": ["6", 7]}},
        {"reference": {"answer": "5"}, "graders": [{"name": "exact"}]},
    ]


@pytest.mark.parametrize("value", ["", " \n", None, [], {}, ["", None], {"answer": " "}])
def test_nothing_is_empty(value: JsonValue) -> None:
    assert is_empty(value)


@pytest.mark.parametrize("value", ["0", 0, False, [0], {"answer": "x", "other": ""}])
def test_something_is_not(value: JsonValue) -> None:
    assert not is_empty(value)


def _verdict(score: float | None, reason: str, **detail: str) -> ReferenceVerdict:
    outcome: Outcome = "ungradable" if score is None else "graded"
    grade = Grade(
        grader="math", version="1", score=score, outcome=outcome, reason=reason,
        detail=dict(detail),
    )  # fmt: skip
    said = "gradable" if score == 1.0 else "ungradable"
    return ReferenceVerdict(id=None, outcome=said, grades=[grade])


REMEDIES: Final[list[tuple[str, ReferenceVerdict, str]]] = [
    ("so 3+4\n#### 7", _verdict(None, "unparsed_gold"), "keep what follows ####, the final answer"),
    ("?!", _verdict(None, "unparsed_gold"), "state the answer alone"),
    ("?!", _verdict(None, "unparsed_gold", message="an open bracket"), "an open bracket; state"),
    ("1, 2", _verdict(0.0, "several_answers"), "wrap what belongs together"),
    ("9^9^9", _verdict(0.0, "too_complex"), "simplify it, or drop the row"),
    ("x", _verdict(0.0, "some_other"), "mend it, or drop the row"),
]


@pytest.mark.parametrize(("gold", "verdict", "words"), REMEDIES, ids=range(len(REMEDIES)))
def test_a_row_is_shown_with_its_remedy(gold: str, verdict: ReferenceVerdict, words: str) -> None:
    rows = Rows([Row(Path("a.jsonl"), 7, 0)], [{"reference": {"answer": gold}}])
    *_, last = report(rows, [verdict], limit=1).splitlines()
    assert last.startswith(f"  a.jsonl:7  {' '.join(gold.split())}  math ")
    assert words in last
    assert "a.jsonl" not in report(rows, [verdict], limit=0)


def test_the_types_are_counted_by_rows() -> None:
    found = [_verdict(1.0, "equivalent", type=kind) for kind in ("set", "number")]
    items: list[dict[str, JsonValue]] = [
        {"reference": {"answer": gold}} for gold in ("{1}", "x" * 99)
    ]
    rows = Rows([Row(Path("a.jsonl"), n + 1, min(n, 1)) for n in range(1_200)], items)
    text = report(rows, [found[0], *[found[1]] * 1_199], limit=9)
    assert text.endswith("\n\ntypes\n  math number  1,199\n  math set         1")
    assert text.startswith("1,200 rows, 2 distinct references\n  gradable          1,200\n")


def test_a_long_gold_is_shortened() -> None:
    rows = Rows([Row(Path("a.jsonl"), 1, 0)], [{"reference": {"answer": "x" * 99}}])
    text = report(rows, [_verdict(0.0, "different")], limit=1)
    assert f"  {'x' * 57}...  math different: " in text
