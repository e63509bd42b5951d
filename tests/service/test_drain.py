"""A process that is told to stop takes nothing new, and loses nothing that it has."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from service.broker import Broker
from service.drain import Drain
from service.embedded_redis import EmbeddedRedis
from service.items import Errand, Work
from service.lookout import look
from service.settings import Settings
from tests.live import ROOT, LiveService, environment, start_service, wait_until

SLOW = {
    "completion": "```python\nimport time\ntime.sleep(%s)\nprint(1)\n```",
    "reference": {
        "tests": {
            "mode": "stdio",
            "hidden": [{"stdin": "", "stdout": "1\n"}],
            "limits": {"wall_s": 60},
        }
    },
}


def _slow(seconds: float) -> dict[str, Any]:
    item = SLOW | {"completion": str(SLOW["completion"]) % seconds}
    return {"graders": [{"name": "code"}], "items": [item]}


MATH = {
    "graders": [{"name": "math"}],
    "items": [{"completion": "\\boxed{1}", "reference": {"answer": "1"}}],
}


class _Asked:
    """A request that is under way in a thread: the end of its body is held back."""

    def __init__(self, service: LiveService) -> None:
        self._service = service
        self._released = threading.Event()
        self._response: httpx.Response | None = None
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _body(self) -> Iterator[bytes]:
        body = json.dumps(MATH).encode()
        yield body[:10]
        self._released.wait()
        yield body[10:]

    def _ask(self) -> None:
        with httpx.Client(base_url=self._service.url, timeout=60, trust_env=False) as client:
            self._response = client.post("/v1/grade", content=self._body())

    def answer(self) -> httpx.Response:
        self._released.set()
        self._thread.join()
        assert self._response is not None
        return self._response


def _fresh(service: LiveService, method: str, path: str) -> httpx.Response:
    return httpx.request(method, service.url + path, content=b"{}", trust_env=False)


def test_while_it_drains_it_says_so_and_finishes_what_it_has() -> None:
    with start_service({"WORKERS": "1"}) as service:
        service.await_ready()
        asked = _Asked(service)
        # This one, and the one that asks.
        under_way = "touchstone_requests_running 2.0"
        wait_until(lambda: under_way in service.client.get("/metrics").text)
        service.process.send_signal(signal.SIGTERM)
        wait_until(lambda: _fresh(service, "GET", "/readyz").json()["status"] == "draining")
        ready = _fresh(service, "GET", "/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (503, False)
        for path in ("/v1/grade", "/v1/jobs", "/v1/validate"):
            refused = _fresh(service, "POST", path)
            assert refused.status_code == 503
            assert int(refused.headers["Retry-After"]) >= 1
            assert refused.headers["Connection"] == "close"
        assert _fresh(service, "GET", "/healthz").status_code == 200
        refused_metric = 'touchstone_refused_total{reason="draining"} 3.0'
        assert refused_metric in _fresh(service, "GET", "/metrics").text
        (verdict,) = asked.answer().json()["verdicts"]
        assert verdict["reward"] == 1.0
        assert service.process.wait(30) == 0


def test_events_end_and_the_port_stays_open_for_the_notice() -> None:
    with start_service({"WORKERS": "1", "DRAIN_NOTICE_S": "20", "DRAIN_S": "30"}) as service:
        service.await_ready()
        job = service.client.post("/v1/jobs", content=json.dumps(_slow(20))).json()["id"]
        with service.client.stream("GET", f"/v1/jobs/{job}/events") as events:
            service.process.send_signal(signal.SIGTERM)
            assert b"event: done" not in events.read()
        assert _fresh(service, "GET", "/readyz").json()["status"] == "draining"
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(60) == 0


def _worker(settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "service", "worker", "--lanes", "code"],
        cwd=ROOT,
        env=environment(settings),
    )


class _Ended:
    """Whether, and after how long, the draining was over."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


@pytest.mark.anyio
async def test_it_waits_for_requests_to_the_limit_and_no_longer() -> None:
    drain, ended = Drain(limit_s=0.2), _Ended()
    with drain.running():
        drain.begin(ended)
        assert drain.begun
        await asyncio.sleep(0)
        assert not ended.times
        with pytest.raises(asyncio.CancelledError):
            await asyncio.Event().wait()
        assert (ended.times, drain.over, drain.hurried) == (1, True, False)


