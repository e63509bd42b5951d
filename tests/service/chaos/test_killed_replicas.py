"""API replicas are killed by turns: who asks again through the other gets every verdict."""

from __future__ import annotations

import gc
import os
import signal
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from service.embedded_redis import EmbeddedRedis
from tests.live import LiveService, start_service
from tests.service.chaos.fleet import await_workers, workers
from tests.service.chaos.load import under_way
from tests.service.chaos.relay import Place, relay_to

# Ten thousand items, on as few cores as there are.
pytestmark = pytest.mark.timeout(600)

_SETTINGS = {"LEASE_S": "1"}


# A connection of the load that is cut off in the middle is nobody's to close.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ten_thousand_items_outlive_the_replicas(redis_server: EmbeddedRedis) -> None:
    settings = {"REDIS_URL": redis_server.url} | _SETTINGS
    with ExitStack() as stack:
        replicas = [stack.enter_context(start_service(settings, ["api"])) for _ in range(2)]
        ports = [_port(replica) for replica in replicas]
        relay = stack.enter_context(relay_to(*map(Place, ports)))
        stack.enter_context(workers([redis_server.url] * 2, settings))
        await_workers(replicas[0], 2)
        deaths = 0
        with under_way(f"http://127.0.0.1:{relay.port}", seed=2) as load:
            while not load.over and deaths < 6:
                mortal = deaths % 2
                os.kill(replicas[mortal].process.pid, signal.SIGKILL)
                replicas[mortal].process.wait()
                deaths += 1
                # It is back before the other goes: somebody is there all the time.
                again = start_service(settings | {"PORT": str(ports[mortal])}, ["api"])
                replicas[mortal] = stack.enter_context(again)
        load.check()
        assert deaths >= 2
    # What was cut off goes here, and not in the midst of another test.
    gc.collect()


def _port(service: LiveService) -> int:
    port = urlsplit(service.url).port
    assert port is not None
    return port
