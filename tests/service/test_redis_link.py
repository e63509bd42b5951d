"""Sentinel and Cluster, as processes; and what is said of URLs that name neither."""

from __future__ import annotations

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from service.redis_address import BadRedisUrl, Place, read_redis_url
from service.redis_link import connect
from tests.live import LiveService, start_service, wait_until
from tests.service.redis_servers import BOUNDS, a_cluster, watched_servers

KEY = "{touchstone}:something"
WRONG: list[tuple[str, str]] = [
    ("http://h:1", "redis+sentinel://"),
    ("redis+sentinel://h:1", "the master's name"),
    ("redis+sentinel://h:1/", "the master's name"),
    ("redis+sentinel://h:1,/mymaster", "host:port,host:port"),
    ("redis+cluster://h:99999", "host:port,host:port"),
    ("redis+cluster://h:1/2", "one database"),
    ("redis+cluster://h:1?db=2", "one database"),
    ("redis://h:1?protocol=3", "no option 'protocol'"),
    ("redis://h:1?ssl_ca_certs=x", "no option 'ssl_ca_certs'"),
    ("rediss://h:1?ssl_ca_certs=/no/such.pem", "/no/such.pem"),
    ("redis://h:port", "port"),
    ("redis://h?db=x", "db"),
]
RIGHT: list[tuple[str, tuple[Place, ...], str]] = [
    ("redis+sentinel://a,b:7/m", (Place("a", 26379), Place("b", 7)), "m"),
    ("rediss+sentinel://u:p%40@a:1/m?db=3", (Place("a", 1),), "m"),
    ("redis+cluster://[::1]:7000, b", (Place("::1", 7000), Place("b", 6379)), ""),
    ("redis://h/1", (), ""),
    ("unix:///run/redis.sock?db=1", (), ""),
]


@pytest.mark.parametrize(("url", "said"), WRONG)
def test_a_url_that_names_no_redis_is_refused_with_what_to_write(url: str, said: str) -> None:
    with pytest.raises(BadRedisUrl) as refused:
        read_redis_url(url)
    assert said in str(refused.value)
    assert url.partition("?")[0].removesuffix("port") in str(refused.value)


UNESCAPED: list[tuple[str, str]] = [
    ("redis+sentinel://u:hid@h", "the master's name"),
    ("redis+cluster://h?sentinel_password=hid", "no option 'sentinel_password'"),
    ("redis://:p/hid@h:6379/0", "percent-encode"),
    ("redis://u:hid/den@h/0", "percent-encode"),
    ("redis+sentinel://:hid/den@a:1/m", "percent-encode"),
    ("redis+cluster://:hid/den@a", "percent-encode"),
    ("redis://:hid#den@h", "percent-encode"),
    ("redis://:hid?den@h", "percent-encode"),
    ("redis://:hid[den@h", "percent-encode"),
    ("redis:/:hid@h", "percent-encode"),
    ("rediss://h/0?ssl_password=hid#den", "percent-encode"),
    ("redis+sentinel://a/m?sentinel_password=hid&den", "percent-encode"),
    ("redis+sentinel://a/m?sentinel_password=hid&den=", "percent-encode"),
    ("http://:hid/den@h", "begins with none of"),
    ("redis://:hid@h:port", "no number"),
    ("redis://u:hid", "no number"),
    ("redis://u:9hid/0", "no number"),
]


@pytest.mark.parametrize(("url", "said"), UNESCAPED)
def test_a_refusal_shows_no_password(url: str, said: str) -> None:
    with pytest.raises(BadRedisUrl) as refused:
        read_redis_url(url)
    assert said in str(refused.value)
    for part in ("hid", "den"):
        assert part not in str(refused.value)


@pytest.mark.parametrize(("url", "places", "master"), RIGHT)
def test_a_url_is_read(url: str, places: tuple[Place, ...], master: str) -> None:
    address = read_redis_url(url)
    assert (tuple(address.places), address.master) == (places, master)


def test_what_a_url_says_reaches_the_connection() -> None:
    pool = connect("rediss+sentinel://u:p%40@a:1/m?db=3&sentinel_password=q").connection_pool
    connection = pool.make_connection()  # type: ignore[no-untyped-call] # redis-py's
    assert (connection.db, connection.username, connection.password) == (3, "u", "p@")
    assert read_redis_url("redis+sentinel://a/m?sentinel_password=q").asking == {"password": "q"}


