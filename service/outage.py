"""What is said of a Redis that is away or full: at once, then seldom, and when it is back."""

from __future__ import annotations

import logging
import time
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, OutOfMemoryError

__all__ = ["FULL", "Outage", "is_full", "trouble"]

_LOG: Final = logging.getLogger(__name__)
_SAY_EVERY_S: Final = 30.0
_SHUT_OUT: Final = (AuthenticationError, NoPermissionError)

FULL: Final = "Redis is full (maxmemory)"


def is_full(error: BaseException | None) -> bool:
    """Whether this, or what caused it, is Redis' refusal to hold any more."""
    if error is None:
        return False
    # An older Redis repeats it inside of what a script says.
    said = isinstance(error, OutOfMemoryError) or "OOM command" in str(error)
    return said or is_full(error.__cause__)


def trouble(error: Exception) -> str:
    """What is the matter with Redis, and what to do about it, without an address."""
    if is_full(error):
        return f"{FULL}: raise its `maxmemory`, or lower TOUCHSTONE_QUEUE_CHUNKS"
    said = f"{type(error).__name__}: {error}".rstrip(": ")
    advice = "; look at TOUCHSTONE_REDIS_URL" if isinstance(error, _SHUT_OUT) else ""
    return f"Redis is away ({said}){advice}"


class Outage:
    """Has whatever fails for want of Redis said in the log, a line every 30 seconds at most."""

    def __init__(self, redis: Redis) -> None:
        self._place = _place(redis)
        self._away = False
        self._said_at: dict[bool, float] = {}

    def seen(self, error: Exception) -> None:
        """Something has failed by this."""
        full = is_full(error)
        # One that is full answers, so that it is never back.
        self._away = self._away or not full
        now = time.monotonic()
        if now - self._said_at.get(full, -_SAY_EVERY_S) >= _SAY_EVERY_S:
            self._said_at[full] = now
            _LOG.warning("%s%s", self._place, trouble(error))

    def over(self) -> None:
        """Redis has answered."""
        if self._away:
            self._away = False
            del self._said_at[False]
            _LOG.info("%sRedis is back", self._place)


def _place(redis: Redis) -> str:
    """Where it is, without its password; nothing where each connection looks for it."""
    options = redis.connection_pool.connection_kwargs
    if "path" in options:
        return f"{options['path']}: "
    return f"{options['host']}:{options['port']}: " if "host" in options else ""
