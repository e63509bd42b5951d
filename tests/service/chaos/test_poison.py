"""An item that no worker survives, in a job: it fails alone, and a repeated key tells the same."""

from __future__ import annotations

import signal
from typing import Any

import httpx

from service.embedded_redis import EmbeddedRedis
from tests.live import start_service, wait_until
from tests.service.chaos.fleet import lethal_worker

_TEXTS = ["a"] * 20 + ["die"] + ["b"] * 20
_BODY = {
    "graders": [{"name": "exact"}],
    "items": [{"completion": text, "reference": {"answer": "a"}} for text in _TEXTS],
    "deadline_s": 100,
}
_KEY = {"Idempotency-Key": "k"}


# Any: the service's JSON.
def _told(client: httpx.Client, path: str) -> dict[str, Any]:
    told: dict[str, Any] = client.get(path).json()
    return told


def test_an_item_that_kills_its_worker_fails_alone_in_its_job(redis_server: EmbeddedRedis) -> None:
    with (
        start_service({"REDIS_URL": redis_server.url}, ["api"]) as service,
        lethal_worker(redis_server.url, deliveries=2) as deaths,
    ):
        client = service.client
        path = f"/v1/jobs/{client.post('/v1/jobs', json=_BODY, headers=_KEY).json()['id']}"
        wait_until(lambda: _told(client, path)["status"] == "done")
        job = _told(client, path)
        events = client.get(f"{path}/events").text
        again = client.post("/v1/grade", json=_BODY, headers=_KEY).json()
        assert deaths.count(-signal.SIGKILL) == 2
    rewards = [verdict["reward"] for verdict in job["verdicts"]]
    assert rewards == [1.0] * 20 + [None] + [0.0] * 20
    dead = job["verdicts"][20]
    assert (dead["outcome"], dead["grades"][0]["reason"]) == ("failed", "worker_died")
    assert again["verdicts"] == job["verdicts"]
    assert events.count("event: verdict") == len(_TEXTS)
