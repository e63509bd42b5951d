"""Every request gets an id, is counted, logged and traced; none with work begins while we drain."""

from __future__ import annotations

import asyncio
import logging
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.answering import refusal
from service.drain import Drain
from service.logs import Fact, noted
from service.metrics import Metrics
from service.streams import Origin
from service.tracing import Tracing

__all__ = ["REQUEST_ID", "Observe", "on_error", "origin_of"]

REQUEST_ID: Final = "X-Request-Id"

_LOG: Final = logging.getLogger(__name__)
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_TRACEPARENT: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
# They are no secrets, and the kernel's own take it a call each.
_IDS: Final = random.Random()  # noqa: S311
# Asked again and again by machines: said only where the level is DEBUG.
_QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_NO_ROUTE: Final = "none"
_RETRY_AFTER_S: Final = 1
# What an answer begins with, and the status where it names none.
_BEGINNINGS: Final = {
    "http.response.start": 500,
    "websocket.accept": 101,
    "websocket.close": 403,
    "websocket.http.response.start": 500,
}
# As WebSockets call it: come again, there will be somebody.
_RESTARTS: Final = 1012


class Observe:
    """The outermost part of the application: what it sees, everything inside may name.

    Inside, `scope["state"]` has `origin`, and `held`, which is let go of once the answer is sent;
    what is refused says why there, as `refused`, what takes items says how many, as `items`, what
    answers a number for want of a score says for how many, as `fallbacks`, what no route of the
    application answers says what it is, as `route`, and how it has no score, as `unscored`.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        routes: Sequence[BaseRoute],
        metrics: Metrics,
        drain: Drain,
        tracing: Tracing | None,
    ) -> None:
        self._app = app
        self._routes = routes
        self._metrics = metrics
        self._drain = drain
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and tell what became of it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, draining=self._drain)
        span = None
        if self._tracing is not None:
            span = self._tracing.begin(_method_of(scope), exchange.origin.traceparent)
            if span.traceparent is not None:
                exchange.pass_on(span.traceparent)
        self._metrics.running += 1
        app = _draining(scope) if self._turns_away(scope) else self._app
        try:
            with (
                self._drain.running(),
                noted({"request_id": exchange.origin.request_id}),
                exchange.holding(),
            ):
                heard = exchange.heard(send)
                try:
                    await app(scope, receive, heard)
                except asyncio.CancelledError:
                    if not self._drain.over:
                        raise
                    await exchange.give_up(receive, heard)
                finally:
                    self._tell(exchange)
        finally:
            self._metrics.running -= 1
            if span is not None:
                span.end(_route_of(scope, self._routes), exchange.status, exchange.facts())

    def _turns_away(self, scope: Scope) -> bool:
        return self._drain.begun and (scope["type"] == "websocket" or scope["method"] == "POST")

    def _tell(self, exchange: _Exchange) -> None:
        scope = exchange.scope
        seconds = time.perf_counter() - exchange.began_s
        items = scope["state"].get("items", 0)
        route = _route_of(scope, self._routes)
        self._metrics.answered(route, exchange.status, seconds=seconds, items=items)
        if "refused" in scope["state"]:
            self._metrics.refused(scope["state"]["refused"])
        if "fallbacks" in scope["state"]:
            self._metrics.fell_back(route, scope["state"]["fallbacks"])
        level = logging.DEBUG if _is_quiet(scope, exchange.status) else logging.INFO
        if _LOG.isEnabledFor(level):
            facts = {**exchange.facts(), "ms": round(seconds * 1000, 1)}
            _LOG.log(level, "answered", extra={"facts": facts})


class _Exchange:
    """One request and what is known of the answer to it."""

    def __init__(self, scope: Scope, *, draining: Drain) -> None:
        self.scope = scope
        self.status = 500
        self.is_begun = False
        self.began_s = time.perf_counter()
        self.origin = _origin(scope)
        self._draining = draining
        scope.setdefault("state", {})["origin"] = self.origin

    def pass_on(self, traceparent: str) -> None:
        """From here on the request is part of this trace."""
        self.origin = self.origin._replace(traceparent=traceparent)
        self.scope["state"]["origin"] = self.origin

    @contextmanager
    def holding(self) -> Iterator[None]:
        """What is put into `held` is let go of at the end; after that, nothing more is taken."""
        state = self.scope["state"]
        try:
            with ExitStack() as state["held"]:
                yield
        finally:
            state["held"] = None

    def heard(self, send: Send) -> Send:
        """The same way out, with what every answer says."""

        async def told(message: Message) -> None:
            usual = _BEGINNINGS.get(message["type"])
            if usual is not None and not self.is_begun:
                self.status, self.is_begun = message.get("status", usual), True
                message.setdefault("headers", [])
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = self.origin.request_id
                if self._draining.begun:
                    headers["Connection"] = "close"
            await send(message)

        return told

    async def give_up(self, receive: Receive, heard: Send) -> None:
        """The process ends before the request does."""
        if not self.is_begun:
            await _draining(self.scope)(self.scope, receive, heard)
            return
        # Shorter than was announced: the connection is closed, and the client sees that.
        last: Message = {"type": "http.response.body", "body": b"", "more_body": False}
        if self.scope["type"] == "websocket":
            last = {"type": "websocket.close", "code": _RESTARTS}
        with suppress(RuntimeError, OSError):
            await heard(last)

    def facts(self) -> dict[str, Fact]:
        """What a log says of it besides."""
        state = self.scope["state"]
        named = {name: state.get(name) for name in ("tenant", "items", "job", "refused")}
        known = {name: value for name, value in named.items() if value is not None}
        method, path = _method_of(self.scope), self.scope["path"]
        return {"method": method, "path": path, "status": self.status, **known}


def _draining(scope: Scope) -> Response:
    scope["state"]["refused"] = "draining"
    message = "this process is stopping and takes no more work: send the request again"
    return _in_its_words(scope, message) or refusal(503, message, retry_after_s=_RETRY_AFTER_S)


def _in_its_words(scope: Scope, message: str) -> Response | None:
    """How a wire says that there is no score, where it has words of its own for that."""
    unscored: Callable[[str], Response | None] | None = scope["state"].get("unscored")
    return None if unscored is None else unscored(message)


def origin_of(request: Request) -> Origin:
    """The id that the request goes by, and its trace."""
    origin: Origin = request.scope["state"]["origin"]
    return origin


async def on_error(request: Request, _: Exception) -> Response:
    """The answer where we failed, by which the record of the error can be found."""
    request_id = origin_of(request).request_id
    detail = f"internal error: the log has more under request id {request_id}"
    if (response := _in_its_words(request.scope, detail)) is not None:
        return response
    return JSONResponse({"detail": detail}, status_code=500, headers={REQUEST_ID: request_id})


def _origin(scope: Scope) -> Origin:
    asked = _header(scope, b"x-request-id")
    traceparent = _header(scope, b"traceparent")
    return Origin(
        asked if _PLAIN_ID.fullmatch(asked) else _new_id(),
        traceparent if _TRACEPARENT.fullmatch(traceparent) else None,
    )


def _new_id() -> str:
    return f"{_IDS.getrandbits(128):032x}"


def _method_of(scope: Scope) -> str:
    # Of a WebSocket nothing else is possible, and nothing is said.
    return str(scope.get("method", "GET"))


def _header(scope: Scope, name: bytes) -> str:
    values = [value for key, value in scope["headers"] if key == name]
    return values[0].decode("latin-1") if len(values) == 1 else ""


def _is_quiet(scope: Scope, status: int) -> bool:
    # A sample that was graded is one of thousands.
    is_sample = "route" in scope["state"] and status == 200
    return is_sample or (scope["path"] in _QUIET and status in {200, 503})


def _route_of(scope: Scope, routes: Sequence[BaseRoute]) -> str:
    """The pattern of the route; what fits none counts as one, whatever its path."""
    if "route" in scope["state"]:
        return str(scope["state"]["route"])
    for route in routes:
        if route.matches(scope)[0] is not Match.NONE:
            return getattr(route, "path", _NO_ROUTE)
    return _NO_ROUTE
