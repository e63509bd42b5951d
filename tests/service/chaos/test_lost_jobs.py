"""A Redis that comes back without a job: who waits for it has his items graded anew."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from redis import Redis

from service.embedded_redis import EmbeddedRedis
from service.jobs.keys import record_key
from tests.live import LiveService, start_service, wait_until
from tests.service.chaos.fleet import workers

_BODY = {
    "graders": [{"name": "exact"}],
    "items": [{"id": str(n), "completion": "a", "reference": {"answer": "a"}} for n in range(5)],
}


def _post(service: LiveService, path: str) -> Any:
    # Any: an answer's JSON.
    answer = service.client.post(path, json=_BODY, headers={"Idempotency-Key": "k"})
    assert answer.status_code in (200, 202), answer.text
    return answer.json()


def test_who_is_attached_to_a_job_that_is_lost_is_graded_all_the_same(
    redis_server: EmbeddedRedis,
) -> None:
    settings = {"REDIS_URL": redis_server.url}
    with ExitStack() as stack:
        redis = stack.enter_context(Redis.from_url(redis_server.url))
        service = stack.enter_context(start_service(settings, ["api"]))
        threads = stack.enter_context(ThreadPoolExecutor(1))
        job = _post(service, "/v1/jobs")["id"]
        attached = threads.submit(_post, service, "/v1/grade")
        wait_until(lambda: _looked(redis, job))
        redis.delete(record_key(job))
        stack.enter_context(workers([redis_server.url], settings))
        verdicts = attached.result()["verdicts"]
    assert [(v["id"], v["reward"]) for v in verdicts] == [(str(n), 1.0) for n in range(5)]


def _looked(redis: Redis, job: str) -> bool:
    """Whether the one that is attached has read the job's verdicts: there are none yet."""
    # Any: redis-py types the answer as the union over all protocols.
    told: Any = redis.info("commandstats")
    return "cmdstat_xrange" in told and int(told["cmdstat_xrange"]["calls"]) > 0
