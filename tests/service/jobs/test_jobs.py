"""Jobs over HTTP: asked by one, told by any replica, kept from everybody else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import httpx
import pytest

from service.embedded_redis import EmbeddedRedis
from tests.live import ROOT, LiveService, environment, start_service, wait_until

ALICE = {"Authorization": "Bearer a-secret"}
BOB = {"Authorization": "Bearer b-secret"}
KEYS = {"API_KEYS": "alice+grade+admin:a-secret,bob:b-secret"}


def _math(count: int, **more: object) -> dict[str, Any]:
    """Every third answer is wrong; the last item is none."""
    items: list[dict[str, Any]] = [
        {
            "id": str(n),
            "group": str(n // 4),
            "completion": f"\\boxed{{{n}}}",
            "reference": {"answer": n if n % 3 else n + 1},
        }
        for n in range(count)
    ]
    return {"graders": [{"name": "math"}], "items": [*items, {"id": "bad"}], **more}


def _programs(count: int, *, seconds: float) -> dict[str, Any]:
    """Programs that wait; they differ, so that each is run."""
    tests = {"language": "python", "mode": "stdio", "hidden": [{"stdin": "", "stdout": "1\n"}]}
    items = [
        {
            "id": str(n),
            "completion": f"```python\nimport time\ntime.sleep({seconds})\nprint(1)  # {n}\n```",
            "reference": {"tests": tests},
        }
        for n in range(count)
    ]
    return {"graders": [{"name": "code"}], "items": items}


def _rewards(told: dict[str, Any]) -> list[float | None]:
    return [verdict["reward"] for verdict in told["verdicts"]]


class Event(NamedTuple):
    """One server-sent event."""

    event_id: str | None
    name: str
    data: dict[str, Any]


def _events(text: str) -> list[Event]:
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line[:1] != ":")
        if fields:
            events.append(Event(fields.get("id"), fields["event"], json.loads(fields["data"])))
    return events


class Replicas(NamedTuple):
    """Two API processes before one Redis and one worker process."""

    one: httpx.Client
    other: httpx.Client


@pytest.fixture(scope="module")
def replicas() -> Iterator[Replicas]:
    with ExitStack() as stack:
        redis = stack.enter_context(EmbeddedRedis())
        settings = KEYS | {"REDIS_URL": redis.url}
        apis = [stack.enter_context(start_service(settings, ["api"])) for _ in range(2)]
        worker = [sys.executable, "-m", "service", "worker"]
        process = subprocess.Popen(worker, cwd=ROOT, env=environment(settings))
        stack.callback(process.wait)
        stack.callback(process.terminate)
        for api in apis:
            api.client.headers.update(ALICE)
            api.await_ready()
        yield Replicas(*(api.client for api in apis))


def _over(client: httpx.Client, job: str) -> dict[str, Any]:
    wait_until(lambda: client.get(f"/v1/jobs/{job}").json()["status"] != "running")
    told: dict[str, Any] = client.get(f"/v1/jobs/{job}").json()
    return told


def test_a_job_is_asked_of_one_replica_and_told_by_another(replicas: Replicas) -> None:
    asked = replicas.one.post("/v1/jobs", json=_math(10))
    assert asked.status_code == 202
    job = asked.json()["id"]
    assert asked.headers["Location"] == f"/v1/jobs/{job}"
    told = _over(replicas.other, job)
    assert (told["status"], told["items"], told["finished"]) == ("done", 11, 11)
    assert _rewards(told) == [float(n % 3 != 0) for n in range(10)] + [None]
    assert [verdict["id"] for verdict in told["verdicts"]] == [*map(str, range(10)), "bad"]
    assert [group["items"] for group in told["groups"].values()] == [
        [0, 1, 2, 3], [4, 5, 6, 7], [8, 9],
    ]  # fmt: skip
    assert told["verdicts"] == replicas.one.post("/v1/grade", json=_math(10)).json()["verdicts"]


def test_events_bring_each_verdict_once_and_go_on_where_they_ended(replicas: Replicas) -> None:
    job = replicas.one.post("/v1/jobs", json=_math(40)).json()["id"]
    answer = replicas.other.get(f"/v1/jobs/{job}/events")
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    *verdicts, done = _events(answer.text)
    assert sorted(event.data["index"] for event in verdicts) == list(range(41))
    assert (done.name, done.data) == ("done", {"status": "done", "items": 41, "finished": 41})
    for met in (0, 17, 40):
        headers = {"Last-Event-ID": str(verdicts[met].event_id)}
        rest = _events(replicas.one.get(f"/v1/jobs/{job}/events", headers=headers).text)
        assert rest == [*verdicts[met + 1 :], done]


def test_events_come_as_the_verdicts_land(replicas: Replicas) -> None:
    job = replicas.one.post("/v1/jobs", json=_programs(30, seconds=0.4)).json()["id"]
    with replicas.other.stream("GET", f"/v1/jobs/{job}/events") as stream:
        lines = (line for line in stream.iter_lines() if line.startswith("data: {"))
        first = json.loads(next(lines)[6:])
        state = replicas.one.get(f"/v1/jobs/{job}").json()
        assert first["verdict"]["reward"] == 1.0
        assert state["status"] == "running"
        assert 0 < state["finished"] < 30
        assert "verdicts" not in state
        assert len([*lines]) == 30
    told = _over(replicas.one, job)
    assert _rewards(told) == [1.0] * 30


def test_equal_programs_of_a_job_are_run_once_and_told_under_their_own_ids(
    replicas: Replicas,
) -> None:
    body = _programs(1, seconds=0.01)
    body["items"] = [body["items"][0] | {"id": str(n)} for n in range(6)]
    told = _over(replicas.one, replicas.one.post("/v1/jobs", json=body).json()["id"])
    assert _rewards(told) == [1.0] * 6
    assert [verdict["id"] for verdict in told["verdicts"]] == [*map(str, range(6))]


def test_a_cancelled_job_leaves_undone_what_is_not_begun(replicas: Replicas) -> None:
    job = replicas.one.post("/v1/jobs", json=_programs(60, seconds=0.5)).json()["id"]
    wait_until(lambda: replicas.one.get(f"/v1/jobs/{job}").json()["finished"] > 0)
    told = replicas.other.delete(f"/v1/jobs/{job}").json()
    assert told["status"] == "cancelled"
    reasons = {verdict["grades"][0]["reason"] for verdict in told["verdicts"]}
    assert reasons == {"passed", "cancelled"}
    assert _rewards(told).count(None) > 30
    _tell_the_same(replicas, job, told)
    # What was being graded is finished by now, and what was told stays as it was.
    wait_until(lambda: _items_queued(replicas.one) == 0)
    assert replicas.one.get(f"/v1/jobs/{job}").json() == told
    _tell_the_same(replicas, job, told)


def test_what_misses_the_deadline_stays_as_it_was_told(replicas: Replicas) -> None:
    # Of another length than those of the test before, whose grades are kept.
    body = _programs(40, seconds=0.51) | {"deadline_s": 2}
    job = replicas.one.post("/v1/jobs", json=body).json()["id"]
    told = _over(replicas.one, job)
    assert {verdict["grades"][0]["reason"] for verdict in told["verdicts"]} >= {"deadline"}
    _tell_the_same(replicas, job, told)
    wait_until(lambda: _items_queued(replicas.one) == 0)
    assert replicas.one.get(f"/v1/jobs/{job}").json() == told
    _tell_the_same(replicas, job, told)


def _tell_the_same(replicas: Replicas, job: str, told: dict[str, Any]) -> None:
    """The events, whole and from the middle, are the verdicts that were told, each once."""
    *verdicts, done = _events(replicas.other.get(f"/v1/jobs/{job}/events").text)
    assert done.data["status"] == told["status"]
    by_place = {event.data["index"]: event.data["verdict"] for event in verdicts}
    assert (by_place, len(verdicts)) == (dict(enumerate(told["verdicts"])), len(told["verdicts"]))
    for place in (len(verdicts) // 2, len(verdicts) - 2):
        headers = {"Last-Event-ID": verdicts[place].event_id or ""}
        *rest, _ = _events(replicas.one.get(f"/v1/jobs/{job}/events", headers=headers).text)
        assert rest == verdicts[place + 1 :]


def _items_queued(client: httpx.Client) -> float:
    found = re.findall(r"^touchstone_queue_items{.*} (\S+)$", client.get("/metrics").text, re.M)
    return sum(map(float, found))


def test_what_is_over_cannot_be_cancelled(replicas: Replicas) -> None:
    job = replicas.one.post("/v1/jobs", json=_math(3)).json()["id"]
    told = _over(replicas.one, job)
    assert replicas.one.delete(f"/v1/jobs/{job}").json() == told


def test_a_job_is_nobodys_but_its_tenants(replicas: Replicas) -> None:
    job = replicas.one.post("/v1/jobs", json=_math(3)).json()["id"]
    for method, path in (("GET", ""), ("GET", "/events"), ("DELETE", "")):
        answer = replicas.one.request(method, f"/v1/jobs/{job}{path}", headers=BOB)
        assert (answer.status_code, job in answer.json()["detail"]) == (404, True)
    assert _over(replicas.one, job)["status"] == "done"


def test_an_event_id_that_is_none_is_refused(replicas: Replicas) -> None:
    job = replicas.one.post("/v1/jobs", json=_math(1)).json()["id"]
    answer = replicas.one.get(f"/v1/jobs/{job}/events", headers={"Last-Event-ID": "my-text"})
    assert answer.status_code == 422
    assert list(answer.json()) == ["detail"]
    assert "last-event-id" in answer.json()["detail"]
    assert "my-text" not in answer.text
    _over(replicas.one, job)
    answer = replicas.one.get(f"/v1/jobs/{job}/events", headers={"Last-Event-ID": ""})
    assert len(_events(answer.text)) == 3


def test_nothing_but_bad_items_is_over_at_once(replicas: Replicas) -> None:
    told = replicas.one.post("/v1/jobs", json={"items": [{}, 1]}).json()
    assert (told["status"], told["finished"], _rewards(told)) == ("done", 2, [None, None])
    empty = replicas.one.post("/v1/jobs", json={"items": []}).json()
    assert (empty["status"], empty["verdicts"]) == ("done", [])


def test_a_job_without_workers_is_over_at_its_deadline() -> None:
    with EmbeddedRedis() as redis, start_service({"REDIS_URL": redis.url}, ["api"]) as api:
        job = api.client.post("/v1/jobs", json=_math(2, deadline_s=0.2)).json()["id"]
        told = _over(api.client, job)
        reasons = [verdict["grades"][0]["reason"] for verdict in told["verdicts"]]
        assert reasons == ["deadline", "deadline", "bad_item"]
        assert _rewards(told) == [None] * 3


def _is_kept(service: LiveService, job: str) -> bool:
    return service.client.get(f"/v1/jobs/{job}").status_code == 200


def test_results_are_kept_by_size_and_by_time() -> None:
    with start_service({"RESULTS_BYTES": "12000"}) as service:
        service.await_ready()
        jobs = []
        for _ in range(3):
            # Each some 8,000 bytes: two may not stay.
            jobs.append(service.client.post("/v1/jobs", json=_math(25)).json()["id"])
            assert _over(service.client, jobs[-1])["status"] == "done"
        assert [_is_kept(service, job) for job in jobs] == [False, False, True]
        # One that is over all of the size is kept as long as it is the newest.
        large = service.client.post("/v1/jobs", json=_math(200)).json()["id"]
        assert len(_over(service.client, large)["verdicts"]) == 201
    with start_service({"RESULTS_S": "0.5"}) as service:
        service.await_ready()
        job = service.client.post("/v1/jobs", json=_math(1)).json()["id"]
        wait_until(lambda: not _is_kept(service, job))
