"""What stands between programs and the workers' hosts, as an operator asks for it."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from sandbox import LAYERS, Floor, Isolation, Layer
from service.embedded_redis import EmbeddedRedis
from service.isolation import HostIsolation, IsolationReport, held_against, isolation_report, shown
from service.redis_link import connect
from service.settings import Settings
from service.streams import sandbox_key, sandboxes_key
from service.worker import NoLaneLeft, work
from tests.live import ROOT, LiveService, environment, start_service, wait_until

CGROUPS = ("memory_cgroup", "pids_cgroup", "cpu_cgroup")
MATH = {
    "graders": [{"name": "math"}],
    "items": [{"completion": "\\boxed{4}", "reference": {"answer": 4}}],
}


def _nowhere(folder: Path) -> dict[str, str]:
    """The settings of a host where the sandbox cannot start."""
    return {"SANDBOX": "docker", "SANDBOX_URL": f"unix://{folder}/nobody.sock"}


# Any: the fields of the report, as JSON has them.
def _report(service: LiveService) -> dict[str, Any]:
    answer = service.client.get("/v1/isolation")
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


def _workers(service: LiveService) -> int:
    return sum(host["workers"] for host in _report(service)["hosts"])


def _worker(settings: dict[str, str], lanes: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "service", "worker", "--lanes", lanes]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment(settings), stderr=subprocess.PIPE, text=True
    )


def test_every_layer_that_the_workers_found_is_shown() -> None:
    with start_service({"ISOLATION_FLOOR": "strict", "WORKERS": "2"}) as service:
        service.await_ready()
        wait_until(lambda: _workers(service) == 2)
        report = _report(service)
        (host,) = report.pop("hosts")
        assert report == {"floor": "strict", "met": True, "level": "strict"}
        layers = host.pop("layers")
        assert host == {
            "host": socket.gethostname(),
            "backend": "forkserver",
            "level": "strict",
            "serves": True,
            "refusal": "",
            "workers": 2,
        }
        assert [layer["name"] for layer in layers] == list(LAYERS)
        assert all(layer["holds"] and layer["how"] for layer in layers)


def test_a_host_without_a_sandbox_serves_all_but_code_and_says_so(tmp_path: Path) -> None:
    with start_service(_nowhere(tmp_path) | {"WORKERS": "1"}) as service:
        wait_until(lambda: _workers(service) == 1)
        wait_until(lambda: _lane(service, "light")["workers"] == 1)
        (host,) = _report(service)["hosts"]
        assert (host["backend"], host["level"], host["serves"]) == ("docker", None, False)
        assert "the docker sandbox does not start" in host["refusal"]
        assert (_report(service)["met"], _report(service)["level"]) == (False, None)

        assert service.client.get("/readyz").status_code == 503
        assert _lane(service, "code")["workers"] == 0
        (why,) = _lane(service, "code")["refusals"]
        assert why == f"{socket.gethostname()}: {host['refusal']}"
        assert _lane(service, "light")["refusals"] == []

        assert service.grade(MATH)[0]["reward"] == 1.0
        service.await_said("lane code is not served")
        errors = [line for line in service.log if " ERROR " in line]
        assert len(errors) == 1, errors
        assert "lane code is not served" in errors[0]
        assert "TOUCHSTONE_SANDBOX_URL" in errors[0]
        assert not any("a worker ended" in line for line in service.log)


def _lane(service: LiveService, lane: str) -> dict[str, Any]:
    lanes: dict[str, Any] = service.client.get("/readyz").json()["lanes"]
    state: dict[str, Any] = lanes[lane]
    return state


def test_a_worker_that_has_no_lane_left_ends_and_says_why(
    redis_server: EmbeddedRedis, tmp_path: Path
) -> None:
    settings = _nowhere(tmp_path) | {"REDIS_URL": redis_server.url}
    with _worker(settings, "code") as worker:
        _, said = worker.communicate(timeout=60)
    assert worker.returncode == 2
    assert "touchstone: lane code is not served: the docker sandbox does not start" in said
    assert "TOUCHSTONE_SANDBOX_URL" in said
    assert "Traceback" not in said


@pytest.mark.anyio
async def test_a_worker_below_the_floor_does_not_take_the_lane(
    redis_server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    # This host has every layer, so what is found is said for it.
    monkeypatch.setattr("service.isolation.open_runs", lambda _: _found(*CGROUPS))
    stop = asyncio.Event()
    settings = Settings(isolation_floor="strict")
    with pytest.raises(NoLaneLeft, match="needs memory_cgroup, pids_cgroup, cpu_cgroup"):
        await work(redis_server.url, lanes=["code"], settings=settings, stop=stop)
    working = asyncio.create_task(
        work(redis_server.url, lanes=["light", "code"], settings=settings, stop=stop)
    )
    async with _client(redis_server) as redis:
        report = await _report_of(redis, floor="strict", workers=1)
        assert not report.met
        assert (report.hosts[0].level, report.hosts[0].serves) == ("standard", False)
        stop.set()
        await working
        assert (await isolation_report(redis, floor="strict")).hosts == ()


def test_a_worker_is_shown_while_it_lives(redis_server: EmbeddedRedis) -> None:
    settings = {"REDIS_URL": redis_server.url}
    with start_service(settings, ["api"]) as api:
        assert _report(api) == {"floor": "standard", "met": False, "level": None, "hosts": []}
        with _worker(settings, "light,code") as worker:
            wait_until(lambda: _workers(api) == 1)
            worker.send_signal(signal.SIGTERM)
            worker.communicate(timeout=60)
            assert worker.returncode == 0
        # One that signs off is gone at once, one that is killed when its time is over.
        assert _report(api)["hosts"] == []
        with _worker(settings, "light,code") as worker:
            wait_until(lambda: _workers(api) == 1)
            worker.kill()
            worker.communicate()
        wait_until(lambda: not _report(api)["hosts"])


def test_a_worker_that_was_not_asked_for_code_opens_no_sandbox(redis_server: EmbeddedRedis) -> None:
    settings = {"REDIS_URL": redis_server.url}
    with start_service(settings, ["api"]) as api, _worker(settings, "light") as worker:
        wait_until(lambda: _lane(api, "light")["workers"] == 1)
        assert _report(api)["hosts"] == []
        worker.terminate()
        worker.communicate(timeout=60)


def _found(*missing: str) -> Isolation:
    layers = (
        Layer(name, name not in missing, "how", f"mend {name[-6:]}" if name in missing else "")
        for name in LAYERS
    )
    return Isolation(backend="forkserver", layers=tuple(layers))


FLOORS: list[tuple[Isolation, Floor, str | None, bool, str]] = [
    (_found(), "standard", "strict", True, ""),
    (_found(), "strict", "strict", True, ""),
    (_found(*CGROUPS), "standard", "standard", True, ""),
    (
        _found(*CGROUPS),
        "strict",
        "standard",
        False,
        "the forkserver sandbox gives standard, and the floor strict needs memory_cgroup,"
        " pids_cgroup, cpu_cgroup; mend cgroup; or set TOUCHSTONE_ISOLATION_FLOOR=standard",
    ),
    (
        _found("seccomp", "cpu_cgroup"),
        "standard",
        None,
        False,
        "the forkserver sandbox gives less than standard, and the floor standard needs seccomp;"
        " mend eccomp",
    ),
    (
        Isolation(backend="docker", layers=()),
        "standard",
        None,
        False,
        "the docker sandbox gives less than standard, and the floor standard needs layers,"
        " and none is known",
    ),
]


@pytest.mark.parametrize(
    ("found", "floor", "level", "serves", "refusal"), FLOORS, ids=range(len(FLOORS))
)
def test_what_was_found_is_held_against_the_floor(
    found: Isolation, floor: Floor, level: str | None, *, serves: bool, refusal: str
) -> None:
    entry = held_against(found, floor)
    assert (entry.level, entry.serves, entry.refusal) == (level, serves, refusal)
    assert [layer.name for layer in entry.layers] == [layer.name for layer in found.layers]


def _host(name: str, found: Isolation, floor: Floor = "standard") -> HostIsolation:
    return held_against(found, floor).model_copy(update={"host": name})


STRICT, STANDARD = _host("a", _found()), _host("b", _found(*CGROUPS))
REFUSED, BROKEN = _host("c", _found(*CGROUPS), "strict"), _host("d", _found("uid"))
REPORTS: list[tuple[list[HostIsolation], Floor, bool, str | None]] = [
    ([STRICT, STRICT], "strict", True, "strict"),
    ([STANDARD, STRICT], "standard", True, "standard"),
    ([STANDARD, STRICT], "strict", False, "standard"),
    ([REFUSED], "standard", False, None),
    ([STRICT, REFUSED], "standard", True, "strict"),
    ([STRICT, BROKEN], "standard", False, "strict"),
    ([], "standard", False, None),
]


def _client(server: EmbeddedRedis) -> Redis:
    return connect(server.url)


async def _report_of(redis: Redis, *, floor: Floor, workers: int) -> IsolationReport:
    while True:
        report = await isolation_report(redis, floor=floor)
        if sum(host.workers for host in report.hosts) == workers:
            return report
        await asyncio.sleep(0.01)


@pytest.mark.anyio
async def test_the_weakest_host_decides(redis_server: EmbeddedRedis) -> None:
    for entries, floor, met, level in REPORTS:
        async with _client(redis_server) as redis, AsyncExitStack() as stack:
            for entry in entries:
                await stack.enter_async_context(shown(redis, entry))
            report = await _report_of(redis, floor=floor, workers=len(entries))
            assert (report.met, report.level) == (met, level)
            assert [host.host for host in report.hosts] == sorted({e.host for e in entries})


@pytest.mark.anyio
async def test_a_worker_of_another_version_is_not_taken_for_isolated(
    redis_server: EmbeddedRedis,
) -> None:
    async with _client(redis_server) as redis, shown(redis, STRICT):
        await _report_of(redis, floor="standard", workers=1)
        await redis.sadd(sandboxes_key(), "box-7-17-abcdef")
        await redis.set(sandbox_key("box-7-17-abcdef"), '{"isolation": "perfect"}')
        report = await isolation_report(redis, floor="standard")
    assert (report.met, report.level) == (False, "strict")
    other = next(host for host in report.hosts if host.host == "box-7")
    assert "another version" in other.refusal


def test_the_report_is_in_the_document(live: LiveService) -> None:
    with httpx.Client(base_url=live.url, trust_env=False) as client:
        paths = client.get("/openapi.json").json()["paths"]
    assert set(paths["/v1/isolation"]["get"]["responses"]) == {"200", "401", "503"}