@pytest.mark.anyio
async def test_it_ends_with_the_last_request() -> None:
    drain, ended = Drain(limit_s=60), _Ended()
    with drain.running():
        with drain.running():
            drain.begin(ended)
        await asyncio.sleep(0)
        assert not ended.times
    while not ended.times:
        await asyncio.sleep(0.01)


@pytest.mark.anyio
async def test_told_twice_it_waits_no_more() -> None:
    drain, ended = Drain(limit_s=60), _Ended()
    with drain.running():
        drain.begin(ended)
        drain.begin(ended)
        assert (ended.times, drain.over, drain.hurried) == (1, True, True)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(0)


def test_told_twice_it_answers_what_it_gives_up_and_goes_at_once() -> None:
    settings = {"WORKERS": "1", "DRAIN_S": "600", "LEASE_S": "600"}
    with start_service(settings) as service, ThreadPoolExecutor(1) as pool:
        service.await_ready()
        asked = pool.submit(service.client.post, "/v1/grade", content=json.dumps(_slow(60)))
        wait_until(lambda: '"busy":1' in _fresh(service, "GET", "/readyz").text)
        service.process.send_signal(signal.SIGTERM)
        wait_until(lambda: _fresh(service, "GET", "/readyz").json()["status"] == "draining")
        service.process.send_signal(signal.SIGTERM)
        given_up = asked.result()
        assert (given_up.status_code, "Retry-After" in given_up.headers) == (503, True)
        assert service.process.wait(60) == 0
    assert "Exception in ASGI application" not in "".join(service.log)


@pytest.mark.anyio
async def test_a_worker_gives_back_what_it_does_not_finish(redis_server: EmbeddedRedis) -> None:
    """Another has it long before the lease of the first is over, and counts no death."""
    settings = Settings(lease_s=60)
    place = {"REDIS_URL": redis_server.url, "DRAIN_S": "0.2", "LEASE_S": "60"}
    # Longer than it takes to be seen at work, to notice SIGTERM, and to drain.
    body = _slow(5)
    work = Work(
        None,
        "code",
        json.dumps(body["graders"]).encode(),
        json.dumps(body["items"][0]).encode(),
    )

    async def held(broker: Broker) -> int:
        return sum(worker.busy for worker in (await look(broker.redis)).lanes["code"].workers)

    async with Broker(redis_server.url, settings=settings) as broker:
        asked = asyncio.create_task(broker.submit([work], Errand(60)))
        with _worker(place) as first:
            while not await held(broker):
                await asyncio.sleep(0.05)
            first.terminate()
            assert await asyncio.to_thread(first.wait, 30) == 0
        assert not asked.done()
        began_s = time.monotonic()
        with _worker(place | {"DRAIN_S": "30"}) as second:
            (answer,) = await asked
            second.terminate()
            await asyncio.to_thread(second.wait, 30)
        assert answer.reward == 1.0
        assert time.monotonic() - began_s < settings.lease_s
        assert broker.figures.lost["code"] == 0


@pytest.mark.anyio
async def test_a_worker_does_not_run_anew_what_it_gave_back(redis_server: EmbeddedRedis) -> None:
    """Its threads try again what was ended under them, and would hold it up for as long."""
    place = {"REDIS_URL": redis_server.url, "DRAIN_S": "0.2"}
    async with Broker(redis_server.url, settings=Settings()) as broker:
        with _worker(place) as worker:
            body = _slow(60)
            tests = {"hidden": [{"stdout": "1\n"}], "limits": {"wall_s": 60}}
            item = body["items"][0] | {"reference": {"tests": tests}}
            graders = json.dumps(body["graders"]).encode()
            work = Work(None, "code", graders, json.dumps(item).encode())
            asked = asyncio.create_task(broker.submit([work], Errand(60)))
            while not sum(one.busy for one in (await look(broker.redis)).lanes["code"].workers):
                await asyncio.sleep(0.05)
            began_s = time.monotonic()
            worker.terminate()
            assert await asyncio.to_thread(worker.wait, 60) == 0
            assert time.monotonic() - began_s < 30
        asked.cancel()
