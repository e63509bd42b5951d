"""`Idempotency-Key`: graded once, however often and to whichever replica it is sent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

from redis import Redis

from service.embedded_redis import EmbeddedRedis
from service.streams import GROUP
from tests.live import ROOT, LiveService, environment, start_service, wait_until

BODY = {
    "graders": [{"name": "math"}],
    "items": [
        {"id": str(n), "completion": f"\\boxed{{{n % 2}}}", "reference": {"answer": 1}}
        for n in range(50)
    ],
}
QUEUE = "{touchstone}:queue:light:interactive:anybody"


def _post(service: LiveService, key: str, body: dict[str, Any], path: str = "grade") -> Any:
    # Any: an answer's JSON.
    headers = {"Idempotency-Key": key}
    response = service.client.post(f"/v1/{path}", json=body, headers=headers)
    assert response.status_code in (200, 202), response.text
    return response.json()


def _added(redis: Redis) -> int:
    """How many chunks were ever put into the queue."""
    # Any: redis-py types the answer as the union over all protocols.
    found: Any = redis.xinfo_stream(QUEUE)
    return int(found["entries-added"])


def test_the_same_again_is_answered_and_not_graded_again(redis_server: EmbeddedRedis) -> None:
    with (
        start_service({"REDIS_URL": redis_server.url}) as service,
        Redis.from_url(redis_server.url) as redis,
    ):
        service.await_ready()
        first = _post(service, "k", BODY)
        assert [v["reward"] for v in first["verdicts"]] == [float(n % 2) for n in range(50)]
        chunks = _added(redis)
        assert _post(service, "k", BODY) == first
        job = _post(service, "k", BODY, "jobs")
        assert (job["status"], job["verdicts"]) == ("done", first["verdicts"])
        assert _added(redis) == chunks
        other = service.client.post(
            "/v1/grade", json=BODY | {"deadline_s": 9}, headers={"Idempotency-Key": "k"}
        )
        assert other.status_code == 409
        assert "choose a new key" in other.json()["detail"]
        # Graded anew, it may take another time.
        again = _post(service, "other", BODY)
        assert [v["reward"] for v in again["verdicts"]] == [float(n % 2) for n in range(50)]
        assert _added(redis) > chunks


def test_who_comes_again_attaches_to_what_a_dead_replica_began(
    redis_server: EmbeddedRedis,
) -> None:
    settings = {"REDIS_URL": redis_server.url}
    with ExitStack() as stack:
        redis = stack.enter_context(Redis.from_url(redis_server.url))
        dying, living = (stack.enter_context(start_service(settings, ["api"])) for _ in range(2))
        threads = stack.enter_context(ThreadPoolExecutor(2))
        lost = threads.submit(_post, dying, "k", BODY)
        wait_until(lambda: bool(redis.exists(QUEUE)) and int(redis.xlen(QUEUE)) > 0)
        os.kill(dying.process.pid, signal.SIGKILL)
        assert lost.exception() is not None
        attached = threads.submit(_post, living, "k", BODY)
        chunks = _added(redis)
        command = [sys.executable, "-m", "service", "worker", "--lanes", "light"]
        with subprocess.Popen(command, cwd=ROOT, env=environment(settings)) as worker:
            verdicts = attached.result()["verdicts"]
            worker.terminate()
        assert [v["reward"] for v in verdicts] == [float(n % 2) for n in range(50)]
        assert _added(redis) == chunks


def test_many_at_once_under_one_key_are_one(redis_server: EmbeddedRedis) -> None:
    with (
        # Cut into as many chunks, however many workers there are by then.
        start_service({"REDIS_URL": redis_server.url, "CHUNK_ITEMS": "1"}) as service,
        Redis.from_url(redis_server.url) as redis,
        ThreadPoolExecutor(8) as threads,
    ):
        service.await_ready()
        _post(service, "alone", BODY)
        chunks = _added(redis)
        answers = list(threads.map(lambda _: _post(service, "k", BODY), range(8)))
        assert all(answer == answers[0] for answer in answers)
        assert _added(redis) == 2 * chunks
        assert int(redis.xpending(QUEUE, GROUP)["pending"]) == 0


def test_a_deadline_that_is_over_at_once_is_no_fault_of_redis() -> None:
    body = BODY | {"deadline_s": 5e-324}
    with start_service({"WORKERS": "1"}) as service:
        service.await_ready()
        for path in ("grade", "jobs"):
            job = _post(service, path, body, path)
            assert [v["reward"] for v in job["verdicts"]] == [None] * 50
            assert {v["grades"][0]["reason"] for v in job["verdicts"]} == {"deadline"}
            again = _post(service, path, body, path)
            assert again["verdicts"] == job["verdicts"]
