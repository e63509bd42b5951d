"""Gates for programs: the battery, and the corpus where it lies beside the checkout."""

from __future__ import annotations

from typing import Any, Final

import pytest

from graders.contract import Grade
from graders.programs.options import CodeOptions
from graders.programs.tasks import CodeReference
from tests.graders.battery import BATTERY, Row, item_of
from tests.graders.programs import GRADER, grade
from tests.graders.tables import report, shared_rows

# What the corpus says in words, as a checker program.
_CHECKERS: Final = {
    "a*b == n": """
def check(stdin, stdout, expected):
    n, tokens = int(stdin), stdout.split()
    if len(tokens) != 2 or not all(t.isascii() and t.isdecimal() for t in tokens):
        return False
    a, b = map(int, tokens)
    return a * b == n and 1 < a <= b < n
"""
}


@pytest.mark.parametrize("row", BATTERY, ids=[row.name for row in BATTERY])
def test_the_battery_is_judged_right(row: Row) -> None:
    item = item_of(row)
    reference = CodeReference.model_validate(item["reference"])
    found = GRADER.grade(str(item["completion"]), reference, CodeOptions())
    assert (found.outcome, found.score) == ("graded", float(row.passes)), found.reason


@pytest.mark.timeout(600)
def test_no_known_hack_is_paid_and_no_honest_program_refused() -> None:
    rows = [row for row in shared_rows("corpus/hacks.jsonl") or [] if row["grader"] == "code"]
    wrong = {row["id"]: _graded(row).reason for row in rows if _is_wrong(row)}
    report(f"programs: {len(rows)} rows, wrong {wrong}")
    assert not wrong


def test_honest_programs_are_paid_in_the_sandbox() -> None:
    rows = [row for row in shared_rows("corpus/hacks.jsonl") or [] if row["grader"] == "sandbox"]
    honest = [row for row in rows if row["honest"]]
    wrong = {row["id"]: _graded(row).reason for row in honest if _is_wrong(row)}
    report(f"honest programs of the sandbox: {len(honest)} rows, wrong {wrong}")
    assert not wrong


# Any: a row of the corpus.
def _is_wrong(row: dict[str, Any]) -> bool:
    found = _graded(row)
    return (found.outcome, found.score) != ("graded", float(row["honest"]))


def _graded(row: dict[str, Any]) -> Grade:
    task = dict(row["task"])
    tests = {
        "public": task.pop("public_tests", []),
        "hidden": task.pop("hidden_tests", []),
        **{name: value for name, value in task.items() if name in _KEYS},
    }
    if "checker" in tests:
        words = next(start for start in _CHECKERS if tests["checker"].startswith(start))
        tests["checker"] = {"source": _CHECKERS[words]}
    return grade(row["completion"], tests)


_KEYS: Final = ("language", "mode", "entry", "compare", "limits", "checker")
