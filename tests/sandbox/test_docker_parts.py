"""The parts of the docker backend that need no daemon."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from sandbox.backends.docker import inbox
from sandbox.backends.docker.agent import Agent
from sandbox.backends.docker.container import Report, said_by
from sandbox.backends.docker.endings import Fetched, Run, ending_of
from sandbox.backends.docker.frames import Frame, pack, read_from, unpack
from sandbox.backends.docker.owners import Owner
from sandbox.backends.docker.streams import STDERR, STDOUT, Channel, Chunk, DaemonLost
from sandbox.backends.docker.walls import EXEC_PROCESSES, Shape, Walls
from sandbox.backends.docker.watch import Watched
from sandbox.contract import EndingKind, Isolation, Limits

SOON_S: Final = 0.05


@pytest.fixture
def ends() -> Iterator[tuple[Channel, socket.socket]]:
    """A channel, and the daemon's end of it."""
    here, there = socket.socketpair()
    with there:
        channel = Channel(here)
        yield channel, there
        channel.close()


def said(source: int, data: bytes) -> bytes:
    return bytes([source, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


def test_a_channel_takes_streams_apart_however_they_come(
    ends: tuple[Channel, socket.socket],
) -> None:
    channel, daemon = ends
    for byte in said(STDOUT, b"out") + said(STDERR, b"") + said(STDERR, b"err"):
        daemon.send(bytes([byte]))
    daemon.close()
    seen: dict[int, bytes] = {}
    while (chunk := channel.receive(time.monotonic() + 5)) and chunk.data:
        seen[chunk.source] = seen.get(chunk.source, b"") + chunk.data
    assert seen == {STDOUT: b"out", STDERR: b"err"}
    assert channel.receive(time.monotonic() + 5) == Chunk(0, b"")


def test_a_channel_does_not_wait_for_a_whole_message(ends: tuple[Channel, socket.socket]) -> None:
    channel, daemon = ends
    daemon.send(said(STDOUT, b"x" * 100)[:50])
    assert channel.receive(time.monotonic() + 5) == Chunk(STDOUT, b"x" * 42)
    assert channel.receive(time.monotonic() + SOON_S) is None


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (said(STDOUT, b"x" * 99), "more than 50 bytes"),
        (said(STDERR, b"what is wrong"), "what is wrong"),
        (said(7, b"x"), "a stream 7"),
        (b"", "without an answer"),
    ],
)
def test_no_answer_is_a_loss(ends: tuple[Channel, socket.socket], sent: bytes, found: str) -> None:
    channel, daemon = ends
    daemon.send(sent)
    daemon.shutdown(socket.SHUT_WR)
    with pytest.raises(DaemonLost, match=found):
        channel.line(time.monotonic() + 5, most_bytes=50)


def test_silence_is_a_loss_in_time(ends: tuple[Channel, socket.socket]) -> None:
    channel, _ = ends
    with pytest.raises(DaemonLost, match="in time"):
        channel.line(time.monotonic() + SOON_S, most_bytes=50)


def reading(data: bytes) -> Callable[[int], bytes]:
    here, there = os.pipe()
    os.write(there, data)
    os.close(there)
    return read_from(here)


def test_a_message_comes_as_it_went() -> None:
    sent = b"".join(pack({"a": [1, "ü"]}, [b"", b"\0\xff"]))
    assert unpack(reading(sent), most_bytes=100) == Frame({"a": [1, "ü"]}, [b"", b"\0\xff"])


@pytest.mark.parametrize("blobs", [[b"x" * 99], [b"x"] * 99])
def test_a_message_is_bounded(blobs: list[bytes]) -> None:
    with pytest.raises(ValueError, match="more than 90 bytes"):
        unpack(reading(b"".join(pack({}, blobs))), most_bytes=90)


def test_a_message_that_stops_is_noticed() -> None:
    with pytest.raises(EOFError):
        unpack(reading(b"".join(pack({}, [b"xyz"]))[:-1]), most_bytes=100)


@pytest.mark.parametrize("program", [inbox.AGENT, inbox.LAUNCHER, inbox.COLLECTOR])
def test_what_is_sent_stands_alone(program: tuple[str, ...]) -> None:
    text = inbox.program_text(program)
    compile(text, "sent", "exec")
    assert "import sandbox" not in text
    assert "from sandbox" not in text
    # As an argument it may have 128 KiB.
    assert len(text.encode()) < 100_000


def test_an_owner_is_told_apart() -> None:
    this = Owner.this_process()
    assert Owner.parse(str(this)) == this
    assert this.is_dead() is False
    assert this._replace(started="1").is_dead() is True
    assert this._replace(pid=2**22 + 1).is_dead() is True
    assert this._replace(boot="other").is_dead() is None
    assert this._replace(namespace="other").is_dead() is None


@pytest.mark.parametrize("text", ["", "a/b", "a/b/c/d", "a/b/1/2/3"])
def test_another_label_names_no_owner(text: str) -> None:
    assert Owner.parse(text) is None


