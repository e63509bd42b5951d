"""Each tool that `make test` runs catches a planted violation, and passes the tree without it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

import pytest

ROOT: Final = Path(__file__).parents[1]
ROOMS: Final = ("graders", "sandbox", "service", "trainer_client")
BIN: Final = Path(sys.executable).parent
RUFF: Final = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise"]
FORMAT: Final = [sys.executable, "-m", "ruff", "format", "--no-cache", "--check"]
IMPORT_LINTER: Final = [str(BIN / "lint-imports"), "--no-cache"]
# No cache and one small package: what the whole tree costs is paid once, by `make types`.
MYPY: Final = [sys.executable, "-m", "mypy", "--no-incremental", "-p", "graders"]
PYTEST: Final = [sys.executable, "-m", "pytest", "-p", "tests.no_skips", "-p", "no:cacheprovider"]
LONG_FUNCTION: Final = "def long() -> int:\n    a = 0\n" + "    a += 1\n" * 40 + "    return a\n"
LADDER: Final = "".join(f"    if n == {n}:\n        m += n\n" for n in range(10))


class Plant(NamedTuple):
    """Lines added at the end of a file (made where it is not there), and what the tool says."""

    path: str
    text: str
    says: str


class Outcome(NamedTuple):
    """How a tool ended."""

    status: int
    text: str


def _run(command: list[str], *, cwd: Path, ci: bool = False) -> Outcome:
    # The tools are not what coverage measures here, and CI's own variable is what is tested.
    kept = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE") and k != "CI"}
    env = kept | ({"CI": "true"} if ci else {})
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    return Outcome(done.returncode, done.stdout + done.stderr)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the four rooms and their rules."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def _plant(tree: Path, plant: Plant) -> None:
    path = tree / plant.path
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write("\n\n" + plant.text + "\n")


@pytest.mark.parametrize("command", [RUFF, FORMAT, IMPORT_LINTER], ids=["ruff", "format", "arch"])
def test_the_copy_passes_as_it_is(command: list[str], tree: Path) -> None:
    outcome = _run(command, cwd=tree)
    assert outcome.status == 0, outcome.text


RUFF_PLANTS: Final = [
    Plant("graders/contract.py", "import subprocess", "TID251"),
    Plant("service/app.py", "import os\nKEY = os.environ['KEY']", "TID251"),
    Plant("service/app.py", "from os import getenv", "TID251"),
    Plant("trainer_client/client.py", "from . import wire", "TID252"),
    Plant("graders/contract.py", "print(1)", "T201"),
    Plant("graders/contract.py", "assert True", "S101"),
    Plant("graders/contract.py", "try:\n    pass\nexcept Exception:\n    pass", "BLE001"),
    Plant("graders/contract.py", "x = eval('1')", "S307"),
    Plant("graders/contract.py", LONG_FUNCTION, "PLR0915"),
    Plant("graders/contract.py", f"def f(n: int) -> int:\n    m = 0\n{LADDER}    return m", "C901"),
    Plant("graders/contract.py", "def Shout() -> None: ...", "N802"),
    Plant("graders/contract.py", "# x = 1", "ERA001"),
    Plant("service/app.py", "import time\nasync def f() -> None:\n    time.sleep(1)", "ASYNC251"),
    Plant("service/app.py", "x = open('f')", "PTH123"),
    Plant("random.py", "x = 1", "A005"),
    Plant("graders/contract.py", "x: int = ''  # type: ignore", "PGH003"),
]


@pytest.mark.parametrize("plant", RUFF_PLANTS, ids=lambda plant: plant.says)
def test_ruff_catches(plant: Plant, tree: Path) -> None:
    _plant(tree, plant)
    outcome = _run(RUFF, cwd=tree)
    assert outcome.status == 1, outcome.text
    assert re.search(rf"^{plant.path}:\d+:\d+: {plant.says} ", outcome.text, re.MULTILINE)


def test_ruff_format_catches(tree: Path) -> None:
    _plant(tree, Plant("graders/contract.py", "x = {  'a':1 }", ""))
    outcome = _run(FORMAT, cwd=tree)
    assert outcome.status == 1
    assert "graders/contract.py" in outcome.text


ARCH_PLANTS: Final = [
    Plant("graders/contract.py", "import service", "service -> graders -> sandbox"),
    Plant("sandbox/contract.py", "import graders", "service -> graders -> sandbox"),
    Plant("sandbox/calls.py", "from service.settings import Settings", "service -> graders"),
    Plant("graders/new_grader.py", "x = 1", "Inside graders"),
    Plant("graders/exact.py", "from graders.math_answers import MathGrader", "Inside graders"),
    Plant("graders/contract.py", "from graders import extract", "Inside graders"),
    Plant("graders/extract/phrases.py", "from graders.registry import GRADERS", "Inside graders"),
    Plant("service/grading.py", "from sandbox import calls", "The sandbox is entered by its door"),
    Plant("graders/contract.py", "import sandbox.zygote", "The sandbox is entered by its door"),
    Plant("trainer_client/wire.py", "import graders", "trainer_client imports no other room"),
    Plant("trainer_client/wire.py", "import service.app", "trainer_client imports no other room"),
    Plant("service/app.py", "import trainer_client", "No other room imports trainer_client"),
    Plant("sandbox/contract.py", "import redis", "The rooms below the service"),
    Plant("graders/contract.py", "from fastapi import FastAPI", "The rooms below the service"),
]


@pytest.mark.parametrize("plant", ARCH_PLANTS, ids=lambda plant: f"{plant.path}-{plant.text}")
def test_import_linter_catches(plant: Plant, tree: Path) -> None:
    _plant(tree, plant)
    outcome = _run(IMPORT_LINTER, cwd=tree)
    assert outcome.status == 1, outcome.text
    assert re.search(rf"^{re.escape(plant.says)}.* BROKEN$", outcome.text, re.MULTILINE)


MYPY_CLEAN: Final = '''"""A grader."""

from pydantic import BaseModel, ConfigDict


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")

    strict: bool = True


def length(text: str, options: Options) -> int:
    return len(text) if options.strict else 0
'''
MYPY_PLANTED: Final = [
    ("def untyped(text): return text", "no-untyped-def"),
    ("def bare(names: list) -> None: ...", "type-arg"),
    ("wrong: int = ''", "assignment"),
    ("quiet: int = ''  # type: ignore", "ignore-without-code"),
    ("idle: int = 1  # type: ignore[assignment]", "unused-ignore"),
    ("options = Options(strict=True, colour=1)", "call-arg"),
    ("def dead(n: int) -> int:\n    return 1\n    return n", "unreachable"),
    ("if length('', Options()):\n    late = 1\nlater = late", "possibly-undefined"),
    ("def sure(n: int) -> bool:\n    return isinstance(n, int) and n > 1", "redundant-expr"),
]


def test_mypy_passes_a_clean_package_and_catches_each_planted_error(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    module = tmp_path / "graders" / "__init__.py"
    module.parent.mkdir()
    module.write_text(MYPY_CLEAN, encoding="utf-8")
    clean = _run(MYPY, cwd=tmp_path)
    assert clean.status == 0, clean.text
    planted = "\n".join(line for line, _ in MYPY_PLANTED)
    module.write_text(f"{MYPY_CLEAN}\n\n{planted}\n", encoding="utf-8")
    outcome = _run(MYPY, cwd=tmp_path)
    assert outcome.status == 1, outcome.text
    assert [code for _, code in MYPY_PLANTED if f"[{code}]" not in outcome.text] == []


SKIPPED: Final = "import pytest\ndef test_a(): pass\n@pytest.mark.skip\ndef test_b(): pass\n"


@pytest.mark.parametrize(("ci", "status"), [(True, 1), (False, 0)])
def test_a_skipped_test_fails_ci_alone(tmp_path: Path, ci: bool, status: int) -> None:
    (tmp_path / "test_it.py").write_text(SKIPPED, encoding="utf-8")
    outcome = _run([*PYTEST, "--rootdir", str(tmp_path), str(tmp_path)], cwd=ROOT, ci=ci)
    assert outcome.status == status, outcome.text
    assert ("CI: 1 skipped" in outcome.text) is ci


def test_without_skips_ci_passes(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_a(): pass\n", encoding="utf-8")
    outcome = _run([*PYTEST, "--rootdir", str(tmp_path), str(tmp_path)], cwd=ROOT, ci=True)
    assert outcome.status == 0, outcome.text


MEASURED: Final = "def f(n: int) -> int:\n    if n:\n        return 1\n    return 0\n"
MEASURES: Final = """
import subprocess, sys
import graders
if sys.argv[1:]:
    graders.f(1)
