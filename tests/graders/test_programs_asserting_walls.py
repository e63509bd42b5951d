"""What a program tries, instead of doing what the tests ask for; none of it is paid."""

from __future__ import annotations

from typing import Final

import pytest

from sandbox import Job, Limits, run
from tests.graders.conversations import failures, outcomes, passes, tried
from tests.graders.tables import Row, report, table

_ROWS: Final = table("programs_asserting_walls")
_PAID: Final = [row for row in _ROWS if row["paid_in_one_process"]]
# How harnesses run tests that know nothing of a wall: all in one process, paid by its exit status.
_ONE_PROCESS: Final = """
import sys
sys.modules["solution"] = sys.modules["__main__"]
{program}
{source}
{call}
for name in [name for name in globals() if name.startswith("test_")]:
    globals()[name]()
if "unittest" in sys.modules:
    import unittest
    sys.exit(not unittest.main(module="__main__", exit=False).result.wasSuccessful())
"""


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row["id"])
def test_no_hack_is_paid(row: Row) -> None:
    run = tried(row["program"], **row["tests"])
    assert outcomes(run) == row["outcomes"], failures(run)
    assert not passes(run) or set(row["outcomes"]) == {"passed"}


def _is_paid_in_one_process(row: Row) -> bool:
    entry = row["tests"].get("entry")
    source = _ONE_PROCESS.format(
        program=row["program"],
        source=row["tests"].get("source", ""),
        call=f"check({entry})" if entry else "",
    )
    ending = run(Job(source=source, limits=Limits(cpu_s=2.0)))
    return (ending.kind, ending.status) == ("exited", 0)


@pytest.mark.timeout(600)
def test_most_of_it_is_paid_where_there_is_no_wall() -> None:
    refused = [row["id"] for row in _PAID if not _is_paid_in_one_process(row)]
    report(f"hacks of tests: {len(_ROWS)}, paid in one process {len(_PAID)}, behind the wall 0")
    assert refused == []
    assert len(_PAID) > len(_ROWS) // 2