async def test_without_any_master_every_sentinel_is_named() -> None:
    async with connect("redis+sentinel://127.0.0.1:1,127.0.0.1:2/m") as redis:
        with pytest.raises(RedisConnectionError, match=r"127\.0\.0\.1:1: .*127\.0\.0\.1:2: "):
            await redis.ping()


def _program(number: int, busy_s: float = 0.0) -> dict[str, Any]:
    wait = f"import time\nwhile time.process_time() < {busy_s}: pass\n"
    tests = {"hidden": [{"stdout": f"{number}\n"}]}
    return {
        "completion": f"```python\n{wait}print({number})\n```",
        "reference": {"tests": tests},
        "graders": [{"name": "code"}],
    }


def _sum(number: int) -> dict[str, Any]:
    completion, answer = f"\\boxed{{{number}}}", {"answer": number}
    return {"completion": completion, "reference": answer, "graders": [{"name": "math"}]}


def test_a_fail_over_in_mid_batch_costs_no_verdict(tmp_path: Path) -> None:
    items = [item for n in range(24) for item in (_sum(n), _program(n, busy_s=0.1))]
    with (
        watched_servers(tmp_path) as servers,
        start_service({"REDIS_URL": servers.url, "LEASE_S": "2"}) as service,
        ThreadPoolExecutor(1) as pool,
    ):
        service.await_ready()
        answer = pool.submit(service.grade, {"items": items})
        wait_until(lambda: _waiting(service) > 1)
        servers.master.process.send_signal(signal.SIGKILL)
        verdicts = answer.result()
        assert [verdict["reward"] for verdict in verdicts] == [1.0] * len(items)
        wait_until(lambda: servers.replica.ask("ROLE")[0] == b"master")


def _waiting(service: LiveService) -> int:
    lanes = service.client.get("/readyz").json()["lanes"]
    # None are told of while the master is looked for.
    return int(lanes["code"]["chunks"]) if lanes else 0


def test_a_cluster_serves_batches_jobs_and_cancelling(tmp_path: Path) -> None:
    with (
        a_cluster(tmp_path) as nodes,
        start_service({"REDIS_URL": f"redis+cluster://127.0.0.1:{nodes[0].port}"}) as service,
    ):
        service.await_ready()
        items = [item for n in range(8) for item in (_sum(n), _program(n))]
        assert [verdict["reward"] for verdict in service.grade({"items": items})] == [1.0] * 16

        job = service.client.post("/v1/jobs", json={"items": items}).json()["id"]
        with service.client.stream("GET", f"/v1/jobs/{job}/events") as stream:
            lines = [line for line in stream.iter_lines() if line.startswith("data: ")]
        assert "".join(lines).count('"reward":1.0') == len(items)

        slow = {"items": [_program(100 + n, busy_s=0.2) for n in range(32)]}
        job = service.client.post("/v1/jobs", json=slow).json()["id"]
        assert service.client.delete(f"/v1/jobs/{job}").status_code < 300
        wait_until(lambda: _state(service, job) == "cancelled")


def _state(service: LiveService, job: str) -> str:
    state: str = json.loads(service.client.get(f"/v1/jobs/{job}").content)["status"]
    return state


async def test_a_slot_that_moves_is_followed(tmp_path: Path) -> None:
    with a_cluster(tmp_path) as nodes:
        seeds = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        async with connect(f"redis+cluster://{seeds}") as redis:
            await redis.get(KEY)
            slot = nodes[0].ask("CLUSTER", "KEYSLOT", KEY)
            before = next(
                node for node, (_, last) in zip(nodes, BOUNDS, strict=True) if slot <= last
            )
            after = next(node for node in nodes if node is not before)
            name = after.ask("CLUSTER", "MYID").decode()
            for node in (after, before, *nodes):
                node.ask("CLUSTER", "SETSLOT", slot, "NODE", name)
            with pytest.raises(RedisConnectionError, match="not in charge"):
                await redis.set(KEY, "here")
            await redis.set(KEY, "here")
        assert after.client.get(KEY) == b"here"
