"""The grader `run`: what one run of a program came to, told in full."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from graders.contract import Grade, ToolingGrader
from graders.programs.offers import Offer, offered
from graders.programs.single.asking import MOST_OUTPUT_BYTES
from graders.registry import GRADERS
from tests.graders.tables import Row, table

RUN = GRADERS["run"]


# Any: JSON, here and below.
def _graded(program: str, reference: Any = None, options: Any = None) -> Grade:
    return RUN.grade(
        program,
        RUN.Reference.model_validate(reference or {}),
        RUN.Options.model_validate(options or {}),
    )


def _of_row(row: Row) -> Grade:
    return _graded(row["program"], row.get("reference"), row.get("options"))


@pytest.mark.parametrize("row", table("programs_run"), ids=lambda row: row["id"])
def test_a_run_is_told(row: Row) -> None:
    grade = _of_row(row)
    assert grade.reason == row["reason"]
    told = {name: grade.detail[name] for name in row["detail"]}
    assert told == row["detail"]


@pytest.mark.parametrize("row", table("programs_run_compiled"), ids=lambda row: row["id"])
def test_a_compiler_is_told_apart(row: Row) -> None:
    language = row["reference"]["language"]
    if not offered(language).serves:
        pytest.skip(f"no {language} here")
    grade = _of_row(row)
    assert grade.reason == row["reason"]
    compiler = grade.detail["compile"]
    assert isinstance(compiler, dict)
    assert {name: compiler[name] for name in row["compile"]} == row["compile"]
    assert {name: grade.detail[name] for name in row["detail"]} == row["detail"]
    if grade.score == 0:
        assert grade.detail["message"]


@pytest.mark.parametrize(
    "row", [*table("programs_run"), *table("programs_run_compiled")], ids=lambda row: row["id"]
)
def test_the_tables_hold_every_reason_but_ours(row: Row) -> None:
    assert row["reason"] in RUN.reasons


def test_only_the_exit_status_0_is_paid() -> None:
    assert _graded("print(1)").score == 1.0
    assert _graded("1 / 0").score == 0.0


def test_a_flood_is_told_in_part() -> None:
    grade = _graded("print('x' * 2**21)", {"limits": {"output_bytes": 2**20}})
    assert grade.reason == "output"
    assert len(str(grade.detail["stdout"])) == 2**16


def test_what_stays_below_the_limit_is_told_whole() -> None:
    grade = _graded("print('x' * 2**21, end='')", {"limits": {"output_bytes": 2**21}})
    assert grade.detail["stdout"] == "x" * 2**21


def test_files_are_fetched_up_to_a_limit() -> None:
    program = "open('a', 'wb').write(bytes(2**22))\nopen('b', 'wb').write(b'1')"
    grade = _graded(program, {"fetch_files": ["b", "a"]})
    assert grade.detail["files"] == {"b": "MQ=="}
    assert grade.detail["unfetched"] == {"a": "too_large"}


@pytest.mark.parametrize(
    ("reference", "named"),
    [
        ({"language": "ruby"}, "language"),
        ({"files": {"/etc/passwd": ""}}, "files"),
        ({"files": {"../x": ""}}, "files"),
        ({"files": {"a//b": ""}}, "files"),
        ({"files": {"x" * 256: ""}}, "files"),
        ({"files": {"a": "*"}}, "files"),
        ({"files": {f"f{n}": "" for n in range(201)}}, "files"),
        ({"fetch_files": ["a/../b"]}, "fetch_files"),
        ({"fetch_files": ["a\0"]}, "fetch_files"),
        ({"limits": {"output_bytes": MOST_OUTPUT_BYTES + 1}}, "output_bytes"),
        ({"compile_s": 31}, "compile_s"),
    ],
)
def test_a_reference_that_cannot_be_run_is_refused_by_name(reference: Any, named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        RUN.Reference.model_validate(reference)


def test_the_limits_themselves_are_allowed() -> None:
    reference = {
        "files": {"x" * 255: "", **{f"f{n}": "" for n in range(199)}},
        "limits": {"output_bytes": MOST_OUTPUT_BYTES},
        "compile_s": 30,
    }
    RUN.Reference.model_validate(reference)


def test_an_absent_toolchain_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = Offer(language="rust", serves=False, note="no rustc", remedy="install it")
    monkeypatch.setattr("graders.programs.builds.offered", lambda _: absent)
    grade = _graded("fn main() {}", {"language": "rust"})
    assert (grade.score, grade.outcome, grade.reason) == (None, "failed", "toolchain_absent")
    assert "install it" in str(grade.detail["message"])


def test_equal_code_is_run_once_at_a_time() -> None:
    whole, block = RUN.Options(), RUN.Options.model_validate({"extract": "last_block"})
    one, other = "A\n```python\nprint(1)\n```", "B\n```python\nprint(1)\n```"
    assert RUN.essence(one, whole) != RUN.essence(other, whole)
    assert RUN.essence(one, block) == RUN.essence(other, block)
    assert RUN.essence("<think>", block) == "unfinished"


def test_its_grades_are_not_kept() -> None:
    assert not isinstance(RUN, ToolingGrader)


def test_any_reference_that_can_be_read_is_valid() -> None:
    grade = RUN.validate(RUN.Reference(), RUN.Options())
    assert (grade.score, grade.flags) == (1.0, ["no_solution"])
    assert RUN.lowest(RUN.Options()) == 0.0
