"""Whole tasks through the code grader: every solution passes, and every wrong program fails."""

from __future__ import annotations

from typing import Final, NamedTuple

import pytest

from graders.contract import Grade
from graders.programs.offers import offered
from graders.programs.tasks import LanguageName
from graders.registry import GRADERS
from tests.graders.tables import Row, table

_TABLES: Final = ("programs_asserts", "programs_function", "programs_stdio")
_LANGUAGES: Final[tuple[LanguageName, ...]] = (
    "python",
    "c",
    "cpp",
    "javascript",
    "typescript",
    "java",
    "go",
    "rust",
    "bash",
)
_LEAST_TASKS: Final = {
    "programs_asserts": 24,
    "programs_function": 12,
    "programs_stdio": 12,
    "programs_languages": 3,
}


class _Task(NamedTuple):
    """A task in one language, with a program that solves it and some that do not."""

    name: str
    tests: Row
    solution: str
    mutants: list[str]
    language: LanguageName = "python"


def _tasks() -> list[_Task]:
    rows = [row for name in _TABLES for row in table(name)]
    return [_Task(row["id"], row["tests"], row["solution"], row["mutants"]) for row in rows]


def _tasks_of_languages() -> list[_Task]:
    return [
        _Task(
            name=f"{row['id']}-{language}",
            tests=row["tests"] | {"language": language},
            solution=row["solutions"][language],
            mutants=row["mutants"][language],
            language=language,
        )
        for row in table("programs_languages")
        for language in _LANGUAGES
    ]


_TASKS: Final = [*_tasks(), *_tasks_of_languages()]
_MUTANTS: Final = [(task, number) for task in _TASKS for number in range(len(task.mutants))]


@pytest.mark.parametrize("task", _TASKS, ids=lambda task: task.name)
def test_a_solution_passes(task: _Task) -> None:
    grade = _graded(task, task.solution)
    assert (grade.outcome, grade.score, grade.reason) == ("graded", 1.0, "passed"), grade


@pytest.mark.parametrize("task", _TASKS, ids=lambda task: task.name)
def test_a_task_is_valid(task: _Task) -> None:
    _require(task.language)
    grader = GRADERS["code"]
    reference = {"tests": task.tests, "solution": task.solution}
    grade = grader.validate(grader.Reference.model_validate(reference), grader.Options())
    assert (grade.outcome, grade.score) == ("graded", 1.0), grade


@pytest.mark.parametrize(
    ("task", "number"), _MUTANTS, ids=[f"{task.name}-{number}" for task, number in _MUTANTS]
)
def test_a_mutant_fails(task: _Task, number: int) -> None:
    grade = _graded(task, task.mutants[number])
    assert (grade.outcome, grade.reason != "passed") == ("graded", True), grade
    assert grade.score is not None
    assert grade.score < 1.0, grade
    if task.tests.get("scoring", "all") == "all":
        assert grade.score == 0.0, grade


@pytest.mark.parametrize("name", _LEAST_TASKS)
def test_a_table_is_whole(name: str) -> None:
    rows = table(name)
    assert len(rows) >= _LEAST_TASKS[name]
    assert len({row["id"] for row in rows}) == len(rows)
    for row in rows:
        assert row["source"] == "own"
        if name == "programs_languages":
            assert set(row["solutions"]) == set(row["mutants"]) == set(_LANGUAGES)
            assert min(map(len, row["mutants"].values())) >= 2
        else:
            assert len(set(row["mutants"]) - {row["solution"]}) == 5


def _graded(task: _Task, program: str) -> Grade:
    _require(task.language)
    grader = GRADERS["code"]
    reference = {"tests": task.tests, "solution": task.solution}
    return grader.grade(
        f"```{task.language}\n{program}\n```",
        grader.Reference.model_validate(reference),
        grader.Options(),
    )


def _require(language: LanguageName) -> None:
    offer = offered(language)
    if not offer.serves:
        pytest.skip(f"{language} is not served here: {offer.note}")
