"""What Prometheus sees of an API process; `FAMILIES` is all of it."""

from __future__ import annotations

import itertools
import platform
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from service import __version__
from service.figures import Figures
from service.lookout import LaneView, View
from service.measured import BOUNDS_S, Spread
from service.queues import PRIORITIES

__all__ = ["FAMILIES", "Family", "Metrics"]

Labels: TypeAlias = tuple[str, ...]
Samples: TypeAlias = Iterable[tuple[Labels, float]]
Spreads: TypeAlias = Iterable[tuple[Labels, Spread]]


class Family(NamedTuple):
    """One metric: its name, its labels and what it says."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: Labels
    meaning: str


FAMILIES: Final = (
    Family("touchstone_requests_total", "counter", ("route", "status"), "Requests answered."),
    Family("touchstone_request_seconds", "histogram", ("route",), "Time to answer a request."),
    Family("touchstone_requests_running", "gauge", (), "Requests that are being answered."),
    Family(
        "touchstone_refused_total",
        "counter",
        ("reason",),
        "Requests turned away: `queue` is full, `deadline` would be missed, `rate` or"
        " `concurrency` of the key is used up, `draining`.",
    ),
    Family("touchstone_items_total", "counter", ("route",), "Items received."),
    Family(
        "touchstone_fallbacks_total",
        "counter",
        ("route",),
        "Samples without a score that were answered with the number chosen for that.",
    ),
    Family(
        "touchstone_items_shared_total",
        "counter",
        (),
        "Items answered by the verdict on an item that asks for the same run.",
    ),
    Family(
        "touchstone_repeated_requests_total",
        "counter",
        (),
        "Requests under an `Idempotency-Key` that was known, which cost no grading.",
    ),
    Family(
        "touchstone_grades_total",
        "counter",
        ("grader", "outcome", "reason"),
        "Grades given; `service` is the grader where no grader was asked.",
    ),
    Family(
        "touchstone_grader_seconds",
        "histogram",
        ("grader", "lane"),
        "Time of one call of a grader.",
    ),
    Family(
        "touchstone_cached_grades_total",
        "counter",
        ("result",),
        "Programs looked for in the cache of grades: `hit` or `miss`.",
    ),
    Family(
        "touchstone_queue_wait_seconds", "histogram", ("lane",), "Time a chunk waited for a worker."
    ),
    Family(
        "touchstone_queue_items",
        "gauge",
        ("lane", "priority"),
        "Items waiting or being graded, of all tenants.",
    ),
    Family(
        "touchstone_queue_age_seconds",
        "gauge",
        ("lane", "priority"),
        "Longest wait of what no worker has taken yet.",
    ),
    Family(
        "touchstone_queue_chunks",
        "gauge",
        ("lane", "priority", "tenant"),
        "Chunks waiting or being graded; a tenant is a key's name.",
    ),
    Family("touchstone_pending_chunks", "gauge", ("lane",), "Chunks that a worker holds."),
    Family("touchstone_jobs_running", "gauge", (), "Jobs that are not over."),
    Family("touchstone_workers", "gauge", ("lane",), "Live workers."),
    Family(
        "touchstone_slots",
        "gauge",
        ("lane",),
        "Chunks that the live workers grade at once at most; in lane `code` each runs"
        " programs in sandboxes.",
    ),
    Family("touchstone_slots_busy", "gauge", ("lane",), "Slots in which a chunk is being graded."),
    Family(
        "touchstone_redelivered_items_total",
        "counter",
        ("lane",),
        "Items given to another worker because theirs died, counted each time.",
    ),
    Family(
        "touchstone_audit_dropped_total",
        "counter",
        (),
        "Verdicts that the audit could not take, and went without.",
    ),
    Family("touchstone_redis_up", "gauge", (), "1 while Redis answers."),
    Family("touchstone_build_info", "gauge", ("version", "python"), "1, of this version."),
)

_BY_NAME: Final = {family.name: family for family in FAMILIES}


class Metrics:
    """The figures of one app, in a registry of its own.

    What workers told and what Redis knows is read when it is asked for; with Redis away the
    figures that it alone knows are left out.
    """

    def __init__(self) -> None:
        self._requests: dict[Labels, float] = {}
        self._seconds: dict[Labels, Spread] = {}
        self._refused: dict[Labels, float] = {}
        self._items: dict[Labels, float] = {}
        self._fallbacks: dict[Labels, float] = {}
        self.running = 0

    def answered(self, route: str, status: int, *, seconds: float, items: int) -> None:
        """Count a request by its route and the status of its answer."""
        _add(self._requests, (route, str(status)), 1)
        self._seconds.setdefault((route,), Spread()).add(seconds)
        if items:
            _add(self._items, (route,), items)

    def refused(self, reason: str) -> None:
        """Count a request that was turned away."""
        _add(self._refused, (reason,), 1)

    def fell_back(self, route: str, items: int) -> None:
        """Count samples that were answered with a number chosen beforehand."""
        _add(self._fallbacks, (route,), items)

    def text(self, figures: Figures, view: View | None) -> bytes:
        """The exposition format."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collected(self._families(figures, view)))
        return generate_latest(registry)

    def _families(self, figures: Figures, view: View | None) -> Iterator[Metric]:
        yield _counter("requests_total", self._requests.items())
        yield _histogram("request_seconds", self._seconds.items())
        yield _gauge("requests_running", {(): self.running}.items())
        yield _counter("refused_total", self._refused.items())
        yield _counter("items_total", self._items.items())
        yield _counter("fallbacks_total", self._fallbacks.items())
        yield from _told(figures)
        yield _gauge("redis_up", {(): int(view is not None)}.items())
        yield _gauge("build_info", {(__version__, platform.python_version()): 1}.items())
        if view is not None:
            yield from _seen(view)


