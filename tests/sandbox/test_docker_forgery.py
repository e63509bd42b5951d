"""What a program in a container can claim in the name of ours: nothing that pays."""

from __future__ import annotations

import signal
from typing import Final

import pytest

from sandbox import Job, Limits
from sandbox.backends.docker import DockerBackend, DockerOptions
from tests.sandbox.docker_daemon import unusable

REASON: Final = unusable()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGSTOP])
def test_no_program_makes_its_run_our_fault(number: int) -> None:
    """One that silences its launcher, and speaks in its name, is judged by what it did."""
    source = f"""
import os, time
open("/run/ending", "w").write('{{"failed": "not I"}}')
os.kill(os.getppid(), {int(number)})
time.sleep(0.3 if {int(number)} != {int(signal.SIGSTOP)} else 60)
"""
    backend = DockerBackend(DockerOptions(answer_s=15), slots=1)
    try:
        ending = backend.run(Job(source=source, limits=Limits(wall_s=3)))
    finally:
        backend.close()
    assert ending.kind in {"signalled", "wall_time"}, ending.note
