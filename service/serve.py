"""`serve` and `api`: the HTTP server, with everything it needs or alone."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import uvicorn

from service.app import OpenBroker, create_app
from service.broker import Broker
from service.memory import spare_the_collector
from service.processes import the_redis, the_workers
from service.settings import Settings

__all__ = ["PortTaken", "serve", "serve_api"]

_BACKLOG: Final = 2_048
_LOG: Final = logging.getLogger(__name__)


class PortTaken(Exception):
    """The address cannot be listened on; the message names it and the setting."""


def serve(settings: Settings) -> None:
    """Run API, workers and, unless the settings name one, a Redis, until SIGTERM or SIGINT."""
    with _listen(settings) as listener, the_redis(settings) as place:

        @asynccontextmanager
        async def open_broker() -> AsyncIterator[Broker]:
            async with (
                the_workers(place, settings=settings),
                Broker(place.url, settings=settings) as broker,
            ):
                yield broker

        _run(settings, listener, open_broker=open_broker)


def serve_api(settings: Settings, redis_url: str) -> None:
    """Run the API alone, until SIGTERM or SIGINT."""
    with _listen(settings) as listener:
        _run(settings, listener, open_broker=lambda: Broker(redis_url, settings=settings))


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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


def _run(settings: Settings, listener: socket.socket, *, open_broker: OpenBroker) -> None:
    config = uvicorn.Config(
        create_app(settings, open_broker=open_broker),
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=int(settings.drain_s) or 1,
    )
    spare_the_collector()
    # uvicorn raises the signal that ended it once more; what is to be cleaned up comes after that.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    host, port = listener.getsockname()[:2]
    _LOG.info("listening on http://%s:%d", f"[{host}]" if ":" in host else host, port)
    uvicorn.Server(config).run(sockets=[listener])
