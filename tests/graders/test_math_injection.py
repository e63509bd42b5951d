"""Text of a policy is never turned into code: not here, not in the child, not in a gold."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.graders.tables import table

_ROOT = Path(__file__).resolve().parents[2]
_FORBIDDEN = frozenset(("eval", "exec", "sympify", "parse_expr", "compile", "__import__"))


# Any: what the program prints.
@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the hostile answers did, in a process of its own."""
    folder = tmp_path_factory.mktemp("injected")
    command = [sys.executable, "-m", "tests.graders.injected", str(folder)]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1]) | {"left": [p.name for p in folder.iterdir()]}


def test_no_payload_leaves_a_file(graded: Any) -> None:
    assert graded["graded"] == len(table("math_injection"))
    assert graded["left"] == []


def test_no_payload_makes_this_process_run_or_write_anything(graded: Any) -> None:
    assert graded["here"] == []


def test_no_payload_is_compiled_where_the_child_would_be(graded: Any) -> None:
    assert graded["child"] == []


def test_no_payload_is_paid(graded: Any) -> None:
    assert graded["paid"] == []


@pytest.mark.parametrize("folder", ["graders/math_answers", "graders/extract"])
def test_nothing_that_evaluates_text_is_called(folder: str) -> None:
    found = [
        f"{path.relative_to(_ROOT)}:{line} {name}"
        for path in sorted((_ROOT / folder).rglob("*.py"))
        for line, name in _calls(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found


def _calls(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name.rpartition(".")[2] in _FORBIDDEN and name != "re.compile":
                yield node.lineno, name
