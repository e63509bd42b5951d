"""The service that OpenEnv's clients are tested against, and what is asked of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from websockets.sync.client import ClientConnection, connect

from tests.live import LiveService, start_service

__all__ = ["ADDS", "CASES", "SLOW", "address_of", "guarded_service", "sleeping", "socket_at"]

PRESETS = {
    "strict": {
        "graders": [
            {"name": "math"},
            {"name": "format", "role": "gate", "options": {"style": "boxed"}},
        ]
    },
    "halves": {"graders": [{"name": "code", "options": {"scoring": "fraction"}}]},
}
CASES = {"mode": "stdio", "hidden": [{"stdin": "20 3\n", "stdout": "23\n"}]}
ADDS = "print(sum(map(int, input().split())))"
SLOW = {
    "tests": {
        "mode": "stdio",
        "public": [{"stdin": "", "stdout": "1\n"}],
        "limits": {"wall_s": 60},
    }
}


def sleeping(seconds: float) -> str:
    """A program that passes after so long."""
    return f"```python\nimport time\ntime.sleep({seconds})\nprint(1)\n```"


@contextmanager
def guarded_service(folder: Path) -> Iterator[LiveService]:
    """A service with two keys, of which each may have four sessions, and small messages."""
    file = folder / "presets.json"
    file.write_text(json.dumps(PRESETS))
    settings = {
        "API_KEYS": "ann:a-secret,bob:b-secret,watcher+admin:w-secret",
        "PRESETS_FILE": str(file),
        "WORKERS": "1",
        "CONNECTIONS": "16",
        "BODY_BYTES": "200000",
    }
    with start_service(settings) as service:
        service.client.headers["Authorization"] = "Bearer a-secret"
        service.await_ready()
        yield service


def address_of(service: LiveService, path: str, shown: str = "a-secret") -> str:
    """The address, with the key where every client has room for one."""
    scheme, host = service.url.split("://")
    return f"{scheme}://any:{shown}@{host}/compat/openenv/{path}"


@contextmanager
def socket_at(address: str) -> Iterator[ClientConnection]:
    """A connection on which anything may be sent."""
    place = f"ws{address.removeprefix('http')}/ws"
    with connect(place, proxy=None, compression=None, open_timeout=60) as client:
        yield client