VERSION_2: Final = {
    "cpu.stat": "usage_usec 1500\nuser_usec 1000\n",
    "memory.peak": "4096\n",
    "memory.events": "low 0\noom 3\noom_kill 2\n",
    "pids.events": "max 7\n",
}
VERSION_1: Final = {
    "cpuacct/cpuacct.usage": "1500000\n",
    "memory/memory.max_usage_in_bytes": "4096\n",
    "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    "pids/pids.events": "max 7\n",
}


@pytest.mark.parametrize(
    ("files", "cpu"), [(VERSION_2, ("cpu_us", 1500)), (VERSION_1, ("cpu_ns", 1500000))]
)
def test_the_agent_reads_both_versions_of_cgroups(
    tmp_path: Path, files: dict[str, str], cpu: tuple[str, int]
) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    report = Agent(mailbox=tmp_path / "none", cgroups=tmp_path).report()
    wanted = {cpu[0]: cpu[1], "peak_bytes": 4096, "oom_kills": 2, "refused_forks": 7, "mail": {}}
    assert report | wanted == report


@pytest.mark.parametrize("mail", [b"", b"[]", b"{", b"\xff", b"[" * 5_000, b'"' + b"x" * 5_000])
def test_the_agent_survives_any_mail(tmp_path: Path, mail: bytes) -> None:
    (tmp_path / "mail").write_bytes(mail)
    agent = Agent(mailbox=tmp_path / "mail", cgroups=tmp_path)
    assert agent.report()["mail"] == {}


ISOLATION: Final = Isolation(backend="docker", layers=())
NOTHING: Final = Report(cpu_s=1.0, peak_bytes=10, oom_kills=0, refused_forks=0, others=0, mail={})


def ended(mail: dict[str, Any], **after: Any) -> Run:
    return Run(
        limits=Limits(cpu_s=2),
        watched=Watched(100),
        before=NOTHING,
        after=NOTHING._replace(mail=mail, **after),
        fetched=Fetched({}, {}),
    )


@pytest.mark.parametrize(
    ("run", "kind", "number"),
    [
        (ended({"wait_status": 0}), "exited", 0),
        (ended({"wait_status": 3 << 8}), "exited", 3),
        (ended({"wait_status": 137 << 8}), "exited", 137),
        (ended({"wait_status": 11}), "signalled", 11),
        (ended({"wait_status": 31}), "forbidden_syscall", 31),
        (ended({"wait_status": 24}), "cpu_time", None),
        (ended({"wait_status": 0}, cpu_s=3.1), "cpu_time", None),
        (ended({"wait_status": 0, "cpu_s": 2.1}, cpu_s=None), "cpu_time", None),
        (ended({"wait_status": 9}, oom_kills=1), "memory", None),
        (ended({"wait_status": 1 << 8}, refused_forks=1), "processes", 1),
        (ended({"wait_status": 0}, refused_forks=1), "exited", 0),
        # What only a program says that killed its launcher, or spoke in its name.
        (ended({}), "signalled", 9),
        (ended({"wait_status": "0"}), "signalled", 9),
        (ended({"wait_status": 0x7F}), "signalled", 9),
        (ended({"wait_status": 0, "cpu_s": -1}, cpu_s=None), "exited", 0),
        (ended({"wait_status": 0, "cpu_s": float("inf")}, cpu_s=None), "exited", 0),
        (ended({"wait_status": 0, "cpu_s": "much"}, cpu_s=None), "exited", 0),
    ],
)
def test_what_is_known_makes_an_ending(run: Run, kind: EndingKind, number: int | None) -> None:
    ending = ending_of(run, ISOLATION)
    told = ending.status if ending.signal is None else ending.signal
    assert (ending.kind, told) == (kind, number)


@pytest.mark.parametrize(
    ("run", "peak"),
    [
        (ended({"wait_status": 0, "peak_bytes": 7}, peak_bytes=20), 20),
        (ended({"wait_status": 0, "peak_bytes": 7}), 7),
        (ended({"wait_status": 0}), 10),
        (ended({"wait_status": 0}, peak_bytes=None), None),
    ],
)
def test_the_peak_is_the_programs(run: Run, peak: int | None) -> None:
    assert ending_of(run, ISOLATION).peak_memory_bytes == peak


def test_walls_leave_room_for_the_runtime_to_start_a_program() -> None:
    walls = Walls(runtime=None)
    assert walls.pids_limit(1) < EXEC_PROCESSES
    assert Shape.of(Limits()) == Shape.of(Limits(cpu_s=9))


def test_root_never_sees_the_hosts_processes() -> None:
    with pytest.raises(ValueError, match="would kill them"):
        Walls(runtime=None, without=frozenset({"uid", "pids"}))


def test_reports_are_json(tmp_path: Path) -> None:
    assert json.dumps(Agent(mailbox=tmp_path / "none", cgroups=tmp_path).report())


def test_a_complaint_of_the_daemon_in_place_of_an_answer_is_a_loss() -> None:
    # As a container that is removed at that moment gives it.
    with pytest.raises(DaemonLost, match="a container's answer"):
        said_by(b"OCI runtime exec failed: exec failed: container is not running")
    assert said_by(b'[["shm"], []]\n') == [["shm"], []]