else:
    subprocess.run([sys.executable, __file__, "child"], check=True)
"""


def test_coverage_counts_child_processes_and_holds_the_floor(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "graders").mkdir()
    (tmp_path / "graders" / "__init__.py").write_text(MEASURED, encoding="utf-8")
    (tmp_path / "measures.py").write_text(MEASURES, encoding="utf-8")
    coverage = [sys.executable, "-m", "coverage"]
    assert _run([*coverage, "run", "measures.py"], cwd=tmp_path).status == 0
    assert _run([*coverage, "combine"], cwd=tmp_path).status == 0
    outcome = _run([*coverage, "report"], cwd=tmp_path)
    # Four lines and two branches; the child took one branch, and nobody the last line.
    assert re.search(r"^graders/__init__.py +4 +1 +2 +1 +67% +4$", outcome.text, re.MULTILINE)
    assert outcome.status == 2, outcome.text


def test_every_recipe_is_a_shell_script() -> None:
    # An apostrophe in what a step says of itself once ended `make bench` before it began.
    listed = subprocess.run(["make", "help"], capture_output=True, text=True, check=True, cwd=ROOT)
    targets = set(re.findall(r"^make (\S+)", listed.stdout, re.MULTILINE))
    assert targets >= {"bench", "demo", "serve", "test"}
    # Two scripts that call make are carried out even where make is told not to.
    for target in targets - {"lock", "test"}:
        recipe = subprocess.run(
            ["make", "--dry-run", "--no-print-directory", target],
            capture_output=True, text=True, check=True, cwd=ROOT,
        )  # fmt: skip
        read = subprocess.run(
            ["sh", "-n"], input=recipe.stdout, capture_output=True, text=True, check=False
        )
        assert read.returncode == 0, f"make {target}: {read.stderr}"
