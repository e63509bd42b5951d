"""Containers come and go with their runs, their backend, their owner and the daemon."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Literal

import pytest

from sandbox import Ending, Job, Limits
from sandbox.backends.docker import DockerBackend, DockerOptions
from sandbox.backends.docker.daemon import LABEL
from sandbox.backends.docker.owners import Owner
from tests.sandbox.docker_daemon import (
    IMAGE,
    OWNER,
    CuttableWay,
    client,
    ours,
    own,
    unusable,
    wait_until,
)

REASON: Final = unusable()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")

# The SDK does not close a socket that it could not connect; these tests have it collected.
abandons_sockets = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)

# Of a shape of its own, so that it gets a container of its own.
SLEEP: Final = Job(source="import time; time.sleep(30)", limits=Limits(wall_s=30, processes=20))
CLEAN: Final = Job(source="open('/tmp/left', 'w').write('x'); print(1)")
OWNING: Final = """
from sandbox import Job, Limits
from sandbox.backends.docker import DockerBackend, DockerOptions
backend = DockerBackend(DockerOptions(policy="pooled"), slots=2)
backend.run(Job(source=""))
print("ready", flush=True)
backend.run(Job(source="import time; time.sleep(60)", limits=Limits(wall_s=60, memory_bytes=2**28)))
"""


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    assert not own()


def opened(
    *, policy: Literal["fresh", "pooled"] = "fresh", url: str | None = None, slots: int = 1
) -> DockerBackend:
    return DockerBackend(DockerOptions(policy=policy, url=url), slots=slots)


@pytest.fixture
def pooled() -> Iterator[DockerBackend]:
    backend = opened(policy="pooled", slots=2)
    yield backend
    backend.close()


def in_background(backend: DockerBackend, job: Job) -> tuple[threading.Thread, list[Ending]]:
    """The job, when its container is up and at work."""
    endings: list[Ending] = []
    thread = threading.Thread(target=lambda: endings.append(backend.run(job)))
    before = own()
    thread.start()
    wait_until(lambda: bool(own().keys() - before.keys()), "a container")
    time.sleep(0.5)
    return thread, endings


def test_a_fresh_container_serves_one_run() -> None:
    backend = opened()
    try:
        assert backend.run(CLEAN).status == 0
        assert not own()
    finally:
        backend.close()


def test_a_clean_container_serves_again(pooled: DockerBackend) -> None:
    assert pooled.run(CLEAN).stdout == b"1\n"
    first = own()
    assert len(first) == 1
    for _ in range(3):
        assert pooled.run(CLEAN).stdout == b"1\n"
    assert own() == first


@pytest.mark.parametrize(
    "source",
    [
        "import time; time.sleep(9)",
        "while True: pass",
        "x = bytearray(400 << 20)",
        "print('x' * 3_000_000)",
        "import os; os.kill(os.getpid(), 9)",
        "import os; os.kill(-1, 9)",
        "import os, time\nfor _ in range(99):\n    os.fork() or time.sleep(5)",
    ],
)
def test_a_container_in_which_something_was_odd_serves_no_more(
    pooled: DockerBackend, source: str
) -> None:
    limits = Limits(cpu_s=0.5, wall_s=2, memory_bytes=256 * 2**20)
    assert pooled.run(Job(source="", limits=limits)).status == 0
    first = own()
    assert pooled.run(Job(source=source, limits=limits)).kind != "not_started"
    assert not first.keys() & own().keys()


def test_what_cannot_be_wiped_ends_a_container(pooled: DockerBackend) -> None:
    source = "import ctypes; print(ctypes.CDLL(None).shmget(7, 4096, 0o1666) >= 0)"
    assert pooled.run(Job(source=source)).stdout == b"True\n"
    first = own()
    assert pooled.run(CLEAN).stdout == b"1\n"
    assert not first.keys() & own().keys()


def test_a_container_is_given_up_after_so_many_runs() -> None:
    backend = DockerBackend(DockerOptions(policy="pooled", most_runs=2), slots=1)
    try:
        assert [backend.run(CLEAN).status for _ in range(2)] == [0, 0]
        assert not own()
    finally:
        backend.close()


@pytest.mark.parametrize("processes", [1, 2, 21, 22])
def test_few_processes_can_be_had_to_the_last(pooled: DockerBackend, processes: int) -> None:
    source = f"""
import os, time
alive = 1
try:
    while alive <= {processes}:
        os.fork() or (time.sleep(9), os._exit(0))
        alive += 1
except OSError:
    open("alive", "w").write(str(alive))
