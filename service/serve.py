"""`serve` and `api`: the HTTP server, with everything it needs or alone."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from service.app import OpenBroker, create_service
from service.broker import Broker
from service.connections import (
    ConnectionLimits,
    bounded_loop,
    bounded_protocol,
    raise_descriptors,
    watch_peers,
)
from service.drain import Drain
from service.memory import spare_the_collector
from service.processes import the_redis, the_workers
from service.settings import Settings
from service.sockets import bounded_socket
from service.tracing import traced

__all__ = ["BadCertificate", "PortTaken", "serve", "serve_api"]

_BACKLOG: Final = 2_048
# One task with its tests; many of them come in a body, and not in a message.
_MESSAGE_BYTES: Final = 2**25
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_LOG: Final = logging.getLogger(__name__)


class BadCertificate(Exception):
    """HTTPS cannot be spoken with these files; the message names them and the setting."""


class PortTaken(Exception):
    """The address cannot be listened on; the message names it and the setting."""


def serve(settings: Settings) -> None:
    """Run API, workers and, unless the settings name one, a Redis, until SIGTERM or SIGINT."""
    tls = _tls(settings)
    with _listen(settings) as listener, the_redis(settings) as place:

        @asynccontextmanager
        async def open_broker() -> AsyncIterator[Broker]:
            async with (
                the_workers(place, settings=settings, hurry=lambda: drain.hurried),
                Broker(place.url, settings=settings) as broker,
            ):
                yield broker

        drain = _drain(settings)
        _run(settings, listener, open_broker=open_broker, tls=tls, drain=drain)


def serve_api(settings: Settings, redis_url: str) -> None:
    """Run the API alone, until SIGTERM or SIGINT."""
    tls = _tls(settings)
    with _listen(settings) as listener:
        _run(
            settings,
            listener,
            open_broker=lambda: Broker(redis_url, settings=settings),
            tls=tls,
            drain=_drain(settings),
        )


def _drain(settings: Settings) -> Drain:
    return Drain(limit_s=settings.drain_s, notice_s=settings.drain_notice_s)


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    watch_peers(listener, idle_s=settings.idle_s)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"cannot listen on {settings.host}:{settings.port} ({error.strerror}):"
            " set TOUCHSTONE_PORT or TOUCHSTONE_HOST to another"
        ) from None
    return listener


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        # A key with a password would be asked for at the terminal.
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password=lambda: "")
        if settings.tls_client_ca is not None:
            context.load_verify_locations(settings.tls_client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ValueError) as error:
        files = (settings.tls_cert, settings.tls_key, settings.tls_client_ca)
        raise BadCertificate(
            f"HTTPS cannot be spoken with {', '.join(str(f) for f in files if f is not None)}"
            f" ({error}): look at TOUCHSTONE_TLS_CERT, TOUCHSTONE_TLS_KEY and"
            " TOUCHSTONE_TLS_CLIENT_CA, PEM files that this user can read, the key without password"
        ) from None
    return context


def _run(
    settings: Settings,
    listener: socket.socket,
    *,
    open_broker: OpenBroker,
    tls: ssl.SSLContext | None,
    drain: Drain,
) -> None:
    limits = ConnectionLimits.of(settings, descriptors=raise_descriptors())

    def stop() -> None:
        server.should_exit = True

    with traced(settings, role="api") as tracing:
        app = create_service(
            settings,
            open_broker=lambda: _until_told(open_broker, lambda: drain.begin(stop)),
            drain=drain,
            tracing=tracing,
        )
        server = uvicorn.Server(_configured(app, settings, limits=limits, tls=tls))
        spare_the_collector()
        # What is to be cleaned up when the loop has ended is not cut short.
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)
        host, port = listener.getsockname()[:2]
        scheme = "http" if tls is None else "https"
        _LOG.info("listening on %s://%s:%d", scheme, f"[{host}]" if ":" in host else host, port)
        with asyncio.Runner(loop_factory=bounded_loop(limits)) as runner:
            runner.run(server.serve(sockets=[listener]))


def _configured(
    app: ASGIApp, settings: Settings, *, limits: ConnectionLimits, tls: ssl.SSLContext | None
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        # uvicorn calls them as it would classes.
        http=bounded_protocol(limits),  # type: ignore[arg-type]
        ws=bounded_socket(settings),  # type: ignore[arg-type]
        ws_max_size=min(settings.body_bytes, _MESSAGE_BYTES),
        ws_per_message_deflate=False,
        ssl_context_factory=None if tls is None else lambda *_: tls,
        access_log=False,
        log_config=None,
        server_header=False,
        # Nothing here asks who the client is.
        proxy_headers=False,
        # By then the draining is over.
        timeout_graceful_shutdown=1,
    )


@asynccontextmanager
async def _until_told(open_broker: OpenBroker, told: Callable[[], None]) -> AsyncIterator[Broker]:
    """The broker, while signals to stop are taken instead of by uvicorn, which closes its port."""
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, told)
    try:
        async with open_broker() as broker:
            yield broker
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
