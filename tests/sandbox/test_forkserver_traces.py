"""What the forkserver backend leaves behind: nothing, whatever is run and however it ends."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from sandbox import Job, Limits
from sandbox.backends.forkserver import Forkserver
from tests.live import ROOT, alive, children, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the backend is for Linux")

LIMITS = Limits(cpu_s=5, wall_s=60, memory_bytes=64 << 20, processes=8)
HONEST = Job(source="print(sum(map(int, input().split())))", stdin=b"1 2\n", limits=LIMITS)
HOSTILE = [
    Job(source=source, limits=LIMITS)
    for source in (
        "while True: print('x' * 65536)",
        "import os, time\nfor _ in range(20):\n    if os.fork() == 0: time.sleep(60)",
        "import os\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        os.closerange(0, 64)\n        while True: pass\n    os._exit(0)",
        "x = bytearray(256 << 20)\nx[::4096] = b'x' * len(x[::4096])",
        "import os\nfor i in range(100000): open(f'/tmp/{i}', 'w').close()",
        "import os\nopen('/dev/shm/left', 'wb').write(bytes(1 << 20))\nos.kill(os.getpid(), 9)",
        "import os, signal\nfor pid in (-1, 1, os.getppid() or 1):\n"
        "    try: os.kill(pid, signal.SIGKILL)\n    except OSError: pass",
        "import ctypes\nctypes.CDLL(None).syscall(0x40000000 | 39)",
        "import socket\nkept = [socket.socket(socket.AF_UNIX) for _ in range(1000)]",
        "import os\nos.mkfifo('out')\nos.symlink('/etc/passwd', 'link')\nos.abort()",
    )
]
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
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the host's, to be looked at
PROCESSES_OF_A_SLOT = 5
"""The launcher, the warm parent, a run's init, the program and its daemon."""


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
    assert grown < 8 << 20
    wait_until(lambda: traces() == before)


def told(backend: Forkserver, job: Job) -> tuple[str, bytes, str]:
    ending = backend.run(job)
    return ending.kind, ending.stdout[:10], ending.note


def traces() -> dict[str, list[str]]:
    """Everything that a run could leave on this host."""
    cgroups = [path for path in Path("/sys/fs/cgroup").rglob(f"touchstone-{os.getpid()}-*")]
    own = [os.getpid(), *children(os.getpid())]
    return {
        "processes": sorted(str(pid) for pid in own),
        "namespaces": sorted({link for pid in own for link in namespaces(pid)}),
        "descriptors": sorted(path.name for path in Path("/proc/self/fd").iterdir()),
        "mounts": [
            line for line in Path("/proc/self/mounts").read_text().splitlines() if "scratch" in line
        ],
        "cgroups": sorted(map(str, cgroups)),
        "shared memory": sorted(path.name for path in SHARED_MEMORY.iterdir()),
        "System V": Path("/proc/sysvipc/shm").read_text().splitlines(),
    }


def namespaces(pid: int) -> Iterator[str]:
    with suppress(FileNotFoundError, ProcessLookupError):
        yield from (str(link.readlink()) for link in Path(f"/proc/{pid}/ns").iterdir())


def own_memory_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


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
