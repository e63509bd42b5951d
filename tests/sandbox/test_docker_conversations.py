"""Conversations in containers: who waits for whom, and whose fault what is."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest

from sandbox import Job, Limits
from sandbox.backends.docker import DockerBackend, DockerOptions
from tests.live import wait_until
from tests.sandbox.docker_daemon import own, unusable

REASON: Final = unusable()
pytestmark = pytest.mark.skipif(REASON is not None, reason=REASON or "")
ASK: Final = Job(
    source="for n in range(9):\n print(n, flush=True)\n assert int(input()) == n + 1",
    limits=Limits(cpu_s=10, wall_s=60),
)
ANSWER: Final = Job(
    source="import sys\nfor line in sys.stdin: print(int(line) + 1, flush=True)",
    limits=ASK.limits,
)


@pytest.fixture
def pooled() -> Iterator[DockerBackend]:
    backend = DockerBackend(DockerOptions(policy="pooled", answer_s=15), slots=1)
    yield backend
    backend.close()
    assert not own()


def test_one_slot_is_enough_for_any_number_of_callers(pooled: DockerBackend) -> None:
    def use(number: int) -> tuple[str, ...]:
        if number % 2:
            return pooled.converse(ASK, ANSWER).first.kind, "talk"
        return pooled.run(ANSWER, alone=number % 4 == 0).kind, "run"

    with ThreadPoolExecutor(4) as pool:
        seen = Counter(pool.map(use, range(12)))
    assert seen == {("exited", "talk"): 6, ("exited", "run"): 6}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_no_partner_makes_its_end_our_fault(pooled: DockerBackend, number: int) -> None:
    """One that silences its own relay is judged by what it did, and the other one goes on."""
    hostile = Job(
        source=f"import os, time\nos.kill(os.getppid(), {int(number)})\ntime.sleep(60)",
        limits=Limits(wall_s=2),
    )
    listening = Job(
        source="import sys\nprint(len(sys.stdin.read()), file=sys.stderr)", limits=ASK.limits
    )
    talk = pooled.converse(listening, hostile)
    assert talk.second.kind in {"signalled", "wall_time"}, talk.second.note
    assert (talk.first.kind, talk.first.stderr) == ("exited", b"0\n"), talk.first
    talk = pooled.converse(hostile, listening)
    assert talk.first.kind in {"signalled", "wall_time"}, talk.first.note
    assert talk.second.kind in {"exited", "signalled"}, talk.second.note


@pytest.mark.parametrize("place", [0, 1])
def test_one_that_cannot_begin_ends_both(pooled: DockerBackend, place: int) -> None:
    jobs = [Job(source="import time; time.sleep(60)", limits=Limits(wall_s=60))] * 2
    jobs[place] = Job(source="", files={"a": b"", "a/b": b""})
    endings = pooled.converse(*jobs)
    assert endings[place].kind == "not_started"
    assert endings[place].note
    assert (endings[1 - place].kind, endings[1 - place].signal) == ("signalled", 9)


def test_closing_ends_a_conversation(pooled: DockerBackend) -> None:
    sleep = Job(source="import time; time.sleep(60)", limits=Limits(wall_s=60))
    with ThreadPoolExecutor(1) as pool:
        talking = pool.submit(pooled.converse, sleep, sleep)
        wait_until(lambda: len(own()) == 2)
        pooled.close()
        assert {ending.kind for ending in talking.result()} == {"not_started"}
