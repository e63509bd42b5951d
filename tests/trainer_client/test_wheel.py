"""The wheel as a trainer installs it: only the client, typed, licensed, importing nothing else."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement

from tests.live import LiveService

ROOT = Path(__file__).parents[2]

_IMPORT = """
import json, sys
import trainer_client
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""

_USE = """
import asyncio, sys
from trainer_client import Client, RemoteReward

four = {"reference": {"answer": "4"}}
items = [{"completion": r"\\boxed{4}", **four}, {"completion": r"\\boxed{5}", **four}]
with Client(sys.argv[1]) as touchstone:
    rewards = [verdict.reward for verdict in touchstone.grade(items, [{"name": "math"}])]
remote = RemoteReward(sys.argv[1], [{"name": "math"}], columns={"answer": "gold"})
print(rewards, asyncio.run(remote(completions=[r"\\boxed{4}"] * 2, gold=["4", None])))
"""

_TYPED = """
from __future__ import annotations

from trainer_client import AsyncClient, Client, RemoteReward, TooManyFailures


def graded(client: Client) -> list[float | None]:
    verdicts = client.grade([{"completion": "4"}], [{"name": "math", "weight": 2.0}])
    flags: tuple[str, ...] = verdicts[0].grades[0].flags
    reward: float = verdicts[0].reward  # wrong
    client.grade([{"completion": "4"}], deadline="soon")  # wrong
    print(flags, reward, client.verdicts)  # wrong
    return [verdict.reward for verdict in verdicts]


async def rewarded(client: AsyncClient) -> list[float | None]:
    reward = RemoteReward("http://127.0.0.1:8000", [{"name": "math"}], on_failure="none")
    RemoteReward("http://127.0.0.1:8000", [{"name": "math"}], on_failure="zero")  # wrong
    try:
        return await reward(completions=["4"], answer=["4"])
    except TooManyFailures as error:
        print(error, await client.ready())
        return []
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(out), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built


def test_it_holds_the_client_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    sources = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "trainer_client").rglob("*")
        if path.suffix == ".py" or path.name == "py.typed"
    }
    assert "trainer_client/py.typed" in sources
    info = wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info"
    assert names == sources | {
        f"{info}/METADATA",
        f"{info}/WHEEL",
        f"{info}/RECORD",
        f"{info}/licenses/LICENSE",
    }


def test_it_requires_httpx_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        metadata = Parser().parsestr(archive.read(path).decode())
    required = [one for one in metadata.get_all("Requires-Dist", []) if "extra ==" not in one]
    assert metadata["Name"] == "touchstone-rewards"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert [one.partition(">")[0].partition("<")[0] for one in required] == ["httpx"]


class Environment(NamedTuple):
    """An environment with the wheel and what it requires, and nothing else."""

    python: Path
    project: Path
    """Somebody's folder, with a folder of a name that is ours here."""

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.python), "-Es", *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=self.project
        )


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Made of the packages that are here, so that no index is needed."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    (packages,) = (folder / "venv").glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(packages)
    for name in _closure({"httpx"}):
        for file in importlib.metadata.files(name) or ():
            top = Path(str(file.locate())).parents[len(file.parts) - 1] / file.parts[0]
            if file.parts[0] not in {"..", "__pycache__"} and not (packages / top.name).exists():
                (packages / top.name).symlink_to(top)
    project = folder / "project"
    (project / "graders").mkdir(parents=True)
    (project / "graders" / "__init__.py").write_text("raise RuntimeError('somebody's own')\n")
    return Environment(python, project)


def _closure(names: set[str]) -> set[str]:
    """The packages and all that they require here."""
    found: set[str] = set()
    while names:
        name = names.pop()
        found.add(name)
        required = (Requirement(one) for one in importlib.metadata.requires(name) or ())
        wanted = {one.name for one in required if one.marker is None or one.marker.evaluate()}
        names |= {one for one in wanted if one not in found}
    return found


def test_alone_it_imports_with_httpx_only(installed: Environment) -> None:
    done = installed.run("-c", _IMPORT)
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout))
    assert {"trainer_client", "httpx"} <= loaded
    assert not {"graders", "sandbox", "service", "pydantic", "redis", "torch", "trl"} & loaded


def test_alone_it_grades_and_rewards(installed: Environment, live: LiveService) -> None:
    done = installed.run("-c", _USE, live.url)
    assert (done.stdout, done.returncode) == ("[1.0, 0.0] [1.0, None]\n", 0), done.stderr


def test_alone_it_curates(installed: Environment, live: LiveService) -> None:
    (installed.project / "in.jsonl").write_text(
        '{"prompt": "p", "completion": "\\\\boxed{4}", "answer": "4"}\n'
        '{"prompt": "p", "completion": "\\\\boxed{5}", "answer": "4"}\n'
    )
    command = ("-m", "trainer_client.curate", "filter", "in.jsonl", "-o", "out.jsonl")
    done = installed.run(*command, "--url", live.url)
    assert done.returncode == 0, done.stderr
    (kept,) = (installed.project / "out.jsonl").read_text().splitlines()
    assert json.loads(kept)["completion"] == "\\boxed{4}"


def test_alone_the_trainer_says_what_to_install(installed: Environment, live: LiveService) -> None:
    told = installed.run("-m", "trainer_client.train", "--help")
    assert (told.returncode, "--demo" in told.stdout) == (0, True), told.stderr
    (installed.project / "d.jsonl").write_text('{"prompt": "2+2?", "answer": "4"}\n')
    command = ("-m", "trainer_client.train", "--model", "m", "--dataset", "d.jsonl")
    graders = ("--graders", '[{"name": "math"}]')
    done = installed.run(*command, *graders, "--output", "run", "--url", live.url)
    assert done.returncode != 0
    assert "pip install 'touchstone-rewards[trl]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_another_project_sees_its_types(checker: str, installed: Environment) -> None:
    if checker == "pyright" and shutil.which("node") is None:
        pytest.skip("pyright needs node: apt-get install nodejs")
    command = {
        "mypy": ["--strict", "--no-incremental", f"--python-executable={installed.python}"],
        "pyright": [f"--pythonpath={installed.python}"],
    }[checker]
    (installed.project / "typed.py").write_text(_TYPED)
    (installed.project / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    done = subprocess.run(
        [sys.executable, "-m", checker, *command, "typed.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=installed.project,
    )
    wrong = re.findall(r"typed\.py:(\d+)(?::\d+)*:? (?:- )?error", done.stdout)
    expected = [n for n, line in enumerate(_TYPED.splitlines(), 1) if line.endswith("# wrong")]
    assert sorted({int(line) for line in wrong}) == expected, done.stdout + done.stderr
