"""What those who run the service see: ids, records and figures of real requests."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest

from service.app import create_app
from service.broker import Broker
from service.settings import Settings
from tests.live import LiveService, start_service, wait_until

MATH = {"completion": "\\boxed{1}", "reference": {"answer": "1"}, "graders": [{"name": "math"}]}
GOLD = "unspeakable-gold"
KEY = "unspeakable-key"
SAID = "unspeakable-completion"


@pytest.fixture(scope="module")
def service() -> Iterator[LiveService]:
    said = {"LOGS": "json", "LOG_LEVEL": "DEBUG"}
    with start_service(said | {"WORKERS": "1", "API_KEYS": f"ann+admin+grade:{KEY}"}) as service:
        service.client.headers["Authorization"] = f"Bearer {KEY}"
        service.await_ready()
        yield service


def _records(service: LiveService) -> list[dict[str, Any]]:
    return [json.loads(line) for line in service.log]


def _answered(service: LiveService, request_id: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    def told() -> bool:
        found[:] = [
            record
            for record in _records(service)
            if record.get("request_id") == request_id and record["message"] == "answered"
        ]
        return bool(found)

    wait_until(told)
    return found[0]


def _value(service: LiveService, sample: str) -> float:
    text = service.client.get("/metrics").text
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("step-17/batch.3:a=b+c@d_e", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("two words", False),
        ("é", False),
        ("", False),
    ],
)
def test_a_request_keeps_its_id_if_it_is_short_and_plain(
    service: LiveService, sent: str, *, kept: bool
) -> None:
    response = service.client.get("/healthz", headers={b"X-Request-Id": sent.encode()})
    (given,) = response.headers.get_list("x-request-id")
    assert (given == sent) is kept
    assert re.fullmatch(r"[0-9a-f]{32}" if not kept else r".+", given)


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("GET", "/nowhere", b"", 404),
        ("GET", "/v1/grade", b"", 405),
        ("POST", "/v1/grade", b"{", 400),
        ("POST", "/v1/grade", b"{}", 422),
        ("GET", "/v1/jobs/none", b"", 404),
    ],
)
def test_refusals_have_an_id_and_a_record(
    service: LiveService, method: str, path: str, content: bytes, status: int
) -> None:
    response = service.client.request(method, path, content=content)
    assert response.status_code == status
    record = _answered(service, response.headers["x-request-id"])
    said = {name: record[name] for name in ("method", "path", "status", "level", "tenant")}
    assert said == {
        "method": method, "path": path, "status": status, "level": "INFO", "tenant": "ann",
    }  # fmt: skip


def test_who_shows_no_key_has_an_id_and_a_record_too(service: LiveService) -> None:
    response = httpx.get(f"{service.url}/v1/graders", trust_env=False)
    assert response.status_code == 401
    record = _answered(service, response.headers["x-request-id"])
    assert record["status"] == 401
    assert "tenant" not in record


def test_a_request_goes_by_its_id_through_the_queue_and_nothing_secret_is_said(
    service: LiveService,
) -> None:
    item = MATH | {"completion": f"{SAID} \\boxed{{1}}", "reference": {"answer": GOLD}}
    body = {"items": [item, MATH], "graders": []}
    headers = {"X-Request-Id": "one-way"}
    assert service.client.post("/v1/grade", json=body, headers=headers).status_code == 200
    record = _answered(service, "one-way")
    assert (record["items"], record["tenant"], record["path"]) == (2, "ann", "/v1/grade")
    assert record["ms"] > 0

    def graded() -> bool:
        return any(record.get("request_ids") == ["one-way"] for record in _records(service))

    wait_until(graded)
    (graded_record,) = [r for r in _records(service) if r.get("request_ids") == ["one-way"]]
    assert graded_record["tenant"] == "ann"
    assert "light" in graded_record["worker"]
    text = "".join(service.log)
    assert not [secret for secret in (SAID, GOLD, KEY) if secret in text]


def test_a_path_forges_no_record(service: LiveService) -> None:
    before = len(service.log)
    path = "/%0a%7b%22level%22:%22ERROR%22%7d%1b[2J"
    head = [
        f"GET {path} HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {KEY}",
        "X-Request-Id: forged",
        "Connection: close",
    ]
    address = httpx.URL(service.url)
    with socket.create_connection((address.host, address.port or 0)) as client:
        client.sendall("\r\n".join([*head, "", ""]).encode())
        while client.recv(4096):
            pass
    record = _answered(service, "forged")
    assert (record["path"], record["status"]) == ('/\n{"level":"ERROR"}\x1b[2J', 404)
    assert all(line[:-1].isprintable() for line in service.log[before:])


def test_what_the_worker_measured_is_in_the_metrics(service: LiveService) -> None:
    calls = 'touchstone_grader_seconds_count{grader="math",lane="light"}'
    waits = 'touchstone_queue_wait_seconds_count{lane="light"}'
    before = _value(service, calls), _value(service, waits)
    made_up = {"completion": "", "graders": [{"name": "made-up"}]}
    service.grade({"graders": [], "items": [MATH, MATH | {"completion": "\\boxed{2}"}, made_up]})
    assert _value(service, calls) == before[0] + 2
    assert _value(service, waits) > before[1]
    assert _value(service, 'touchstone_slots{lane="light"}') == 1
    assert _value(service, 'touchstone_slots{lane="code"}') >= 1
    assert "made-up" not in service.client.get("/metrics").text


def test_a_request_told_twice_is_counted_as_such(service: LiveService) -> None:
    before = _value(service, "touchstone_repeated_requests_total")
    for _ in range(2):
        headers = {"Idempotency-Key": "told-twice"}
        body = {"graders": [], "items": [MATH]}
        assert service.client.post("/v1/grade", json=body, headers=headers).status_code == 200
    assert _value(service, "touchstone_repeated_requests_total") == before + 1


def test_equal_items_of_a_job_are_all_counted(service: LiveService) -> None:
    """The worker grades one of them, and nobody awaits its reply."""
    sample = 'touchstone_grades_total{grader="code",outcome="ungradable",reason="bad_reference"}'
    before = _value(service, sample)
    item = {"completion": "x", "reference": {"tests": {}}, "graders": [{"name": "code"}]}
    job = service.client.post("/v1/jobs", json={"graders": [], "items": [item] * 5}).json()["id"]
    assert _value(service, "touchstone_jobs_running") <= 1
    wait_until(lambda: service.client.get(f"/v1/jobs/{job}").json()["status"] == "done")
    wait_until(lambda: _value(service, sample) == before + 5)
    assert _value(service, "touchstone_jobs_running") == 0
    assert _value(service, 'touchstone_queue_items{lane="code",priority="batch"}') == 0


def test_metrics_answer_while_redis_is_away() -> None:
    settings = {"REDIS_URL": "redis://127.0.0.1:1/0"}
    with start_service(settings, ("api",)) as service:
        response = service.client.get("/metrics")
        assert response.status_code == 200
        assert _value(service, "touchstone_redis_up") == 0
        assert "touchstone_build_info{" in response.text
        ready = service.client.get("/readyz")
        assert (ready.status_code, ready.json()["redis"]) == (503, "down")


def test_readiness_sums_what_the_workers_say_of_themselves(service: LiveService) -> None:
    lanes = service.client.get("/readyz").json()["lanes"]
    assert (lanes["light"]["slots"], lanes["light"]["busy"]) == (1, 0)


def _no_broker() -> AbstractAsyncContextManager[Broker]:
    raise AssertionError("nothing here needs a broker")


@pytest.mark.anyio
async def test_where_we_fail_the_answer_names_the_id_and_no_more() -> None:
    app = create_app(Settings(), open_broker=_no_broker)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError(SAID)

    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        response = await client.get("/broken", headers={"X-Request-Id": "failed-1"})
    assert (response.status_code, response.headers["x-request-id"]) == (500, "failed-1")
    assert "failed-1" in response.json()["detail"]
    assert SAID not in response.text
