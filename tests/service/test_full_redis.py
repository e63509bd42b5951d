"""A Redis over its `maxmemory`: new work is refused in words, and what is there makes room."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from service.embedded_redis import EmbeddedRedis
from tests.live import ROOT, environment, start_service, wait_until

_KEYS = {"API_KEYS": "ann:s3cret"}
_ANN = {"Authorization": "Bearer s3cret"}


@pytest.fixture
def server() -> Iterator[EmbeddedRedis]:
    with EmbeddedRedis() as server:
        yield server


def _batch(marker: str) -> dict[str, Any]:
    item = {"completion": f"{marker} \\boxed{{4}}", "reference": {"answer": "4"}}
    return {"graders": [{"name": "math"}], "items": [item]}


def _fill(redis: Redis) -> None:
    redis.config_set("maxmemory", "1mb")
    with pytest.raises(OutOfMemoryError):
        redis.set("one", "more")


def test_a_full_redis_refuses_in_words_and_empties_itself(server: EmbeddedRedis) -> None:
    settings = {"REDIS_URL": server.url, **_KEYS}
    with Redis.from_url(server.url) as redis, start_service(settings, ["api"]) as api:
        api.client.headers.update(_ANN)
        job = api.client.post("/v1/jobs", json=_batch("a job")).json()["id"]
        with ThreadPoolExecutor(1) as threads:
            asked = threads.submit(api.client.post, "/v1/grade", json=_batch("a request"))
            wait_until(lambda: _waiting(redis) == 2)
            _fill(redis)
            refused = api.client.post("/v1/grade", json=_batch("another"))
            assert refused.status_code == 503
            assert refused.json()["detail"].startswith("Redis is full (maxmemory), nothing was")
            assert "Retry-After" in refused.headers
            api.await_said("Redis is full (maxmemory)")
            # A worker that comes only now has to be seen, find the tenant's queue, and answer.
            with _worker(settings):
                assert asked.result().json()["verdicts"][0]["reward"] == 1.0
                wait_until(lambda: _state(api.client.get(f"/v1/jobs/{job}").json()) == [1.0])
        assert _waiting(redis) == 0


@contextmanager
def _worker(settings: dict[str, str]) -> Iterator[None]:
    command = [sys.executable, "-m", "service", "worker", "--lanes", "light"]
    with subprocess.Popen(command, cwd=ROOT, env=environment(settings)) as process:
        try:
            yield
        finally:
            process.terminate()


def _waiting(redis: Redis) -> int:
    return sum(redis.xlen(key) for key in redis.scan_iter("*light:*", _type="stream"))


# Any: a job, as JSON has it.
def _state(job: Any) -> list[float]:
    return [verdict["reward"] for verdict in job.get("verdicts") or ()]
