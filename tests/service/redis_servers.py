"""Real servers on ports of their own: a master with a replica and a Sentinel, and a cluster."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from redis import Redis
from redis.exceptions import RedisError, ResponseError

from service.embedded_redis import find_server
from service.streams import GROUP
from tests.live import wait_until

MASTER = "mymaster"
BOUNDS = ((0, 5460), (5461, 10922), (10923, 16383))
"""The slots of each of a cluster's nodes."""


class Server(NamedTuple):
    """A server process, and a client of it."""

    process: subprocess.Popen[bytes]
    port: int
    client: Redis

    # Any: a raw command's answer.
    def ask(self, *command: str | int) -> Any:
        """The answer to a command, as the server sent it."""
        return self.client.execute_command(*command)  # type: ignore[no-untyped-call] # redis-py's

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except RedisError:
            return False


class Watched(NamedTuple):
    """A master, its replica, and the Sentinel's URL that finds whichever is in charge."""

    master: Server
    replica: Server
    url: str


@contextmanager
def a_server(folder: Path, *options: str, port: int | None = None) -> Iterator[Server]:
    """A server with these options, in a folder of its own, killed on exit."""
    port = port or free_ports(1)[0]
    place = folder / str(port)
    place.mkdir()
    (place / "server.conf").write_text(f"port {port}\nbind 127.0.0.1\nsave ''\n")
    command = [str(find_server()), "server.conf", "--dir", str(place), *options]
    with (
        subprocess.Popen(command, cwd=place, stdout=subprocess.DEVNULL) as process,
        Redis(port=port) as client,
    ):
        try:
            server = Server(process, port, client)
            wait_until(server.answers)
            yield server
        finally:
            process.kill()


@contextmanager
def watched_servers(folder: Path) -> Iterator[Watched]:
    """A master and its replica in step, and a Sentinel that promotes the replica by itself."""
    with ExitStack() as stack:
        master = stack.enter_context(a_server(folder))
        follow = ("--replicaof", f"127.0.0.1 {master.port}", "--repl-diskless-sync-delay", "0")
        replica = stack.enter_context(a_server(folder, *follow))
        wait_until(lambda: replica.client.info("replication")["master_link_status"] == "up")
        sentinel = stack.enter_context(a_server(folder, "--sentinel"))
        sentinel.ask("SENTINEL", "MONITOR", MASTER, "127.0.0.1", master.port, 1)
        for name, value in (("down-after-milliseconds", 500), ("failover-timeout", 2000)):
            sentinel.ask("SENTINEL", "SET", MASTER, name, value)
        wait_until(lambda: len(sentinel.ask("SENTINEL", "REPLICAS", MASTER)) == 1)
        yield Watched(master, replica, f"redis+sentinel://127.0.0.1:{sentinel.port}/{MASTER}")


@contextmanager
def a_cluster(folder: Path) -> Iterator[Sequence[Server]]:
    """A cluster of three masters that agree about all slots."""
    # A node has a second port, 10,000 above the first.
    ports = free_ports(3)
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(a_server(folder, "--cluster-enabled", "yes", port=port))
            for port in ports
        ]
        for node, (first, last) in zip(nodes, BOUNDS, strict=True):
            node.ask("CLUSTER", "ADDSLOTSRANGE", first, last)
            node.ask("CLUSTER", "MEET", "127.0.0.1", nodes[0].port)
        for node in nodes:
            wait_until(lambda node=node: _agrees(node))  # type: ignore[misc] # a default
        yield nodes


def _agrees(node: Server) -> bool:
    info = node.ask("CLUSTER", "INFO")
    return b"cluster_state:ok" in info and b"cluster_known_nodes:3" in info


def held_chunks(redis: Redis, stream: str) -> int:
    """How many chunks of a stream workers hold: none yet where nobody has sent or asked."""
    try:
        # Any: redis-py types the answer as the union over all protocols.
        summary: Any = redis.xpending(stream, GROUP)
    except ResponseError:
        return 0
    return int(summary["pending"])


def free_ports(count: int) -> list[int]:
    """Ports that nobody has, all below 50,000."""
    found: list[int] = []
    with ExitStack() as stack:
        for port in range(20_000, 50_000, 7):
            listener = stack.enter_context(socket.socket())
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
            if len(found) == count:
                break
    return found
