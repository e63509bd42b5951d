"""A service one of whose graders fails over the text "fault", and with keys that it asks for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from service.embedded_redis import EmbeddedRedis
from tests.live import ROOT, LiveService, environment, start_service

__all__ = ["BODY_BYTES", "SECRET", "address", "faulty_service"]

SECRET = "tests-secret"
BODY_BYTES = 200_000
_SETTINGS = {"API_KEYS": f"tests:{SECRET}", "BODY_BYTES": str(BODY_BYTES)}


@contextmanager
def faulty_service(settings: Mapping[str, str] | None = None) -> Iterator[LiveService]:
    """An API process and its one worker, ready."""
    with EmbeddedRedis() as redis:
        own = _SETTINGS | {"REDIS_URL": redis.url} | dict(settings or {})
        command = [sys.executable, "-m", "tests.wires.failing_worker", redis.url]
        with (
            subprocess.Popen(command, cwd=ROOT, env=environment({})) as worker,
            start_service(own, ("api",)) as service,
        ):
            try:
                service.await_ready()
                yield service
            finally:
                worker.terminate()


def address(service: LiveService, path: str, secret: str | None = SECRET) -> str:
    """The URL of the path, with the secret in it unless there is none."""
    if secret is None:
        return service.url + path
    return service.url.replace("://", f"://trainer:{secret}@") + path
