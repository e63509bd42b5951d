"""`doctor`: what this host gives, what is missing and how to get it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from redis import Redis
from redis.exceptions import RedisError

from graders.registry import GRADERS
from service.embedded_redis import EmbeddedRedis, RedisStartFailed, find_server
from service.settings import Settings

__all__ = ["Finding", "examine", "table"]

State: TypeAlias = Literal["ok", "missing"]
_OLDEST_REDIS: Final = (6, 2)


class Finding(NamedTuple):
    """One thing looked at: how it is, and what to do where it is missing."""

    what: str
    state: State
    note: str


def examine(settings: Settings) -> list[Finding]:
    """Look at everything that grading needs; takes a few seconds."""
    return [_python(), _redis(settings), *_graders(), _cores(settings)]


def table(findings: Sequence[Finding]) -> str:
    """The findings as aligned text."""
    width = max(len(finding.what) for finding in findings)
    return "\n".join(f"{f.state:<8} {f.what:<{width}}  {f.note}" for f in findings)


def _python() -> Finding:
    return Finding("Python", "ok", f"{sys.version.split()[0]} at {sys.executable}")


def _redis(settings: Settings) -> Finding:
    if settings.redis_url is not None:
        return _redis_at(settings.redis_url, "the one of TOUCHSTONE_REDIS_URL")
    try:
        with EmbeddedRedis() as server:
            return _redis_at(server.url, f"private, {find_server()}")
    except RedisStartFailed as error:
        return Finding("Redis", "missing", f"{error}; install redis-server or valkey-server")


def _redis_at(url: str, which: str) -> Finding:
    try:
        with Redis.from_url(url, socket_timeout=5) as client:
            info = client.info("server")
    except RedisError as error:
        note = f"{which}: {type(error).__name__}; start it or unset TOUCHSTONE_REDIS_URL"
        return Finding("Redis", "missing", note)
    version = str(info["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST_REDIS:
        return Finding("Redis", "missing", f"{which}: version {version}, 6.2 is needed")
    return Finding("Redis", "ok", f"{which}, version {version}")


def _graders() -> list[Finding]:
    return [_warm(name, grader.warm_up) for name, grader in sorted(GRADERS.items())]


def _warm(name: str, warm_up: Callable[[], None]) -> Finding:
    started = time.perf_counter()
    try:
        warm_up()
    except OSError as error:
        return Finding(f"grader {name}", "missing", f"does not start: {error}")
    return Finding(f"grader {name}", "ok", f"warm in {time.perf_counter() - started:.1f} s")


def _cores(settings: Settings) -> Finding:
    note = f"{os.cpu_count()} cores, {settings.workers} worker processes (TOUCHSTONE_WORKERS)"
    return Finding("CPU", "ok", note)
