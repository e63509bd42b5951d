"""Clients that leave, or take no answer: what they held is free for others."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from service.bodies import Bodies, BodyRefused
from service.settings import Settings
from tests.live import LiveService, start_service, wait_until

KEY = {"Authorization": "Bearer secret"}
ONE_AT_A_TIME = {
    "API_KEYS": "ann:secret",
    "KEY_REQUESTS": "1",
    "WORKERS": "1",
    "DRAIN_S": "0.2",
    "BODY_BYTES": "8000000",
    "BODIES_BYTES": "8000000",
}
SUM = {
    "graders": [{"name": "math"}],
    "items": [{"completion": "\\boxed{1}", "reference": {"answer": "1"}}],
}


def _slow(seconds: float) -> dict[str, Any]:
    completion = f"```python\nimport time\ntime.sleep({seconds})\nprint(1)\n```"
    tests = {"mode": "stdio", "hidden": [{"stdout": "1\n"}], "limits": {"wall_s": seconds + 5}}
    item = {"completion": completion, "reference": {"tests": tests}}
    return {"graders": [{"name": "code"}], "items": [item]}


@pytest.fixture
def service() -> Iterator[LiveService]:
    with start_service(ONE_AT_A_TIME) as service:
        service.client.headers.update(KEY)
        service.await_ready()
        yield service


@contextmanager
def _asked(
    service: LiveService, body: dict[str, Any] | None, *lines: str
) -> Iterator[socket.socket]:
    """A client that has asked, and leaves at the end without having read a byte."""
    address = urlsplit(service.url)
    content = json.dumps(body).encode() if body else b""
    head = [*lines, "Host: x", f"Authorization: {KEY['Authorization']}"]
    head += [f"Content-Length: {len(content)}", "", ""]
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.connect((address.hostname, address.port))
        client.sendall("\r\n".join(head).encode() + content)
        yield client


def _is_told(client: socket.socket) -> bool:
    return client.recv(12, socket.MSG_PEEK) == b"HTTP/1.1 200"


def _await_work(service: LiveService) -> None:
    """Wait for what was asked to be at work: what is asked before may be let in before."""
    wait_until(lambda: service.client.get("/readyz").json()["lanes"]["code"]["busy"] == 1)


def _status(service: LiveService) -> int:
    return service.client.post("/v1/grade", json=SUM).status_code


def test_who_leaves_gives_up_what_was_asked(service: LiveService) -> None:
    with _asked(service, _slow(30), "POST /v1/grade HTTP/1.1"):
        _await_work(service)
        assert _status(service) == 429
    wait_until(lambda: _status(service) == 200)


def test_what_has_a_key_goes_on_and_is_there_for_the_next(service: LiveService) -> None:
    body = _slow(6)
    with _asked(service, body, "POST /v1/grade HTTP/1.1", "Idempotency-Key: k"):
        _await_work(service)
        assert _status(service) == 429
    wait_until(lambda: _status(service) == 200)
    again = service.client.post(
        "/v1/grade", content=json.dumps(body), headers={"Idempotency-Key": "k"}
    )
    assert again.json()["verdicts"][0]["reward"] == 1.0


def test_who_listens_counts_as_long_as_he_does(service: LiveService) -> None:
    job = service.client.post("/v1/jobs", json=_slow(60)).json()["id"]
    with _asked(service, None, f"GET /v1/jobs/{job}/events HTTP/1.1") as client:
        assert _is_told(client)
        assert service.client.get(f"/v1/jobs/{job}").status_code == 429
        refused = service.client.get(f"/v1/jobs/{job}/events")
        assert (refused.status_code, int(refused.headers["Retry-After"]) >= 1) == (429, True)
        assert service.client.delete(f"/v1/jobs/{job}").status_code == 200
    wait_until(lambda: service.client.get(f"/v1/jobs/{job}").status_code == 200)


def _large() -> dict[str, Any]:
    item = {"completion": "1", "reference": {"answer": "1"}}
    items = [item | {"id": f"{n:05d}" + "x" * 200} for n in range(16_384)]
    return {"graders": [{"name": "exact"}], "items": items}


def test_who_takes_no_verdicts_counts_as_long_as_they_wait_for_him(service: LiveService) -> None:
    with _asked(service, _large(), "POST /v1/grade HTTP/1.1") as client:
        assert _is_told(client)
        assert _status(service) == 429
    wait_until(lambda: _status(service) == 200)


def test_who_takes_no_answer_counts_as_long_as_it_waits_for_him(service: LiveService) -> None:
    body = _large()
    path = "/v1/jobs/" + service.client.post("/v1/jobs", json=body).json()["id"]
    wait_until(lambda: service.client.get(path).json()["status"] == "done")
    told = service.client.get(path)
    assert len(told.content) == int(told.headers["Content-Length"])
    assert len(told.json()["verdicts"]) == len(body["items"])
    with _asked(service, None, f"GET {path} HTTP/1.1") as client:
        assert _is_told(client)
        assert service.client.get(path).status_code == 429
    wait_until(lambda: service.client.get(path).status_code == 200)


def test_answers_and_bodies_share_a_memory() -> None:
    bodies = Bodies(Settings(body_bytes=100, bodies_bytes=100))
    with bodies.answer("ann", 60):
        with pytest.raises(BodyRefused, match="TOUCHSTONE_BODIES_BYTES"), bodies.answer("ann", 60):
            pass
        with bodies.answer("ann", 40):
            pass
    # One alone is sent, however large it is.
    with bodies.answer("ann", 1_000):
        pass


def test_what_was_graded_is_sent_however_full_it_is_and_the_next_body_waits() -> None:
    bodies = Bodies(Settings(body_bytes=100, bodies_bytes=100))
    with (
        bodies.counted("ann", 90),
        bodies.counted("ann", 90),
        pytest.raises(BodyRefused),
        bodies.answer("ann", 1),
    ):
        pass
    with bodies.answer("ann", 100):
        pass
