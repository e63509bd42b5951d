"""Three times what the service can do: what it takes in time it grades, and the rest it refuses."""

from __future__ import annotations

import pytest

from bench.overload import Load, overload
from service.congestion import Congestion
from service.queues import Queue
from service.settings import Settings
from tests.live import start_service

QUEUE = Queue("code", "interactive", "a")


def _busy(congestion: Congestion, *, until_s: int) -> None:
    """A queue of which ten chunks a second are done."""
    for second in range(until_s):
        congestion.saw(QUEUE, depth=100, done=10 * second, at_s=float(second))


@pytest.mark.parametrize("pause_s", [20.0, 300.0])
def test_a_queue_that_was_idle_is_as_fast_as_it_was(pause_s: float) -> None:
    congestion = _congestion()
    _busy(congestion, until_s=10)
    # The hundred are done at second 20 at last, and eight more come much later.
    congestion.saw(QUEUE, depth=8, done=190, added=8, at_s=20.0 + pause_s)
    assert congestion.refusal(QUEUE, unsent=0, deadline_s=5) is None
    congestion.saw(QUEUE, depth=8, done=190, added=0, at_s=20.2 + pause_s)
    assert congestion.refusal(QUEUE, unsent=0, deadline_s=5) is None


def test_what_begins_slowly_is_not_taken_for_stuck() -> None:
    congestion = _congestion()
    congestion.saw(QUEUE, depth=8, done=0, added=8, at_s=0.0)
    congestion.saw(QUEUE, depth=16, done=0, added=8, at_s=0.5)
    assert congestion.refusal(QUEUE, unsent=0, deadline_s=60) is None


def _congestion() -> Congestion:
    return Congestion(Settings())


def test_three_times_the_load_is_graded_in_time_or_refused() -> None:
    settings = {"WORKERS": "1", "CACHE_GRADES": "0"}
    with start_service(settings) as service:
        service.await_ready()
        # Almost all of it is waiting: slots are the limit, however fast the cores are just then.
        load = Load(wait_s=0.25, deadline_s=10.0)
        figures = overload(service.url, service.process.pid, seconds=20, times=3, load=load)
    assert figures.missed == 0
    taken, refused = figures.count(200), figures.count(429)
    assert taken + refused == len(figures.outcomes)
    assert min(taken, refused) > 0
    waits = [outcome.retry_after for outcome in figures.outcomes if outcome.status == 429]
    assert all(wait is not None and int(wait) > 0 for wait in waits)
    # That of the first third, and half as much again, which a leak would pass and noise does not.
    early, late = figures.sizes[1], figures.sizes[-1]
    assert late.memory_mb < 1.5 * early.memory_mb
    assert late.redis_mb < 1.5 * early.redis_mb + 8
    assert late.processes <= early.processes
