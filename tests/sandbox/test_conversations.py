"""`converse` by the forkserver: who waits for whom, what is whose, and what is left behind."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest

from sandbox import Conversation, Job, Limits, close_runs, converse
from sandbox.backends.forkserver import Forkserver
from tests.live import ROOT, alive, children, own_children, wait_until
from tests.sandbox.traces import HONEST, HOSTILE, LIMITS, own_memory_bytes, traces

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the backend is for Linux")

ASK = Job(
    source="for n in range(9):\n print(n, flush=True)\n assert int(input()) == n + 1", limits=LIMITS
)
ANSWER = Job(
    source="import sys\nfor line in sys.stdin: print(int(line) + 1, flush=True)", limits=LIMITS
)
HEAR_ALL = Job(
    source="import sys\nwhile sys.stdin.buffer.read(65536): pass\nprint('end', file=sys.stderr)",
    limits=LIMITS,
)
SLEEP = Job(source="import time; time.sleep(600)", limits=Limits(wall_s=600))
SLOT_AT_WORK = 4
"""The launcher, the warm parent, a run's init, the program."""
OWNER = """\
import threading
from sandbox import Job, Limits
from sandbox.backends.forkserver import Forkserver

source = "import os, time\\nif os.fork() == 0: os.setsid()\\ntime.sleep(600)"
backend = Forkserver(slots=2)
job = Job(source=source, limits=Limits(wall_s=600))
for _ in range(2):
    threading.Thread(target=backend.converse, args=(job, job)).start()
"""
REOPEN = """\
import os
def open_again(descriptor, flags):
    try:
        os.close(os.open(f"/proc/self/fd/{descriptor}", flags | os.O_NONBLOCK))
    except PermissionError:
        return False
    return True
def change_mode(descriptor):
    try:
        os.fchmod(descriptor, 0o777)
    except PermissionError:
        return False
    return True
own = open_again(0, os.O_RDONLY), open_again(1, os.O_WRONLY)
others = open_again(0, os.O_WRONLY), open_again(1, os.O_RDONLY), open_again(0, os.O_RDWR)
os.write(2, f"{own} {others} {change_mode(0)} {change_mode(1)}".encode())
os.write(1, b"."), os.read(0, 1)
"""


@pytest.fixture
def one_slot() -> Iterator[Forkserver]:
    backend = Forkserver(slots=1)
    yield backend
    backend.close()


def kinds(talk: Conversation) -> tuple[str, str]:
    return talk.first.kind, talk.second.kind


def notes(talk: Conversation) -> set[str]:
    return {ending.note for ending in talk if ending.kind == "not_started"}


@pytest.mark.parametrize("jobs", [(HONEST, ANSWER), (ASK, HONEST)])
def test_no_one_brings_an_input_of_its_own(jobs: tuple[Job, Job]) -> None:
    with pytest.raises(ValueError, match="stdin of a Job is what the other one writes"):
        converse(*jobs)


def test_the_door_converses() -> None:
    try:
        talk = converse(ASK, replace(ANSWER, preload=("fractions",)))
    finally:
        close_runs()
    assert isinstance(talk, Conversation)
    assert talk.first.kind == "exited", talk.first
    assert talk.first.stdout == talk.second.stdout == b""


def test_one_slot_is_enough_for_any_number_of_callers(one_slot: Forkserver) -> None:
    """Half of them converse, the others run, and some of these want to be alone."""

    def use(number: int) -> tuple[str, ...]:
        if number % 2:
            # The second may have ended by itself, or been killed.
            return one_slot.converse(ASK, ANSWER).first.kind, "talk"
        return one_slot.run(HONEST, alone=number % 8 == 0).kind, "run"

    with ThreadPoolExecutor(8) as pool:
        seen = Counter(pool.map(use, range(80)))
    assert seen == {("exited", "talk"): 40, ("exited", "run"): 40}


def test_partners_slots_are_made_when_they_are_needed(one_slot: Forkserver) -> None:
    others = len(children(os.getpid()))
    assert one_slot.run(HONEST).kind == "exited"
    of_a_slot = len(children(os.getpid())) - others
    assert one_slot.run(HONEST).kind == "exited"
    assert len(children(os.getpid())) == others + of_a_slot
    assert one_slot.converse(ASK, ANSWER).first.kind == "exited"
    assert len(children(os.getpid())) == others + 2 * of_a_slot


@pytest.mark.parametrize("place", [0, 1])
def test_one_that_cannot_begin_ends_both(one_slot: Forkserver, place: int) -> None:
    """Its files cannot be laid out, which is never a verdict on a program."""
    jobs = [SLEEP, SLEEP]
    jobs[place] = Job(source="", files={"a": b"", "a/b": b""})
    endings = one_slot.converse(*jobs)
    assert endings[place].kind == "not_started"
    assert endings[place].note
    assert (endings[1 - place].kind, endings[1 - place].signal) == ("signalled", 9)
    assert one_slot.converse(ASK, ANSWER).first.kind == "exited"


