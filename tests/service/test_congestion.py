"""Who is refused and until when: by length, and by how fast the queue was seen to empty."""

from __future__ import annotations

import pytest

from service.congestion import Congestion, LaneSight
from service.queues import Queue
from service.settings import Settings

QUEUE = Queue("light", "interactive", "a")


def _congestion(most: int = 1_000) -> Congestion:
    return Congestion(Settings(queue_chunks=most))


@pytest.mark.parametrize(("depth", "refused"), [(9, False), (10, True), (11, True)])
def test_a_queue_holds_so_many_chunks(depth: int, *, refused: bool) -> None:
    congestion = _congestion(10)
    congestion.saw(QUEUE, depth=depth, done=0, at_s=0.0)
    refusal = congestion.refusal(QUEUE, unsent=0, deadline_s=60)
    assert (refusal is not None) is refused
    assert congestion.refusal(QUEUE._replace(tenant="b"), unsent=0, deadline_s=60) is None


def test_what_would_not_be_reached_in_time_is_refused() -> None:
    congestion = _congestion()
    for second in range(20):
        congestion.saw(QUEUE, depth=100, done=10 * second, at_s=float(second))
    assert congestion.refusal(QUEUE, unsent=0, deadline_s=30) is None
    refusal = congestion.refusal(QUEUE, unsent=0, deadline_s=10)
    assert refusal is not None
    # 70 chunks can begin within the deadline, and ten go a second.
    assert refusal.retry_after_s == 3
    assert "within the deadline of 10 s" in str(refusal)


def test_a_queue_that_nobody_empties_is_refused_for_long() -> None:
    congestion = _congestion()
    for second in range(60):
        congestion.saw(QUEUE, depth=5, done=7, at_s=float(second))
    refusal = congestion.refusal(QUEUE, unsent=0, deadline_s=300)
    assert refusal is not None
    assert refusal.retry_after_s == 60


def test_what_workers_have_in_hand_does_not_wait() -> None:
    congestion = _congestion()
    for second in range(10):
        # One slow chunk, and three more slots for those who come.
        congestion.saw(QUEUE, depth=1, done=0, hands=4, at_s=float(second))
    assert congestion.refusal(QUEUE, unsent=0, deadline_s=60) is None
    for number in range(10):
        # One at a time is all that was offered, and says nothing of what could be done.
        at_s = 10.0 + 3 * number
        congestion.saw(QUEUE, depth=1, done=number, added=1, hands=4, at_s=at_s)
    congestion.saw(QUEUE, depth=4, done=10, added=3, hands=4, at_s=40.0)
    assert congestion.refusal(QUEUE, unsent=0, deadline_s=5) is None


def test_slow_programs_are_not_taken_for_stuck_ones() -> None:
    congestion = _congestion()
    for second in range(31):
        congestion.saw(QUEUE, depth=5, done=0, hands=4, at_s=float(second))
    assert congestion.refusal(QUEUE, unsent=0, deadline_s=60) is None
    refusal = congestion.refusal(QUEUE, unsent=0, deadline_s=10)
    assert refusal is not None
    assert refusal.reason == "deadline"


def test_a_full_lane_is_shared_evenly() -> None:
    congestion, other = _congestion(12), QUEUE._replace(tenant="b")
    congestion.saw(QUEUE, depth=10, done=0, at_s=0.0)
    congestion.saw(other, depth=3, done=0, at_s=0.0)
    congestion.saw_lane("light", LaneSight(11, 2))
    assert congestion.refusal(QUEUE, unsent=0, deadline_s=60) is None
    congestion.saw_lane("light", LaneSight(13, 2))
    refusal = congestion.refusal(QUEUE, unsent=0, deadline_s=60)
    assert refusal is not None
    assert refusal.reason == "queue"
    assert congestion.refusal(other, unsent=0, deadline_s=60) is None
    assert congestion.refusal(other, unsent=3, deadline_s=60) is not None
    congestion.saw_lane("code", LaneSight(13, 2))
    assert congestion.refusal(QUEUE._replace(lane="code"), unsent=0, deadline_s=60) is None


def test_an_idle_hour_says_nothing_about_the_rate() -> None:
    congestion = _congestion()
    congestion.saw(QUEUE, depth=0, done=0, at_s=0.0)
    congestion.saw(QUEUE, depth=0, done=1, at_s=3600.0)
    assert congestion.refusal(QUEUE, unsent=900, deadline_s=1) is None


def test_a_redis_that_came_back_empty_begins_anew() -> None:
    congestion = _congestion()
    for second in range(9):
        congestion.saw(QUEUE, depth=50, done=second, at_s=float(second))
    assert congestion.refusal(QUEUE, unsent=0, deadline_s=10) is not None
    congestion.saw(QUEUE, depth=0, done=0, at_s=10.0)
    assert congestion.refusal(QUEUE, unsent=50, deadline_s=10) is None
