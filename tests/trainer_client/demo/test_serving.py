"""The service that the demo starts: killing the demo ends it, and what stops it is told."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import ROOT, alive, children, wait_until
from trainer_client.demo.serving import CannotServe, serving

_HOLDER = """
import signal, sys
from pathlib import Path
from trainer_client.demo.serving import serving
with serving(log=Path(sys.argv[1])) as address:
    sys.stdout.write(address + "\\n")
    sys.stdout.flush()
    signal.pause()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_is_gone_when_the_demo_is_ended(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path / "service.log")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().startswith("http://127.0.0.1:")
        started = children(holder.pid)
        assert started
        holder.send_signal(number)
        holder.wait(60)
    wait_until(lambda: not any(map(alive, started)))


def test_where_there_is_no_service_the_remedy_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(CannotServe, match=r"no service/ in .*run `make serve` in a checkout"),
        serving(log=tmp_path / "service.log", checkout=tmp_path),
    ):
        pass


def test_a_service_that_does_not_start_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "__init__.py").touch()
    (tmp_path / "service" / "__main__.py").write_text('raise SystemExit("redis is missing")\n')
    with (
        pytest.raises(CannotServe, match=r"did not start \(redis is missing\): .*service\.log"),
        serving(log=tmp_path / "service.log", checkout=tmp_path),
    ):
        pass
