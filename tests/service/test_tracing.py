"""Where traces are asked for, a request and what came of it are one trace."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service.leases import Lease
from service.measured import Measured, Spread
from service.open_telemetry import OpenTelemetry
from service.queues import Queue
from service.settings import Settings
from service.streams import Chunk, Origin
from service.tracing import TracingUnavailable, open_tracing
from tests.live import start_service, wait_until

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
OTHER = "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01"


@contextmanager
def _collector() -> Iterator[tuple[str, list[Span]]]:
    """What takes spans by OTLP over HTTP, and the spans that it has got."""
    spans: list[Span] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    spans.extend(scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing is said."""

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", spans
        finally:
            server.shutdown()
            thread.join()


def test_a_request_and_its_grading_are_one_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    with _collector() as (url, spans):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        with start_service({"OTEL": "1", "WORKERS": "1"}) as service:
            service.await_ready()
            item = {"completion": "", "reference": {"answer": "1"}}
            body = {"graders": [{"name": "math"}], "items": [item]}
            headers = {"traceparent": PARENT, "X-Request-Id": "traced"}
            response = service.client.post("/v1/grade", json=body, headers=headers)
            assert response.status_code == 200
            named: dict[str, Span] = {}

            def complete() -> bool:
                named.update({s.name: s for s in spans if s.trace_id.hex() == TRACE})
                return len(named) == 4

            wait_until(complete)
    assert sorted(named) == ["POST /v1/grade", "chunk", "grader math", "queue wait"]
    request, chunk = named["POST /v1/grade"], named["chunk"]
    assert request.parent_span_id.hex() == "b7ad6b7169203331"
    assert chunk.parent_span_id == named["queue wait"].parent_span_id == request.span_id
    assert named["grader math"].parent_span_id == chunk.span_id
    facts = {a.key: a.value.string_value or a.value.int_value for a in request.attributes}
    assert facts["http.response.status_code"] == 200
    assert facts["touchstone.items"] == 1
    facts = {a.key: a.value.string_value or a.value.int_value for a in chunk.attributes}
    assert facts["touchstone.request_ids"] == "traced"
    assert request.start_time_unix_nano <= named["queue wait"].start_time_unix_nano + 10**7
    assert named["queue wait"].end_time_unix_nano == chunk.start_time_unix_nano


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: InMemorySpanExporter) -> OpenTelemetry:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return OpenTelemetry(provider)


def test_a_request_without_a_trace_begins_one(
    tracing: OpenTelemetry, exporter: InMemorySpanExporter
) -> None:
    span = tracing.begin("GET", None)
    assert span.traceparent is not None
    assert span.traceparent.startswith("00-")
    span.end("/v1/graders", 503, {"method": "GET", "path": "/v1/graders", "status": 503})
    (told,) = exporter.get_finished_spans()
    assert (told.name, told.parent, told.status.is_ok) == ("GET /v1/graders", None, False)


def test_where_the_sdk_is_switched_off_requests_are_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    tracing = OpenTelemetry(TracerProvider())
    for traceparent in (None, PARENT):
        span = tracing.begin("GET", traceparent)
        assert span.traceparent in (None, PARENT)
        span.end("/v1/graders", 200, {"method": "GET", "path": "/v1/graders", "status": 200})


def _lease(*origins: Origin) -> Lease:
    chunk = Chunk(b"1", b"r", 0, 2, b"", origins=origins)
    entry_id = b"%d-0" % (time.time() * 1000 - 500)
    return Lease(Queue("light", "batch", "ann"), entry_id, chunk)


def test_a_chunk_of_several_requests_is_linked_to_all(
    tracing: OpenTelemetry, exporter: InMemorySpanExporter
) -> None:
    measured = Measured("light", {"math": Spread.of(0.1)})
    lease = _lease(Origin("a", PARENT), Origin("b"), Origin("c", OTHER))
    tracing.graded(lease, measured, began_s=time.time() - 0.2)
    waiting, grader, chunk = exporter.get_finished_spans()
    assert [s.name for s in (waiting, grader, chunk)] == ["queue wait", "grader math", "chunk"]
    assert chunk.attributes is not None
    assert chunk.attributes["touchstone.request_ids"] == "a,b,c"
    (link,) = chunk.links
    assert f"{link.context.trace_id:032x}" == OTHER.split("-")[1]
    assert waiting.start_time is not None
    assert waiting.end_time is not None
    assert waiting.end_time > waiting.start_time


def test_a_chunk_of_no_trace_leaves_none(
    tracing: OpenTelemetry, exporter: InMemorySpanExporter
) -> None:
    tracing.graded(_lease(Origin("a")), None, began_s=time.time())
    assert not exporter.get_finished_spans()


def test_without_the_group_the_start_fails_and_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "service.open_telemetry", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(TracingUnavailable, match="pip install --group otel"):
        open_tracing(Settings(otel=True), role="api")
    assert open_tracing(Settings(), role="api") is None
