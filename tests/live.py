"""A real `python -m service`, started and watched from outside as a user would."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent
_ADDRESS = re.compile(r'listening on (https?://[^\s"]+)')


def wait_until(condition: Callable[[], bool], *, limit_s: float = 120.0) -> None:
    """Return once the condition holds; the limit is for a broken build, not a figure."""
    limit = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > limit:
            raise AssertionError(f"{condition} did not come true in {limit_s:g} s")
        time.sleep(0.02)


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with just these settings of ours."""
    kept = {name: v for name, v in os.environ.items() if not name.startswith("TOUCHSTONE_")}
    return kept | {f"TOUCHSTONE_{name}": value for name, value in settings.items()}


def alive(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def own_children(pid: int) -> list[int]:
    """The living children of a process."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(entry.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == pid:
            found.append(int(entry.parent.name))
    return found


def children(pid: int) -> list[int]:
    """The living descendants of a process, nearest first."""
    found = own_children(pid)
    return found + [below for child in found for below in children(child)]


def command_line(pid: int) -> str:
    """The command line of a process, empty once it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


class LiveService:
    """A running `serve` or `api`: its address, its process and what it has logged."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.log: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        wait_until(lambda: self._address() is not None or process.poll() is not None)
        address = self._address()
        if address is None:
            # It has ended: what it said is all here once the reader is through.
            self._reader.join(10)
            raise AssertionError("".join(self.log))
        self.url = address
        # Let go of before any service of a test closes it, which may be just as a request goes out.
        limits = httpx.Limits(keepalive_expiry=1.0)
        self.client = httpx.Client(base_url=address, timeout=120, trust_env=False, limits=limits)

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)

    def _address(self) -> str | None:
        found = _ADDRESS.search("".join(self.log))
        return found.group(1) if found else None

    def grade(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The verdicts on a batch that must be accepted."""
        response = self.client.post("/v1/grade", content=json.dumps(body))
        assert response.status_code == 200, response.text
        verdicts: list[dict[str, Any]] = response.json()["verdicts"]
        return verdicts

    def workers(self) -> list[int]:
        """The process ids of the worker processes."""
        return [pid for pid in children(self.process.pid) if "spawn_main" in command_line(pid)]

    def await_said(self, text: str) -> None:
        """Wait until it has logged the text: a line may come after the answer that it is about."""
        wait_until(lambda: any(text in line for line in self.log))

    def await_ready(self) -> None:
        """Wait until every lane has a worker."""
        wait_until(lambda: self.client.get("/readyz").status_code == 200)

    def close(self) -> None:
        """Ask it to end, as a service manager does, and wait until it has."""
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self._reader.join()


@contextmanager
def start_service(
    settings: Mapping[str, str], arguments: Sequence[str] = ("serve",)
) -> Iterator[LiveService]:
    """A service on a free port of the loopback address, ended on exit."""
    with subprocess.Popen(
        [sys.executable, "-m", "service", *arguments],
        cwd=ROOT,
        env=environment({"PORT": "0", "WORKERS": "2"} | dict(settings)),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            with closing(LiveService(process)) as service:
                yield service
        finally:
            process.kill()
