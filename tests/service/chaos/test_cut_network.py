"""The wire between a worker and Redis is cut and mended: its chunks are redone, and told once."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from service.embedded_redis import EmbeddedRedis
from tests.live import start_service
from tests.service.chaos.fleet import await_workers, workers
from tests.service.chaos.load import under_way
from tests.service.chaos.relay import Place, relay_to

# Ten thousand items, on as few cores as there are.
pytestmark = pytest.mark.timeout(600)

_SETTINGS = {"LEASE_S": "1"}
_SILENT_S = 2.0
_WELL_S = 1.0


def test_ten_thousand_items_outlive_a_network_that_comes_and_goes(
    redis_server: EmbeddedRedis,
) -> None:
    settings = {"REDIS_URL": redis_server.url} | _SETTINGS
    with ExitStack() as stack:
        service = stack.enter_context(start_service(settings, ["api"]))
        wire = stack.enter_context(relay_to(Place(redis_server.url.removeprefix("unix://"))))
        # One loses Redis, the other does not: what the one holds, the other takes over.
        places = [redis_server.url, f"redis://127.0.0.1:{wire.port}"]
        stack.enter_context(workers(places, settings))
        await_workers(service, 2)
        cuts = 0
        with under_way(service.url, seed=5) as load:
            while not load.over and cuts < 4:
                for act, lasts_s in (
                    (wire.stall, _SILENT_S),
                    (wire.cut, _WELL_S),
                    (wire.heal, _WELL_S),
                ):
                    act()
                    load.goes_on(lasts_s)
                cuts += 1
        wire.heal()
        load.check()
        assert wire.lost > 0
