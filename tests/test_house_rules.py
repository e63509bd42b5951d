"""The house rules hold here, and each catches what it is for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.house_rules import RULES, findings

ROOT: Final = Path(__file__).parents[1]
DOC: Final = '"""A module."""\n\n__all__ = []\n'


class Plant(NamedTuple):
    """A file that breaks one rule, or comes close and must pass."""

    rule: str
    path: str
    text: str
    caught: bool = True


def _function(lines: int) -> str:
    return DOC + "\n\n@print_free\ndef long() -> None:\n" + "    pass\n" * (lines - 1)


def _handler(caught: str, body: str = "pass") -> str:
    return DOC + f"\ntry:\n    pass\nexcept {caught}:\n    {body}\n"


PLANTS: Final = [
    Plant("file-length", "graders/a.py", DOC + "#\n" * 298),
    Plant("file-length", "graders/a.py", DOC + "#\n" * 297, caught=False),
    Plant("file-length", "tests/graders/test_a.py", DOC + "#\n" * 298),
    Plant("function-length", "service/a.py", _function(41)),
    Plant("function-length", "service/a.py", _function(40), caught=False),
    Plant("function-length", "bench/a.py", _function(41)),
    Plant("exports", "service/a.py", '"""A module."""\n'),
    Plant("exports", "service/a.py", '__all__ = ["gone"]\n'),
    Plant("exports", "service/a.py", "names = []\n__all__ = names\n"),
    Plant("exports", "service/a.py", '__all__ = ["os"]\nimport os\n', caught=False),
    Plant("exports", "service/a.py", '__all__ = ["f"]\ndef f(): ...\n', caught=False),
    Plant("exports", "service/a.py", '__all__ = ["X"]\nX: int = 1\n', caught=False),
    Plant("exports", "service/b/__init__.py", '"""A room."""\n', caught=False),
    Plant("exports", "service/b/__init__.py", "from service import a\n"),
    Plant("exports", "service/__main__.py", "import service\n", caught=False),
    Plant("exports", "tests/test_a.py", "", caught=False),
    Plant("module-names", "graders/utils.py", DOC),
    Plant("module-names", "tests/http_helpers.py", DOC),
    Plant("module-names", "service/common/a.py", DOC),
    Plant("module-names", "graders/math/__init__.py", DOC),
    Plant("module-names", "service/queue.py", DOC),
    Plant("module-names", "bench/math.py", DOC, caught=False),
    Plant("module-names", "graders/math_answers.py", DOC, caught=False),
    Plant("print", "graders/a.py", DOC + 'print("x")\n'),
    Plant("print", "tests/a.py", DOC + "say = print\n"),
    Plant("print", "graders/a.py", DOC + 'text = "print(1)"\n', caught=False),
    Plant("print", "service/cli.py", DOC + 'print("x")\n', caught=False),
    Plant("print", "bench/a.py", DOC + 'print("x")\n', caught=False),
    Plant("broad-except", "service/a.py", _handler("Exception")),
    Plant("broad-except", "service/a.py", _handler("(ValueError, BaseException) as error")),
    Plant("broad-except", "service/a.py", _handler("builtins.Exception")),
    Plant("broad-except", "service/a.py", _handler("").replace(" :", ":")),
    Plant("broad-except", "service/a.py", _handler("Exception", "raise Other from None")),
    Plant("broad-except", "service/a.py", DOC + "with suppress(Exception): pass\n"),
    Plant("broad-except", "service/a.py", _handler("BaseException", "raise"), caught=False),
    Plant("broad-except", "service/a.py", _handler("ExceptionGroup"), caught=False),
    Plant("broad-except", "service/grading.py", _handler("Exception"), caught=False),
    Plant("broad-except", "service/grading.py", _handler("Exception") * 2),
    Plant("environment", "sandbox/a.py", DOC + "import os\nx = os.environ.get('X')\n"),
    Plant("environment", "trainer_client/a.py", DOC + "import os\nx = os.getenv('X')\n"),
    Plant("environment", "service/a.py", DOC + "from os import environ\n"),
    Plant("environment", "service/settings.py", DOC + "from os import environ\n", caught=False),
    Plant("environment", "service/a.py", DOC + "import os\nx = os.getpid()\n", caught=False),
    Plant("evaluation", "sandbox/a.py", DOC + "import pickle\n"),
    Plant("evaluation", "sandbox/a.py", DOC + "from marshal import loads\n"),
    Plant("evaluation", "graders/a.py", DOC + "x = eval('1')\n"),
    Plant("evaluation", "graders/a.py", DOC + "import builtins\nbuiltins.exec('1')\n"),
    Plant("evaluation", "graders/a.py", DOC + "import sympy as s\nx = s.sympify('1')\n"),
    Plant("evaluation", "graders/a.py", DOC + "from sympy.parsing import parse_expr\n"),
    Plant("evaluation", "graders/a.py", DOC + "import re\nx = re.compile('1')\n", caught=False),
    Plant("evaluation", "tests/a.py", DOC + "import pickle\n", caught=False),
    Plant("notes", "trainer_client/a.py", DOC + "# TO" + "DO: later\n"),
    Plant("notes", "trainer_client/a.py", DOC + "METHODOLOGY = 1\n", caught=False),
]


@pytest.mark.parametrize("rule", RULES)
def test_the_rule_holds(rule: str) -> None:
    assert findings(ROOT, [rule]) == []


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant.rule}-{plant.path}")
def test_a_rule_catches_just_what_it_is_for(plant: Plant, tmp_path: Path) -> None:
    path = tmp_path / plant.path
    path.parent.mkdir(parents=True)
    path.write_text(plant.text, encoding="utf-8")
    found = findings(tmp_path)
    assert [line.split(": ")[1] for line in found] == [plant.rule] * plant.caught
    assert all(line.startswith(f"{plant.path}:") for line in found)


def test_every_rule_is_shown_to_catch_and_to_let_pass() -> None:
    assert {plant.rule for plant in PLANTS if plant.caught} == set(RULES)
    assert {plant.rule for plant in PLANTS if not plant.caught} == set(RULES)


def test_every_make_target_is_documented() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z-]+):(?!=)(.*)$", makefile, re.MULTILINE)
    assert [name for name, rest in targets if " ## " not in rest] == []
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony.split() == [name for name, _ in targets]


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", readme, re.DOTALL))
    named = {word for line in re.findall(r"\bmake((?: [a-z]+)+)", code) for word in line.split()}
    assert {"serve", "test"} <= named
    assert named <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
