"""One container: the process in it that answers for it, and the programs it is given."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from sandbox.backends.docker.daemon import Daemon
from sandbox.backends.docker.frames import Frame, pack, unpack
from sandbox.backends.docker.inbox import AGENT, COLLECTOR, LAUNCHER, program_text
from sandbox.backends.docker.streams import Channel, DaemonLost, reaching
from sandbox.backends.docker.walls import AGENT_UID, EXEC_PROCESSES, Shape, Walls
from sandbox.box import ENVIRONMENT

__all__ = ["Container", "NotClean", "Report", "said_by"]

_PYTHON: Final = ("python3", "-I", "-S", "-c")
_FIRST_UID: Final = AGENT_UID + 1
_UIDS: Final = 50_000  # up to what a daemon with remapped users has
_MOST_LINE: Final = 65_536
_MOST_HEAD: Final = 2**20


class NotClean(Exception):
    """A container holds something of an earlier run that cannot be wiped away."""


class Report(NamedTuple):
    """What the agent sees; None is what nothing counts there."""

    cpu_s: float | None
    peak_bytes: int | None
    oom_kills: int | None
    refused_forks: int | None
    others: int
    """Processes but the agent."""
    mail: Mapping[str, Any]
    """What the launcher says, or the program in its name: any JSON."""


class Container:
    """A running container, which ends with this process."""

    def __init__(self, daemon: Daemon, shape: Shape, *, walls: Walls) -> None:
        """Make and start it; a DaemonLost leaves nothing behind."""
        self.shape = shape
        self.runs = 0
        self._daemon = daemon
        self._walls = walls
        self._answer_s = daemon.options.answer_s
        # A uid of its own: what the kernel counts by uid is not shared with a neighbour.
        self.uid = 0 if "uid" in walls.without else _FIRST_UID + secrets.randbelow(_UIDS)
        self._client = daemon.client()
        self.cores = daemon.cores
        self.id = self._create()
        self._agent: Channel | None = None
        try:
            self._start()
            self.report()
        except DaemonLost:
            with suppress(DaemonLost):
                self.remove()
            raise

    def report(self) -> Report:
        if self._agent is None:
            raise DaemonLost("a container was not started")
        self._agent.send(b"?", within_s=self._answer_s)
        line = self._agent.line(time.monotonic() + self._answer_s, most_bytes=_MOST_LINE)
        said = said_by(line)
        return Report(
            cpu_s=None if "cpu_cgroup" in self._walls.without else _cpu_s(said),
            peak_bytes=said["peak_bytes"],
            oom_kills=said["oom_kills"],
            refused_forks=said["refused_forks"],
            others=said["others"],
            mail=said["mail"],
        )

    def launcher(self) -> Channel:
        """A launcher that waits for its plan; NotClean where it finds what it cannot wipe."""
        self.runs += 1
        channel = self._execute(LAUNCHER)
        try:
            channel.send(b"?", within_s=self._answer_s)
            line = channel.line(time.monotonic() + self._answer_s, most_bytes=_MOST_LINE)
            rows, unseen = said_by(line)
            found = [table for table in rows if not self._walls.shares(table)]
            if found:
                raise NotClean(f"it has rows in {', '.join(found)} of /proc")
            if unseen and self.runs > 1:
                raise NotClean(f"its kernel does not show {', '.join(unseen)} of /proc")
            self._limit_processes(self._walls.pids_limit(self.shape.processes))
        except (DaemonLost, NotClean):
            channel.close()
            raise
        return channel

    def launcher_status(self) -> int | None:
        """The exit status of the last launcher; None where it has not ended."""
        until = time.monotonic() + self._answer_s
        with reaching("looking for a program's end"):
            while (found := self._client.exec_inspect(self._executed))["Running"]:
                if time.monotonic() > until:
                    return None
                time.sleep(0.01)
        status: int = found["ExitCode"]
        return status

    def collect(self, names: Sequence[str], *, most_bytes: int) -> Frame:
        """The files of a program that is dead."""
        self._limit_processes(EXEC_PROCESSES)
        channel = self._execute(COLLECTOR)
        try:
            (question,) = pack({"names": list(names), "most_bytes": most_bytes})
            channel.send(question, within_s=self._answer_s)
            most = most_bytes + _MOST_HEAD
            read = channel.reader(time.monotonic() + self._answer_s, most_bytes=most)
            try:
                return unpack(read, most_bytes=most)
            except ValueError as error:
                raise DaemonLost(f"a container's answer: {error}") from error
        finally:
            channel.close()

    def has_run_out_of_memory(self) -> bool:
        """Whether the daemon saw that happen, also of a container that is gone."""
        wanted = {"container": [self.id], "event": ["oom"]}
        # Such news may come a moment after the end that they explain.
        until = int(time.time()) + 1
        try:
            with reaching("asking what became of a container"):
                seen = self._client.events(since=1, until=until, filters=wanted, decode=True)
                return any(True for _ in seen)
        except DaemonLost:
            return False

    def processes(self) -> int:
        """How many there are in it, as seen by the host."""
        with reaching("listing the processes of a container"):
            return len(self._client.top(self.id)["Processes"])

    def remove(self) -> None:
        """Kill its processes and remove it; returns when it is gone."""
        if self._agent is not None:
            with suppress(DaemonLost):
                self._agent.close()
        self._daemon.remove(self.id)

    def _create(self) -> str:
        options = self._daemon.options
        with reaching("making a container"):
            made = self._client.create_container(
                options.image,
                entrypoint=[*_PYTHON, program_text(AGENT)],
                user=f"{AGENT_UID}:{AGENT_UID}",
                working_dir="/",
                hostname=None if "hostname" in self._walls.without else "sandbox",
                environment=ENVIRONMENT,
                labels=self._daemon.labels,
                stdin_open=True,
                healthcheck={"test": ["NONE"]},
                use_config_proxy=False,
                host_config=self._walls.host_config(self._client, self.shape, uid=self.uid),
            )
        container: str = made["Id"]
        return container

    def _start(self) -> None:
        wanted = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        with reaching("starting a container"):
            # First, so that there is no moment in which it runs without an owner.
            self._agent = Channel(self._client.attach_socket(self.id, wanted))
            self._client.start(self.id)

    def _execute(self, program: tuple[str, ...]) -> Channel:
        with reaching("starting a program in a container"):
            made = self._client.exec_create(
                self.id,
                [*_PYTHON, program_text(program)],
                stdin=True,
                user=f"{self.uid}:{self.uid}",
                workdir="/work",
                environment=dict(ENVIRONMENT),
            )
            self._executed: str = made["Id"]
            return Channel(self._client.exec_start(made["Id"], socket=True))

    def _limit_processes(self, limit: int) -> None:
        """Set the limit where the one the container was made with is too wide or too narrow."""
        if self._walls.pids_limit(self.shape.processes) >= EXEC_PROCESSES:
            return
        if "pids_cgroup" in self._walls.without:
            return
        client = self._client
        with reaching("setting the limit of processes"):
            url = f"{client.base_url}/v{client.api_version}/containers/{self.id}/update"
            client.post(url, json={"PidsLimit": limit}, timeout=self._answer_s).raise_for_status()


# Any: an answer of the agent or the launcher, of any JSON.
def said_by(line: bytes) -> Any:
    """What a container answers, or a DaemonLost."""
    try:
        return json.loads(line)
    except ValueError as error:
        # Where a container is removed at that moment, the daemon's own complaint comes instead.
        raise DaemonLost(f"a container's answer: {error}") from error


def _cpu_s(said: Mapping[str, Any]) -> float | None:
    """From whichever cgroup version counts there."""
    if said["cpu_us"] is not None:
        return float(said["cpu_us"]) / 1e6
    return None if said["cpu_ns"] is None else float(said["cpu_ns"]) / 1e9