class _Collected(Collector):
    """Families that are there already."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = [*families]

    def collect(self) -> Iterable[Metric]:
        return self._families


def _told(figures: Figures) -> Iterator[Metric]:
    recalled = figures.recalled
    yield _counter("items_shared_total", {(): figures.items_shared}.items())
    yield _counter("repeated_requests_total", {(): figures.repeated}.items())
    yield _counter("grades_total", figures.tally.items())
    yield _histogram("grader_seconds", figures.seconds.items())
    yield _counter(
        "cached_grades_total", {("hit",): recalled[True], ("miss",): recalled[False]}.items()
    )
    yield _histogram(
        "queue_wait_seconds", {(lane,): s for lane, s in figures.waited.items()}.items()
    )
    yield _counter(
        "redelivered_items_total", {(lane,): n for lane, n in figures.lost.items()}.items()
    )
    yield _counter("audit_dropped_total", {(): figures.unwritten}.items())


def _seen(view: View) -> Iterator[Metric]:
    lanes = view.lanes
    queues = [queue for lane in lanes.values() for queue in lane.queues]
    yield _gauge("queue_items", _by_priority(lanes.items(), "items").items())
    yield _gauge("queue_age_seconds", _by_priority(lanes.items(), "waits_s").items())
    yield _gauge(
        "queue_chunks",
        {(q.queue.lane, q.queue.priority, q.queue.tenant): q.chunks for q in queues}.items(),
    )
    held = {(name,): sum(q.pending for q in lane.queues) for name, lane in lanes.items()}
    yield _gauge("pending_chunks", held.items())
    yield _gauge("jobs_running", {(): view.jobs_running}.items())
    yield _gauge("workers", {(name,): len(lane.workers) for name, lane in lanes.items()}.items())
    yield _gauge("slots", {(name,): lane.slots for name, lane in lanes.items()}.items())
    yield _gauge("slots_busy", {(name,): lane.busy for name, lane in lanes.items()}.items())


def _by_priority(
    lanes: Iterable[tuple[str, LaneView]], figure: Literal["items", "waits_s"]
) -> dict[Labels, float]:
    found: dict[Labels, float] = {}
    for (name, lane), priority in itertools.product(lanes, PRIORITIES):
        queues = [queue for queue in lane.queues if queue.queue.priority == priority]
        if figure == "items":
            found[name, priority] = sum(queue.items for queue in queues)
        else:
            found[name, priority] = max((queue.waits_s for queue in queues), default=0.0)
    return found


def _counter(name: str, samples: Samples) -> Metric:
    family = _BY_NAME[f"touchstone_{name}"]
    metric = CounterMetricFamily(family.name, family.meaning, labels=family.labels)
    for labels, value in samples:
        metric.add_metric(labels, value)
    return metric


def _gauge(name: str, samples: Samples) -> Metric:
    family = _BY_NAME[f"touchstone_{name}"]
    metric = GaugeMetricFamily(family.name, family.meaning, labels=family.labels)
    for labels, value in samples:
        metric.add_metric(labels, value)
    return metric


def _histogram(name: str, spreads: Spreads) -> Metric:
    family = _BY_NAME[f"touchstone_{name}"]
    metric = HistogramMetricFamily(family.name, family.meaning, labels=family.labels)
    for labels, spread in spreads:
        metric.add_metric(labels, _buckets(spread.counts), sum_value=spread.sum_s)
    return metric


def _buckets(counts: Sequence[int]) -> list[tuple[str, float]]:
    bounds = [*(str(bound) for bound in BOUNDS_S), "+Inf"]
    return [*zip(bounds, itertools.accumulate(counts), strict=True)]


def _add(samples: dict[Labels, float], labels: Labels, count: int) -> None:
    samples[labels] = samples.get(labels, 0) + count
