"""Spans as OpenTelemetry has them, sent by OTLP over HTTP; needs the dependency group `otel`.

Where to is for the standard variables, such as OTEL_EXPORTER_OTLP_ENDPOINT, to say.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    Link,
    Span,
    SpanKind,
    StatusCode,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from service import __version__
from service.leases import Lease
from service.logs import Fact
from service.measured import Measured

__all__ = ["OpenTelemetry", "exporting"]

_W3C: Final = TraceContextTextMapPropagator()
_FLUSH_MS: Final = 3_000


def exporting(role: str) -> TracerProvider:
    """What sends spans in the background, from a process of this role."""
    ours = Resource(
        {"service.name": "touchstone", "service.version": __version__, "touchstone.role": role}
    )
    provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


class OpenTelemetry:
    """Traces of one process."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("touchstone", __version__)

    def begin(self, method: str, traceparent: str | None) -> _Request:
        """A request has come, as part of this trace or of a new one."""
        parent = _W3C.extract({"traceparent": traceparent} if traceparent else {})
        return _Request(
            method, self._tracer.start_span(method, context=parent, kind=SpanKind.SERVER)
        )

    def graded(self, lease: Lease, measured: Measured | None, *, began_s: float) -> None:
        """A chunk was graded: its wait, its grading, and in that the calls of each grader."""
        chunk, queue = lease.chunk, lease.queue
        parents = [o.traceparent for o in chunk.origins if o.traceparent is not None]
        if not parents:
            return
        contexts = [_W3C.extract({"traceparent": parent}) for parent in parents]
        links = [Link(get_current_span(context).get_span_context()) for context in contexts[1:]]
        began_ns, ended_ns = int(began_s * 1e9), time.time_ns()
        sent_ns = min(int(lease.sent_at * 1e9), began_ns)
        facts: dict[str, str | int] = {
            "touchstone.lane": queue.lane,
            "touchstone.priority": queue.priority,
            "touchstone.tenant": queue.tenant,
            "touchstone.items": chunk.items,
            "touchstone.request_ids": ",".join(o.request_id for o in chunk.origins),
        }
        waiting = self._tracer.start_span(
            "queue wait", contexts[0], SpanKind.CONSUMER, facts, links, sent_ns
        )
        waiting.end(began_ns)
        grading = self._tracer.start_span(
            "chunk", contexts[0], SpanKind.CONSUMER, facts, links, began_ns
        )
        within = set_span_in_context(grading)
        for grader, spread in (measured.seconds if measured else {}).items():
            span = self._tracer.start_span(f"grader {grader}", within, start_time=began_ns)
            span.set_attributes(
                {"touchstone.calls": spread.calls, "touchstone.seconds": spread.sum_s}
            )
            span.end(min(began_ns + int(spread.sum_s * 1e9), ended_ns))
        grading.end(ended_ns)

    def close(self) -> None:
        """Send what is not sent yet, for a few seconds at most."""
        self._provider.force_flush(_FLUSH_MS)
        self._provider.shutdown()


class _Request:
    """A request that is being answered."""

    def __init__(self, method: str, span: Span) -> None:
        self._method = method
        self._span = span

    @property
    def traceparent(self) -> str | None:
        """Where what belongs to the request hangs itself up; None where nothing is traced."""
        carrier: dict[str, str] = {}
        _W3C.inject(carrier, set_span_in_context(self._span))
        return carrier.get("traceparent")

    def end(self, route: str, status: int, facts: Mapping[str, Fact]) -> None:
        """It is answered."""
        self._span.update_name(f"{self._method} {route}")
        named = {"method": "http.request.method", "path": "url.path"}
        named["status"] = "http.response.status_code"
        ours = {named.get(name, f"touchstone.{name}"): value for name, value in facts.items()}
        self._span.set_attributes({"http.route": route, **ours})
        if status >= 500:
            self._span.set_status(StatusCode.ERROR)
        self._span.end()