def test_without_a_slot_neither_begins(one_slot: Forkserver) -> None:
    talk = one_slot.converse(ASK, replace(ANSWER, preload=("no_such_module",)))
    assert kinds(talk) == ("not_started", "not_started")
    assert all("no_such_module" in note for note in notes(talk))
    assert one_slot.converse(ASK, ANSWER).first.kind == "exited"


def begun(backend: Forkserver, pool: ThreadPoolExecutor, *jobs: Job) -> Future[Conversation]:
    """The conversation, when both are at work in slots that are warm."""
    assert backend.converse(ASK, ANSWER).first.kind == "exited"
    idle = len(children(os.getpid()))
    talking = pool.submit(backend.converse, *jobs)
    wait_until(lambda: len(children(os.getpid())) >= idle + 4)
    return talking


@pytest.mark.parametrize("place", [0, 1])
def test_a_slot_that_dies_is_replaced_and_all_done_again(one_slot: Forkserver, place: int) -> None:
    nap = Job(source="import time; time.sleep(1)\n" + (ASK.source or ""), limits=LIMITS)
    others = set(own_children(os.getpid()))
    with ThreadPoolExecutor(1) as pool:
        talking = begun(one_slot, pool, nap, ANSWER)
        slots = [pid for pid in own_children(os.getpid()) if pid not in others]
        os.kill(slots[place], signal.SIGKILL)
        talk = talking.result()
    assert talk.first.kind == "exited", talk
    assert not notes(talk)


def test_closed_under_a_conversation_it_says_not_started(one_slot: Forkserver) -> None:
    with ThreadPoolExecutor(1) as pool:
        talking = begun(one_slot, pool, SLEEP, SLEEP)
        one_slot.close()
        assert kinds(talking.result()) == ("not_started", "not_started")
    talk = one_slot.converse(ASK, ANSWER)
    assert all("closed" in note for note in notes(talk))


def test_what_nobody_reads_is_in_no_memory_of_ours(one_slot: Forkserver) -> None:
    flood = Job(source="import os\nwhile True: os.write(1, bytes(1 << 20))", limits=LIMITS)
    deaf = Job(source="import time; time.sleep(600)", limits=replace(LIMITS, wall_s=2))
    one_slot.converse(ASK, ANSWER)
    before = own_memory_bytes()
    talk = one_slot.converse(deaf, flood)
    assert talk.first.kind == "wall_time"
    # It may hear of the end before it is killed.
    assert talk.second.kind in {"signalled", "exited"}
    assert own_memory_bytes() - before < 4 << 20


@pytest.mark.skipif(os.geteuid() != 0, reason="without root every slot has the same owner")
def test_no_one_gets_an_end_that_is_its_partners(one_slot: Forkserver) -> None:
    job = Job(source=REOPEN, limits=LIMITS)
    talk = one_slot.converse(job, job)
    told = b"(True, True) (False, False, False) False False"
    assert {ending.stderr for ending in talk} == {told}


@pytest.mark.timeout(600)
def test_leaves_nothing_behind() -> None:
    """200 conversations, in a third of them one side or both are hostile."""
    hostile = [replace(job, limits=replace(LIMITS, cpu_s=1, wall_s=4)) for job in HOSTILE]
    pairs = [(ASK, ANSWER)] * 134
    for number in range(66):
        one, other = hostile[number % len(hostile)], hostile[number // 3 % len(hostile)]
        pairs.append([(one, HEAR_ALL), (HEAR_ALL, one), (one, other)][number % 3])
    random.Random(7).shuffle(pairs)  # noqa: S311 - no secret
    before = traces()
    backend = Forkserver(slots=3)
    try:
        with ThreadPoolExecutor(6) as pool:
            talks = list(pool.map(lambda pair: backend.converse(*pair), pairs))
    finally:
        backend.close()
    for pair, talk in zip(pairs, talks, strict=True):
        assert not notes(talk)
        if pair == (ASK, ANSWER):
            assert (talk.first.kind, talk.first.status) == ("exited", 0), talk
        if pair[0] is HEAR_ALL:
            assert talk.first.stderr == b"end\n", talk
    wait_until(lambda: traces() == before)
    assert threading.active_count() == 1


def test_kill_9_of_the_owner_ends_everything() -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER], cwd=ROOT) as owner:
        try:
            wait_until(lambda: len(children(owner.pid)) >= 4 * (SLOT_AT_WORK + 1))
            below = children(owner.pid)
        finally:
            owner.kill()
    wait_until(lambda: not any(map(alive, below)))
