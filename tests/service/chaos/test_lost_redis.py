"""Redis is restarted, killed and held up under load: what it had comes back, and nothing twice."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from service.embedded_redis import EmbeddedRedis
from tests.live import start_service, wait_until
from tests.service.chaos.fleet import await_workers, workers
from tests.service.chaos.load import Load, under_way

# Ten thousand items, on as few cores as there are.
pytestmark = pytest.mark.timeout(600)

_SETTINGS = {"LEASE_S": "2"}
_BETWEEN_S = 1.0


@contextmanager
def _loaded(server: EmbeddedRedis, seed: int) -> Iterator[Load]:
    """The load on a service that keeps its queue there."""
    settings = {"REDIS_URL": server.url} | _SETTINGS
    with ExitStack() as stack:
        service = stack.enter_context(start_service(settings, ["api"]))
        stack.enter_context(workers([server.url] * 2, settings))
        await_workers(service, 2)
        load = stack.enter_context(under_way(service.url, seed=seed))
        yield load


def test_ten_thousand_items_outlive_restarts_of_redis(tmp_path: Path) -> None:
    with EmbeddedRedis(state_dir=tmp_path / "state") as server:
        restarts = 0
        _write_at_once(server)
        with _loaded(server, seed=3) as load:
            while restarts < 4 and load.goes_on(_BETWEEN_S):
                if restarts % 2:
                    _kill(server)
                    server.start()
                else:
                    server.restart()
                _write_at_once(server)
                restarts += 1
        load.check()
        assert restarts >= 2


def test_ten_thousand_items_outlive_a_pause_of_redis(redis_server: EmbeddedRedis) -> None:
    with _loaded(redis_server, seed=4) as load:
        pid = _pid(redis_server)
        wait_until(lambda: _entries(redis_server) > 0)
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(10)
            assert not load.over
        finally:
            os.kill(pid, signal.SIGCONT)
    load.check()


def _write_at_once(server: EmbeddedRedis) -> None:
    """What it has answered it has written: otherwise a kill takes the last second with it."""
    with Redis.from_url(server.url) as redis:
        redis.config_set("appendfsync", "always")


def _kill(server: EmbeddedRedis) -> None:
    os.kill(_pid(server), signal.SIGKILL)
    wait_until(lambda: not server.alive)


def _pid(server: EmbeddedRedis) -> int:
    with Redis.from_url(server.url) as client:
        # Any: redis-py types the answer as the union over all protocols.
        told: Any = client.info("server")
        return int(told["process_id"])


def _entries(server: EmbeddedRedis) -> int:
    """Chunks in any queue."""
    with Redis.from_url(server.url) as client:
        # Any: as above.
        names: Any = client.keys("{touchstone}:queue:*")
        return sum(int(client.xlen(name)) for name in names)
