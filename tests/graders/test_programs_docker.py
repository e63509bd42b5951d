"""The code grader with the docker sandbox: the same verdicts from containers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox import SandboxOptions, close_runs, open_runs
from tests.graders.programs import grade
from tests.sandbox.docker_daemon import unusable

STDIO: dict[str, Any] = {"hidden": [{"stdin": "1 2\n", "stdout": "3\n"}]}
FUNCTION: dict[str, Any] = {
    "mode": "function",
    "entry": "f",
    "hidden": [{"args": [3], "expected": {"$tuple": [1, 3]}}],
}
ASSERTS: dict[str, Any] = {
    "mode": "asserts",
    "entry": "f",
    "source": "def check(candidate):\n    assert candidate(3) == 4\n",
}
ABSENT = STDIO | {"language": "rust"}

GRADES: list[tuple[dict[str, Any], str, float | None, str]] = [
    (STDIO, "print(sum(map(int, input().split())))", 1.0, "passed"),
    (STDIO, "print(4)", 0.0, "wrong_answer"),
    (FUNCTION, "def f(x): return (1, x)", 1.0, "passed"),
    (FUNCTION, "def f(x): return [1, x]", 0.0, "wrong_answer"),
    (ASSERTS, "def f(x): return x + 1", 1.0, "passed"),
    (ASSERTS, "import os\ndef f(x): os._exit(0)", 0.0, "crashed"),
    (ABSENT, "fn main() {}", None, "toolchain_absent"),
]


@pytest.fixture(scope="module", autouse=True)
def containers() -> Iterator[None]:
    why = unusable()
    if why:
        pytest.skip(why)
    open_runs(SandboxOptions(backend="docker", policy="pooled"))
    yield
    close_runs()


@pytest.mark.parametrize(("tests", "program", "score", "reason"), GRADES)
def test_containers_give_the_same_verdicts(
    tests: dict[str, Any], program: str, score: float | None, reason: str
) -> None:
    found = grade(program, tests)
    assert (found.score, found.reason) == (score, reason)
