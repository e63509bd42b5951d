"""Processes that are killed under load: what was asked is still answered, and never with a 0."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import orjson
import pytest
from redis import Redis

from service.broker import Broker
from service.embedded_redis import EmbeddedRedis
from service.items import Errand, Work
from service.queues import ANYBODY, Queue
from service.settings import Settings
from tests.live import ROOT, alive, children, command_line, environment, start_service, wait_until
from tests.service.redis_servers import held_chunks

LIGHT = Queue("light", "interactive", ANYBODY).key


def _slow_batch(count: int) -> dict[str, Any]:
    """Answers of some 20 ms each, as only the symbolic tier integrates; every third is wrong."""
    items = [
        {
            "id": str(n),
            "completion": f"\\boxed{{\\int_0^{{{n + (n % 3 == 0)}}} x^2 dx}}",
            "reference": {"answer": f"\\int_0^{{{n}}} x \\cdot x dx"},
        }
        for n in range(1, count + 1)
    ]
    return {"graders": [{"name": "math"}], "items": items}


def test_a_worker_killed_in_the_middle_of_a_batch_costs_no_verdict(
    redis_server: EmbeddedRedis,
) -> None:
    settings = {"REDIS_URL": redis_server.url, "LEASE_S": "1", "CHUNK_ITEMS": "20"}
    with start_service(settings) as service, Redis.from_url(redis_server.url) as redis:
        service.await_ready()
        with ThreadPoolExecutor(1) as threads:
            asked = threads.submit(service.grade, _slow_batch(240))
            wait_until(lambda: held_chunks(redis, LIGHT) == 2)
            victim = service.workers()[0]
            os.kill(victim, signal.SIGKILL)
            verdicts = asked.result()
        expected = [float(n % 3 != 0) for n in range(1, 241)]
        assert [verdict["reward"] for verdict in verdicts] == expected
        assert [verdict["id"] for verdict in verdicts] == [str(n) for n in range(1, 241)]
        wait_until(lambda: len(service.workers()) == 2 and victim not in service.workers())


@contextmanager
def _restarted(redis_url: str) -> Iterator[list[int]]:
    """A lethal worker, started anew whenever it dies; yields the exit statuses so far."""
    over = threading.Event()
    statuses: list[int] = []
    running: list[subprocess.Popen[bytes]] = []

    def keep() -> None:
        while not over.is_set():
            command = [sys.executable, "-m", "tests.service.lethal_worker", redis_url]
            environ = environment({"LEASE_S": "0.5", "DELIVERIES": "3"})
            with subprocess.Popen(command, cwd=ROOT, env=environ) as worker:
                running[:] = [worker]
                statuses.append(worker.wait())

    keeper = threading.Thread(target=keep)
    keeper.start()
    try:
        yield statuses
    finally:
        over.set()
        running[0].terminate()
        keeper.join()


@pytest.mark.anyio
async def test_an_item_that_kills_its_worker_fails_alone(redis_server: EmbeddedRedis) -> None:
    texts = ["a"] * 5 + ["die"] + ["b"] * 5
    calls = orjson.dumps([{"name": "exact"}])
    works = [
        Work(None, "light", calls, orjson.dumps({"completion": t, "reference": {"answer": "a"}}))
        for t in texts
    ]
    with _restarted(redis_server.url) as deaths:
        async with Broker(redis_server.url, settings=Settings()) as broker:
            answers = await broker.submit(works, Errand(100))
        assert deaths.count(-signal.SIGKILL) == 3
    assert [a.reward for a in answers] == [1.0] * 5 + [None] + [0.0] * 5
    verdict = orjson.loads(answers[5].verdict)
    assert (verdict["outcome"], verdict["grades"][0]["reason"]) == ("failed", "worker_died")


def test_hostile_answers_cost_the_hundred_honest_ones_nothing() -> None:
    honest = [
        {"completion": f"so \\boxed{{{n}}}", "reference": {"answer": str(n)}} for n in range(100)
    ]
    hostile = [
        {"completion": "\\boxed{9^{9^{9^{9}}}}", "reference": {"answer": "7"}},
        {"completion": "\\boxed{\\binom{10^{12}}{5\\cdot10^{11}}}", "reference": {"answer": "7"}},
    ]
    items = [*honest[:30], hostile[0], *honest[30:70], hostile[1], *honest[70:]]
    with start_service({}) as service:
        verdicts = service.grade({"graders": [{"name": "math"}], "items": items, "deadline_s": 60})
    rewards = [verdict["reward"] for verdict in verdicts]
    assert [rewards.pop(71), rewards.pop(30)] == [0.0, 0.0]
    assert rewards == [1.0] * 100
    reasons = {verdicts[place]["grades"][0]["reason"] for place in (30, 71)}
    assert reasons <= {"too_complex", "timeout"}


def test_the_private_redis_comes_back_and_the_batch_with_it() -> None:
    with start_service({"LEASE_S": "1"}) as service:
        service.await_ready()
        (server,) = [
            pid
            for pid in children(service.process.pid)
            if "redis-server" in command_line(pid) or "valkey-server" in command_line(pid)
        ]
        with ThreadPoolExecutor(1) as threads:
            asked = threads.submit(service.grade, _slow_batch(120))
            wait_until(lambda: bool(service.workers()))
            os.kill(server, signal.SIGKILL)
            refused = asked.exception()
            # Killed before the batch was accepted: then it was refused and not graded.
            assert refused is None or "Redis is away" in str(refused)
            verdicts = _again(service.url) if refused else asked.result()
        assert [v["reward"] for v in verdicts] == [float(n % 3 != 0) for n in range(1, 121)]


def _again(url: str) -> list[dict[str, Any]]:
    with httpx.Client(base_url=url, timeout=120, trust_env=False) as client:
        while (answer := client.post("/v1/grade", json=_slow_batch(120))).status_code == 503:
            continue
    verdicts: list[dict[str, Any]] = answer.json()["verdicts"]
    return verdicts


def test_a_redis_that_is_away_is_said_and_nothing_is_invented() -> None:
    with EmbeddedRedis() as server:
        url = server.url
    with start_service({"REDIS_URL": url}, ["api"]) as service:
        answer = service.client.post("/v1/grade", json=_slow_batch(1))
        assert answer.status_code == 503
        assert "Retry-After" in answer.headers
        assert service.client.get("/healthz").status_code == 200
        ready = service.client.get("/readyz")
        assert (ready.status_code, ready.json()["redis"]) == (503, "down")
        assert service.client.get("/metrics").status_code == 200
        isolation = service.client.get("/v1/isolation")
        assert (isolation.status_code, "Retry-After" in isolation.headers) == (503, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_cleanly_and_takes_everything_along(number: signal.Signals) -> None:
    with start_service({}) as service:
        service.await_ready()
        family = children(service.process.pid)
        assert len(family) >= 4
        os.killpg(service.process.pid, number)
        assert service.process.wait(60) == 0
        wait_until(lambda: not any(alive(pid) for pid in family))
        assert not any("Traceback" in line for line in service.log)


def test_nothing_outlives_a_serve_that_is_killed() -> None:
    with start_service({}) as service:
        service.await_ready()
        family = children(service.process.pid)
        service.process.kill()
        wait_until(lambda: not any(alive(pid) for pid in family))


def test_work_under_way_is_finished_before_a_service_ends() -> None:
    with start_service({}) as service:
        service.await_ready()
        with ThreadPoolExecutor(1) as threads:
            asked = threads.submit(service.grade, _slow_batch(240))
            # This one, and the one that asks.
            under_way = "touchstone_requests_running 2.0"
            wait_until(lambda: under_way in service.client.get("/metrics").text)
            service.process.send_signal(signal.SIGTERM)
            assert len(asked.result()) == 240
        assert service.process.wait(60) == 0
