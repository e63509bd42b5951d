"""Traces for OpenTelemetry, where they are asked for: of requests, of chunks, of graders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from service.leases import Lease
from service.logs import Fact
from service.measured import Measured
from service.settings import Settings

__all__ = ["RequestSpan", "Tracing", "TracingUnavailable", "open_tracing", "traced"]


class TracingUnavailable(Exception):
    """Traces are asked for and cannot be made; the message says what to install."""


class RequestSpan(Protocol):
    """A request that is being answered."""

    @property
    def traceparent(self) -> str | None:
        """Where what belongs to the request hangs itself up; None where nothing is traced."""

    def end(self, route: str, status: int, facts: Mapping[str, Fact]) -> None:
        """It is answered."""


class Tracing(Protocol):
    """Where traces go."""

    def begin(self, method: str, traceparent: str | None) -> RequestSpan:
        """A request has come, as part of this trace or of a new one."""

    def graded(self, lease: Lease, measured: Measured | None, *, began_s: float) -> None:
        """A chunk was graded, and all that time (in seconds since 1970) is over now."""

    def close(self) -> None:
        """Send what is not sent yet, for a few seconds at most."""


@contextmanager
def traced(settings: Settings, *, role: str) -> Iterator[Tracing | None]:
    """The traces of a process, if it is to have any; at the end, what is not sent yet is sent."""
    tracing = open_tracing(settings, role=role)
    try:
        yield tracing
    finally:
        if tracing is not None:
            tracing.close()


def open_tracing(settings: Settings, *, role: str) -> Tracing | None:
    """What the settings ask for; raises TracingUnavailable."""
    if not settings.otel:
        return None
    try:
        from service.open_telemetry import OpenTelemetry, exporting
    except ImportError as error:
        raise TracingUnavailable(
            f"TOUCHSTONE_OTEL=1 needs the dependency group `otel` ({error.name} is missing):"
            " run `pip install --group otel`, or unset it"
        ) from None
    return OpenTelemetry(exporting(role))
