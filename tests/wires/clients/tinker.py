"""tinker-cookbook's own SandboxFusion client, and its code grader, which is built on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from tests.wires.peers import bare, loaded, peer, stand_in

__all__ = ["Ran", "check", "run"]


class Ran(NamedTuple):
    """What the client makes of an answer; every failure is `passed=False` and an `error`."""

    passed: bool
    answer: dict[str, Any]


@cache
def _sandboxfusion() -> ModuleType:
    file = _package() / "sandbox" / "sandboxfusion.py"
    return loaded(file, "tinker_cookbook.sandbox.sandboxfusion")


@cache
def _grading() -> ModuleType:
    package = _package()
    recipe = package / "recipes" / "code_rl"
    stubs = [
        stand_in("chz"),
        bare("tinker_cookbook", package),
        bare("tinker_cookbook.recipes", package / "recipes"),
        bare("tinker_cookbook.recipes.code_rl", recipe),
    ]
    return loaded(recipe / "code_grading.py", "tinker_cookbook.recipes.code_rl.code_grading", stubs)


def _package() -> Path:
    return peer("tinker-cookbook") / "tinker_cookbook"


async def run(
    url: str, code: str, *, files: Mapping[str, str], timeout_s: float, language: str = "python"
) -> Ran:
    """`SandboxFusionClient.run` of a program and the files beside it."""
    client = _sandboxfusion().SandboxFusionClient(url)
    try:
        return Ran(*await client.run(code, dict(files), timeout_s, language))
    finally:
        await client.close()


async def check(
    url: str, generation: str, *, tests: Sequence[Mapping[str, object]], timeout_s: int = 6
) -> Ran:
    """`sandbox_check_correctness` of its `code_rl` recipe: all tests in one program of its own.

    A test is `{"input", "output", "testtype": "stdin_stdout" | "functional", "metadata"}`; the
    program imports numpy.
    """
    grading = _grading()
    client = grading.SandboxFusionClient(url)
    vars(grading)["_sandboxfusion_client"] = client
    try:
        return Ran(*await grading.sandbox_check_correctness([*tests], generation, timeout_s))
    finally:
        await client.close()
