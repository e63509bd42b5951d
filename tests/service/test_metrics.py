"""What is measured adds up, whoever measured it, and nothing is told that is not in the table."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from prometheus_client.parser import text_string_to_metric_families

from graders.contract import Lane
from service.figures import Figures
from service.lookout import LaneView, QueueView, View
from service.measured import BOUNDS_S, Measured, Meter, Spread
from service.metrics import FAMILIES, Metrics
from service.presence import Presence
from service.queues import Priority, Queue
from service.streams import Reply, Tally


def _reply(measured: Measured | None, tally: Tally | None = None) -> Reply:
    return Reply(b"1", 0, [], [], "", tally or Counter(), measured)


def _samples(text: bytes) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def _queue(lane: Lane, priority: Priority, tenant: str, items: int, waits_s: float) -> QueueView:
    return QueueView(Queue(lane, priority, tenant), items // 2, 1, items, waits_s)


VIEW = View(
    {
        "light": LaneView(
            [Presence(slots=2, busy=1), Presence(slots=2, busy=2)],
            [
                _queue("light", "interactive", "a", 4, 0.5),
                _queue("light", "interactive", "b", 6, 2.0),
                _queue("light", "batch", "a", 8, 0.0),
            ],
        ),
        "code": LaneView([], []),
    },
    jobs_running=3,
)


@pytest.mark.parametrize(
    ("seconds", "bucket"),
    [(0.0, 0), (BOUNDS_S[0], 0), (BOUNDS_S[0] * 1.01, 1), (BOUNDS_S[-1], -2), (1e9, -1)],
)
def test_a_duration_falls_into_the_bucket_whose_bound_it_does_not_exceed(
    seconds: float, bucket: int
) -> None:
    spread = Spread.of(seconds)
    assert spread.counts[bucket] == spread.calls == 1
    assert spread.sum_s == seconds


MEASURED = Measured(
    "code", {"code": Spread.of(0.3), "math": Spread.of(0.001)}, 1.5, 2, 3, lost=4, unwritten=5
)


@pytest.mark.parametrize("measured", [MEASURED, Measured("light")])
def test_what_was_measured_survives_the_journey(measured: Measured) -> None:
    assert Measured.decoded(measured.encoded()) == measured


@pytest.mark.parametrize("content", [b"", b'["light",{"math":[0.5,1,2]},null,0,0,0,0]'])
def test_what_another_version_measured_is_left_out(content: bytes) -> None:
    assert Measured.decoded(content) is None


def test_a_meter_counts_calls_and_what_the_cache_said() -> None:
    meter = Meter()
    for found in (True, False, False):
        meter.asked(found=found)
    meter.took("math", 0.1)
    meter.took("math", 0.2)
    assert (meter.recalled, meter.not_recalled) == (1, 2)
    assert meter.seconds["math"].calls == 2


def test_figures_of_many_chunks_add_up() -> None:
    figures = Figures()
    figures.take_in(_reply(MEASURED, Counter({("code", "graded", "passed"): 1})))
    figures.take_in(_reply(MEASURED, Counter({("code", "graded", "passed"): 2})))
    figures.take_in(_reply(None))
    figures.repeated = 7
    samples = _samples(Metrics().text(figures, None))
    assert samples["touchstone_grader_seconds_count", ("code", "code")] == 2
    assert samples["touchstone_grader_seconds_sum", ("code", "code")] == pytest.approx(0.6)
    assert samples["touchstone_grader_seconds_bucket", ("code", "code", "0.25")] == 0
    assert samples["touchstone_grader_seconds_bucket", ("code", "code", "0.5")] == 2
    assert samples["touchstone_queue_wait_seconds_count", ("code",)] == 2
    assert samples["touchstone_grades_total", ("code", "graded", "passed")] == 3
    assert samples["touchstone_cached_grades_total", ("hit",)] == 4
    assert samples["touchstone_cached_grades_total", ("miss",)] == 6
    assert samples["touchstone_redelivered_items_total", ("code",)] == 8
    assert samples["touchstone_audit_dropped_total", ()] == 10
    assert samples["touchstone_repeated_requests_total", ()] == 7


def test_queues_are_summed_over_tenants_and_the_longest_wait_counts() -> None:
    samples = _samples(Metrics().text(Figures(), VIEW))
    items = {labels: n for (name, labels), n in samples.items() if name.endswith("queue_items")}
    assert items == {
        ("light", "interactive"): 10,
        ("light", "batch"): 8,
        ("code", "interactive"): 0,
        ("code", "batch"): 0,
    }
    assert samples["touchstone_queue_age_seconds", ("light", "interactive")] == 2.0
    assert samples["touchstone_queue_chunks", ("light", "interactive", "b")] == 3
    assert samples["touchstone_pending_chunks", ("light",)] == 3
    assert samples["touchstone_slots", ("light",)] == 4
    assert samples["touchstone_slots_busy", ("light",)] == 3
    assert samples["touchstone_workers", ("code",)] == 0
    assert samples["touchstone_jobs_running", ()] == 3
    assert samples["touchstone_redis_up", ()] == 1


def test_requests_are_counted_by_route_and_status() -> None:
    metrics = Metrics()
    metrics.answered("/v1/grade", 200, seconds=0.2, items=5)
    metrics.answered("/v1/grade", 429, seconds=0.0, items=0)
    metrics.refused("queue")
    samples = _samples(metrics.text(Figures(), None))
    assert samples["touchstone_requests_total", ("/v1/grade", "200")] == 1
    assert samples["touchstone_request_seconds_count", ("/v1/grade",)] == 2
    assert samples["touchstone_items_total", ("/v1/grade",)] == 5
    assert samples["touchstone_refused_total", ("queue",)] == 1


def test_the_table_holds_every_metric_and_no_other() -> None:
    text = Metrics().text(Figures(), VIEW).decode()
    told = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE)
    assert sorted(told) == sorted((family.name, family.kind) for family in FAMILIES)
    assert "_created" not in text


def test_without_redis_what_it_alone_knows_is_left_out() -> None:
    samples = _samples(Metrics().text(Figures(), None))
    assert samples["touchstone_redis_up", ()] == 0
    assert not [name for name, _ in samples if name.startswith("touchstone_queue_items")]


@pytest.mark.parametrize(
    ("content", "slots"), [(b'{"slots":3,"busy":1,"later":2}', 3), (b"1", 0), (b"x", 0)]
)
def test_a_presence_of_another_version_is_a_presence(content: bytes, slots: int) -> None:
    assert Presence.read(content).slots == slots
