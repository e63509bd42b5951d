"""A worker that waits for a Redis that is gone ends when it is told to."""

from __future__ import annotations

import subprocess
import sys

from redis import Redis

from service.embedded_redis import EmbeddedRedis
from service.queues import ANYBODY, Queue
from service.streams import Chunk
from tests.live import ROOT, environment, wait_until
from tests.service.redis_servers import held_chunks

_KEY = Queue("light", "interactive", ANYBODY).key
# Nine of some 40 ms each: seen while they are held, and done before the time to drain is.
_SUMS = b",".join(
    b'{"completion":"\\\\boxed{%d}","reference":{"answer":"\\\\int_0^%d x x dx"}}' % (n, n)
    for n in range(1, 10)
)
_CARGO = b'{"references":{},"parcels":[{"graders":[{"name":"math"}],"items":[%b]}]}' % _SUMS


def test_a_worker_ends_though_its_answer_cannot_be_sent() -> None:
    command = [sys.executable, "-m", "service", "worker", "--lanes", "light"]
    with EmbeddedRedis() as server, Redis.from_url(server.url) as redis:
        environ = environment({"REDIS_URL": server.url, "DRAIN_S": "3"})
        with subprocess.Popen(command, cwd=ROOT, env=environ) as worker:
            try:
                redis.xadd(_KEY, dict(_chunk().fields()))
                wait_until(lambda: held_chunks(redis, _KEY) > 0)
                server.close()
                worker.terminate()
                worker.wait(30)
            finally:
                worker.kill()


def _chunk() -> Chunk:
    return Chunk(b"0", b"{touchstone}:reply:test", 2**41, 9, _CARGO)
