"""What the forkserver backend leaves behind: nothing, whatever is run and however it ends."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from sandbox import Job, Limits
from sandbox.backends.forkserver import Forkserver
from tests.live import ROOT, alive, children, wait_until
from tests.sandbox.traces import (
    HONEST,
    HOSTILE,
    LIMITS,
    PROCESSES_OF_A_SLOT,
    own_memory_bytes,
    traces,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the backend is for Linux")

OWNER = """\
import threading
from sandbox import Job, Limits
from sandbox.backends.forkserver import Forkserver

source = "import os, time\\nif os.fork() == 0: os.setsid()\\ntime.sleep(600)"
backend = Forkserver(slots=3)
job = Job(source=source, limits=Limits(wall_s=600))
for _ in range(3):
    threading.Thread(target=backend.run, args=(job,)).start()
"""


@pytest.mark.timeout(600)
def test_leaves_nothing_behind() -> None:
    """2,000 runs, a third of them hostile."""
    jobs = [HOSTILE[i // 3 % len(HOSTILE)] if i % 3 == 0 else HONEST for i in range(2_000)]
    random.Random(7).shuffle(jobs)  # noqa: S311 - no secret
    before = traces()
    opened = Forkserver(slots=4)
    try:
        with ThreadPoolExecutor(8) as pool:
            endings = list(pool.map(partial(told, opened), jobs[:500]))
            memory = own_memory_bytes()
            endings += pool.map(partial(told, opened), jobs[500:])
            grown = own_memory_bytes() - memory
    finally:
        opened.close()
    honest = {told for job, told in zip(jobs, endings, strict=True) if job is HONEST}
    assert honest == {("exited", b"3\n", "")}
    assert {note for _, _, note in endings} == {""}
    assert grown < 16 << 20
    wait_until(lambda: traces() == before)


def told(backend: Forkserver, job: Job) -> tuple[str, bytes, str]:
    ending = backend.run(job)
    return ending.kind, ending.stdout[:10], ending.note


def test_kill_9_of_the_owner_ends_everything() -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER], cwd=ROOT) as owner:
        try:
            wait_until(lambda: len(children(owner.pid)) >= 3 * PROCESSES_OF_A_SLOT)
            below = children(owner.pid)
        finally:
            owner.kill()
    wait_until(lambda: not any(map(alive, below)))


def test_a_slot_that_dies_is_replaced_and_its_run_done_again() -> None:
    backend = Forkserver(slots=1)
    try:
        assert backend.run(HONEST).kind == "exited"
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(
                backend.run,
                Job(source="import time; time.sleep(0.5); print('done')", limits=LIMITS),
            )
            wait_until(lambda: len(children(os.getpid())) >= PROCESSES_OF_A_SLOT - 1)
            os.kill(children(os.getpid())[0], signal.SIGKILL)
            ending = running.result()
    finally:
        backend.close()
    assert (ending.kind, ending.stdout) == ("exited", b"done\n"), ending


def test_closed_under_a_run_it_says_not_started() -> None:
    backend = Forkserver(slots=1)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(
            backend.run, Job(source="import time; time.sleep(600)", limits=Limits(wall_s=600))
        )
        wait_until(lambda: len(children(os.getpid())) >= PROCESSES_OF_A_SLOT - 1)
        backend.close()
        assert running.result().kind == "not_started"
    ending = backend.run(HONEST)
    assert (ending.kind, "closed" in ending.note) == ("not_started", True)
