"""The wheel as a trainer installs it: only the client, typed, licensed, importing nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

_IMPORT = """
import json, sys
sys.path[:0] = sys.argv[1:]
import trainer_client
rooms = {name.partition(".")[0] for name in sys.modules}
print(json.dumps({"file": trainer_client.__file__, "rooms": sorted(rooms)}))
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


def test_importing_it_loads_no_other_room(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    packages = sysconfig.get_path("purelib")
    done = subprocess.run(
        [sys.executable, "-I", "-c", _IMPORT, str(tmp_path), packages],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    loaded = json.loads(done.stdout)
    assert loaded["file"] == str(tmp_path / "trainer_client" / "__init__.py")
    assert "httpx" in loaded["rooms"]
    assert not {"graders", "sandbox", "service", "pydantic", "redis"} & set(loaded["rooms"])
