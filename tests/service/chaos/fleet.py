"""Processes of a service on its own Redis, started one by one so that each can be broken."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from tests.live import ROOT, LiveService, environment, wait_until

__all__ = ["await_workers", "lethal_worker", "workers"]


@contextmanager
def workers(redis_urls: list[str], settings: Mapping[str, str]) -> Iterator[None]:
    """A worker process for each of the addresses at which it finds Redis."""
    with ExitStack() as stack:
        started = []
        for url in redis_urls:
            command = [sys.executable, "-m", "service", "worker"]
            environ = environment(dict(settings) | {"REDIS_URL": url})
            process = subprocess.Popen(command, cwd=ROOT, env=environ)
            started.append(stack.enter_context(process))
        try:
            yield
        finally:
            for process in started:
                process.terminate()


def await_workers(service: LiveService, count: int) -> None:
    """Wait until so many serve each lane."""

    def there() -> bool:
        lanes = service.client.get("/readyz").json()["lanes"]
        return bool(lanes) and all(lane["workers"] >= count for lane in lanes.values())

    wait_until(there)


@contextmanager
def lethal_worker(redis_url: str, *, deliveries: int) -> Iterator[list[int]]:
    """A worker that dies of the text "die", and is started again; yields its exit statuses."""
    over = threading.Event()
    statuses: list[int] = []
    running: list[subprocess.Popen[bytes]] = []
    environ = environment({"LEASE_S": "0.5", "DELIVERIES": str(deliveries)})

    def keep() -> None:
        while not over.is_set():
            command = [sys.executable, "-m", "tests.service.lethal_worker", redis_url]
            with subprocess.Popen(command, cwd=ROOT, env=environ) as worker:
                running[:] = [worker]
                statuses.append(worker.wait())

    keeper = threading.Thread(target=keep)
    keeper.start()
    try:
        yield statuses
    finally:
        over.set()
        running[0].terminate()
        keeper.join()
