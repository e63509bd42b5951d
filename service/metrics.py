"""What Prometheus sees of an API process."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from service.streams import Tally

__all__ = ["Metrics"]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """The figures of one app, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "touchstone_requests_total",
            "Grading requests by HTTP status.",
            ["status"],
            registry=self._registry,
        )
        self.items = Counter("touchstone_items_total", "Items received.", registry=self._registry)
        self.items_shared = Counter(
            "touchstone_items_shared_total",
            "Items answered by the verdict on an item that asks for the same run.",
            registry=self._registry,
        )
        self.seconds = Histogram(
            "touchstone_request_seconds",
            "Time to answer a grading request.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._grades = Counter(
            "touchstone_grades_total",
            "Grades given, by grader, outcome and reason.",
            ["grader", "outcome", "reason"],
            registry=self._registry,
        )
        self.queued = Gauge(
            "touchstone_queue_chunks",
            "Chunks waiting or being graded.",
            ["lane"],
            registry=self._registry,
        )
        self.workers = Gauge(
            "touchstone_workers", "Live workers.", ["lane"], registry=self._registry
        )

    def count_grades(self, tally: Tally) -> None:
        """Add the tally and empty it."""
        for (grader, outcome, reason), count in tally.items():
            self._grades.labels(grader, outcome, reason).inc(count)
        tally.clear()

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self._registry)