"""
    job = Job(source=source, fetch=("alive",), limits=Limits(processes=processes))
    assert pooled.run(job).files == {"alive": str(processes).encode()}


def test_large_input_is_held_once(pooled: DockerBackend) -> None:
    source = "import sys; print(sum(len(line) for line in sys.stdin))"
    stdin = b"x" * 99 + b"\n"
    job = Job(
        source=source, stdin=stdin * 2_000_000, limits=Limits(memory_bytes=256 * 2**20, cpu_s=10)
    )
    assert pooled.run(job).stdout == b"200000000\n"


def test_files_that_do_not_fit_are_not_the_programs_fault(pooled: DockerBackend) -> None:
    ending = pooled.run(Job(source="", files={"x": bytes(2**20)}, limits=Limits(disk_bytes=2**19)))
    assert ending.kind == "not_started"
    assert "No space left" in ending.note
    assert pooled.run(CLEAN).stdout == b"1\n"


@pytest.mark.parametrize(
    ("argv", "status"), [(("no-such-program",), 127), (("./text",), 126), (("/work",), 126)]
)
def test_what_cannot_be_executed_ends_as_in_a_shell(
    pooled: DockerBackend, argv: tuple[str, ...], status: int
) -> None:
    ending = pooled.run(Job(argv=argv, files={"text": b"no program"}))
    assert (ending.kind, ending.status) == ("exited", status)
    assert ending.stderr.startswith(argv[0].encode())


def test_runs_at_once_are_in_containers_of_their_own(pooled: DockerBackend) -> None:
    job = Job(source="import time; time.sleep(1.5); print(1)")
    with ThreadPoolExecutor(2) as pool:
        endings = [pool.submit(pooled.run, job) for _ in range(2)]
        wait_until(lambda: len(own()) == 2, "two containers")
        assert [ending.result().stdout for ending in endings] == [b"1\n"] * 2


def test_idle_containers_are_few(pooled: DockerBackend) -> None:
    for mib in (128, 192, 256, 320):
        assert pooled.run(Job(source="", limits=Limits(memory_bytes=mib * 2**20))).status == 0
    assert len(own()) == 2


@pytest.mark.parametrize("policy", ["fresh", "pooled"])
def test_closing_ends_runs_and_removes_all(policy: Literal["fresh", "pooled"]) -> None:
    backend = opened(policy=policy, slots=2)
    assert backend.run(CLEAN).status == 0
    thread, endings = in_background(backend, SLEEP)
    started = time.monotonic()
    backend.close()
    thread.join(20)
    assert time.monotonic() - started < 25
    assert [(ending.kind, ending.note) for ending in endings] == [
        ("not_started", "this backend is closed")
    ]
    assert not own()
    assert backend.run(CLEAN).kind == "not_started"


@abandons_sockets
def test_a_lost_daemon_is_our_fault_and_tried_again(tmp_path: Path) -> None:
    way = CuttableWay(tmp_path)
    backend = opened(policy="pooled", url=way.url, slots=2)
    try:
        assert backend.run(CLEAN).stdout == b"1\n"
        thread, endings = in_background(backend, SLEEP)
        way.cut()
        thread.join(20)
        assert [ending.kind for ending in endings] == ["not_started"]
        assert endings[0].note
        assert backend.run(CLEAN).kind == "not_started"
        way.mend()
        assert backend.run(CLEAN).stdout == b"1\n"
    finally:
        backend.close()
        way.cut()
    # What the backend could not remove has lost its owner's stream, and ends by itself.
    wait_until(lambda: not own(), "the containers of before the loss to end")
    gc.collect()


@abandons_sockets
def test_without_a_daemon_nothing_starts(tmp_path: Path) -> None:
    backend = opened(url=f"unix://{tmp_path}/nothing.sock")
    ending = backend.run(CLEAN)
    assert ending.kind == "not_started"
    assert "no Docker daemon answers" in ending.note
    with pytest.raises(OSError, match="no Docker daemon answers"):
        backend.isolation()
    backend.close()
    gc.collect()


def test_an_absent_image_is_named_with_its_remedy() -> None:
    backend = DockerBackend(DockerOptions(image="touchstone-no-such-image"), slots=1)
    with pytest.raises(OSError, match=r"docker build .* -t touchstone-no-such-image sandbox/"):
        backend.isolation()
    backend.close()


def test_dead_owners_containers_are_swept_and_no_others() -> None:
    this = Owner.this_process()
    dead, living = this._replace(started="1"), this
    far = this._replace(boot="another-machine")
    made = {}
    for name, owner in {"dead": dead, "living": living, "far": far}.items():
        labels = {LABEL: "1", OWNER: str(owner)}
        made[name] = client().create_container(IMAGE, ["python3"], labels=labels)["Id"]
    try:
        backend = opened()
        backend.isolation()
        backend.close()
        left = {found["Id"] for found in ours()}
        assert {name for name, identity in made.items() if identity in left} == {"living", "far"}
    finally:
        for name in ("living", "far"):
            client().remove_container(made[name], force=True)


def test_nothing_outlives_an_owner_that_is_killed() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", OWNING], stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"

    def theirs() -> int:
        return sum(f"/{process.pid}/" in found["Labels"].get(OWNER, "") for found in ours())

    wait_until(lambda: theirs() == 2, "an idle container and one at work")
    time.sleep(0.5)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    process.stdout.close()
    assert wait_until(lambda: theirs() == 0, "its containers to end") < 5
