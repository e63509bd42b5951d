"""A worker is killed every second: no item is lost, told twice or scored for it."""

from __future__ import annotations

import os
import random
import signal
from typing import Any

import pytest
from redis import Redis

from service.embedded_redis import EmbeddedRedis
from service.streams import LANES, presence_key, workers_key
from tests.live import LiveService, alive, start_service
from tests.service.chaos.load import Load, under_way

_EVERY_S = 1.0
# Then the load may end: a worker takes seconds to start, and a small machine starts few at once.
_DEATHS = 6
_SETTINGS = {"WORKERS": "2", "SANDBOX_SLOTS": "2", "LEASE_S": "1"}


# Each that is killed is started again, in seconds of computing.
@pytest.mark.timeout(600)
def test_ten_thousand_items_outlive_their_workers(redis_server: EmbeddedRedis) -> None:
    with (
        start_service({"REDIS_URL": redis_server.url} | _SETTINGS) as service,
        Redis.from_url(redis_server.url) as redis,
    ):
        service.await_ready()
        with under_way(service.url, seed=1) as load:
            deaths = _killed(service, redis, load)
        load.check()
        assert deaths >= 3
        service.await_said("a worker died over")


def _killed(service: LiveService, redis: Redis, load: Load) -> int:
    """Kill a random one of the workers that work, again and again; how many there were."""
    chance = random.Random(1)  # noqa: S311 - no secret
    killed: set[int] = set()
    while len(killed) < _DEATHS and load.goes_on(_EVERY_S):
        serving = [pid for pid in _serving(redis) if pid not in killed and alive(pid)]
        if serving:
            victim = chance.choice(sorted(serving))
            os.kill(victim, signal.SIGKILL)
            killed.add(victim)
    return len(killed)


def _serving(redis: Redis) -> set[int]:
    """The workers that are ready, by the names they have given themselves."""
    # Any: redis-py types the answers as the union over all protocols.
    found: list[Any] = [name for lane in LANES for name in redis.smembers(workers_key(lane))]
    names = {name.decode() for name in found}
    present = {name for name in names if redis.exists(presence_key(name))}
    return {int(name.rsplit("-", 3)[1]) for name in present}
