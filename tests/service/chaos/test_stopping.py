"""A worker that waits for a Redis that is gone ends when it is told to."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

from service.embedded_redis import EmbeddedRedis
from service.queues import ANYBODY, Queue
from service.streams import GROUP, Chunk
from tests.live import ROOT, environment, wait_until

_KEY = Queue("light", "interactive", ANYBODY).key
_SUM = (
    b'{"references":{},"parcels":[{"graders":[{"name":"math"}],"items":'
    b'[{"completion":"\\\\boxed{9}","reference":{"answer":"\\\\int_0^9 x x dx"}}]}]}'
)


def _held(redis: Redis) -> bool:
    try:
        # Any: redis-py types the answer as the union over all protocols.
        summary: Any = redis.xpending(_KEY, GROUP)
    except ResponseError:
        return False
    return int(summary["pending"]) > 0


def test_a_worker_ends_though_its_answer_cannot_be_sent() -> None:
    command = [sys.executable, "-m", "service", "worker", "--lanes", "light"]
    with EmbeddedRedis() as server, Redis.from_url(server.url) as redis:
        environ = environment({"REDIS_URL": server.url, "DRAIN_S": "1"})
        with subprocess.Popen(command, cwd=ROOT, env=environ) as worker:
            try:
                redis.xadd(_KEY, dict(_chunk().fields()))
                wait_until(lambda: _held(redis))
                server.close()
                worker.terminate()
                worker.wait(30)
            finally:
                worker.kill()


def _chunk() -> Chunk:
    return Chunk(b"0", b"{touchstone}:reply:test", 2**41, 1, _SUM)
