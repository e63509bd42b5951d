"""Turns are shared by time, whoever sends more, and nobody saves them up or starves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from service.queues import Queue
from service.turns import Turns


def _queue(tenant: str, *, batch: bool = False) -> Queue:
    return Queue("light", "batch" if batch else "interactive", tenant)


def _serve(turns: Turns, waiting: Mapping[Queue, float], count: int) -> Counter[Queue]:
    """Serve chunks one by one; each queue always has another, and it takes so many seconds."""
    served: Counter[Queue] = Counter()
    for _ in range(count):
        queue = turns.order(waiting)[0]
        turns.end(queue, charged=turns.begin(queue), took_s=waiting[queue])
        served[queue] += 1
    return served


def test_tenants_share_time_and_not_chunks() -> None:
    slow, quick = _queue("slow"), _queue("quick")
    served = _serve(Turns(), {slow: 1.0, quick: 0.01}, 1010)
    assert abs(served[slow] * 1.0 - served[quick] * 0.01) < 2.0


def test_whoever_comes_is_next_but_has_saved_up_nothing() -> None:
    turns, flood, late = Turns(), _queue("flood"), _queue("late")
    _serve(turns, {flood: 1.0}, 1_000)
    assert turns.order([flood, late])[0] == late
    served = _serve(turns, {flood: 1.0, late: 1.0}, 100)
    assert abs(served[flood] - served[late]) <= 2
    _serve(turns, {flood: 1.0}, 1_000)
    served = _serve(turns, {flood: 1.0, late: 1.0}, 100)
    assert abs(served[flood] - served[late]) <= 2


def test_batch_work_waits_for_interactive_work_but_never_for_ever() -> None:
    now, later = _queue("a"), _queue("b", batch=True)
    served = _serve(Turns(), {now: 0.1, later: 0.1}, 800)
    assert served[later] == 100
    assert served[now] == 700


def test_chunks_under_way_count_before_they_end() -> None:
    turns, one, other = Turns(), _queue("one"), _queue("other")
    for queue in (one, other):
        turns.end(queue, charged=turns.begin(queue), took_s=1.0)
    begun: Counter[Queue] = Counter()
    for _ in range(8):
        queue = turns.order([one, other])[0]
        turns.begin(queue)
        begun[queue] += 1
    assert begun == {one: 4, other: 4}
