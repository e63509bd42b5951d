"""The forkserver backend for a user without any privilege: through a user namespace."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from sandbox.backends.forkserver.cgroups import Cgroups
from sandbox.contract import Limits
from sandbox.selfcheck import CHECKS
from tests.live import ROOT, wait_until

NOBODY = 65_534
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root can become another user"
)
RESULT = re.compile(r"^(ok|FAILED)\s", re.MULTILINE)


@pytest.fixture(scope="module")
def copy_for_anybody(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The room at a place that every user can read, as a checkout may lie in somebody's home."""
    folder = tmp_path_factory.mktemp("anybody")
    shutil.copytree(ROOT / "sandbox", folder / "sandbox", ignore=shutil.ignore_patterns("*.pyc"))
    for path in (folder, *folder.parents):
        if path.stat().st_uid == os.getuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)
    return folder


@pytest.fixture(scope="module")
def python() -> str:
    """An interpreter that every user can start."""
    for candidate in (
        getattr(sys, "_base_executable", ""),
        "/usr/bin/python3.11",
        "/usr/bin/python3",
    ):
        started = candidate and subprocess.run(
            ["setpriv", f"--reuid={NOBODY}", "--clear-groups", candidate, "-c", VERSION],
            check=False,
            capture_output=True,
        )
        if started and started.returncode == 0:
            return candidate
    pytest.skip("no Python >= 3.11 that every user may start: install python3 into /usr/bin")


# It starts itself again, as the first start is still root's to allow.
VERSION = (
    "import subprocess, sys; subprocess.run([sys.executable, '-c', ''], check=True)\n"
    "sys.exit(sys.version_info < (3, 11))"
)


def selfcheck(
    python: str, folder: Path, *arguments: str, prefix: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", python, "-B"]
    return subprocess.run(
        [*prefix, *command, "-m", "sandbox.selfcheck", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "CANARY": "never to be seen inside"},
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.timeout(600)
def test_conforms_without_cgroups(python: str, copy_for_anybody: Path) -> None:
    done = selfcheck(python, copy_for_anybody)
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-2_000:]
    assert RESULT.findall(done.stdout) == ["ok"] * len(CHECKS)
    assert "passed on forkserver (standard)" in done.stdout


ENTER = 'for folder in $CGROUPS; do echo $$ > "$folder/cgroup.procs"; done; exec "$@"'


@pytest.fixture
def delegated() -> Iterator[list[Path]]:
    """Cgroups that are handed over to the user, as a service manager does."""
    # Held open, as it has every controller turned on where ours are made.
    with closing(Cgroups()) as own:
        folders = [
            run.parent.parent / "touchstone-delegated" for run in own.new_run(Limits()).folders
        ]
        for folder in folders:
            folder.mkdir()
            for path in (folder, folder / "cgroup.procs", *folder.glob("cgroup.subtree_control")):
                os.chown(path, NOBODY, NOBODY)
        yield folders
        for folder in folders:
            wait_until(partial(is_empty, folder))
            for inner in (*folder.glob("*/"), folder):
                inner.rmdir()


def is_empty(cgroup: Path) -> bool:
    return not any(path.read_text() for path in cgroup.rglob("cgroup.procs"))


@pytest.mark.timeout(600)
def test_uses_cgroups_that_are_handed_over(
    python: str, copy_for_anybody: Path, delegated: list[Path]
) -> None:
    names = [check.name for check in CHECKS if check.layer.endswith("_cgroup")]
    done = selfcheck(
        python,
        copy_for_anybody,
        *("--only", *names),
        prefix=("env", f"CGROUPS={' '.join(map(str, delegated))}", "sh", "-c", ENTER, "sh"),
    )
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-2_000:]
    assert f"{len(names)} of {len(names)} checks passed on forkserver (strict)" in done.stdout
