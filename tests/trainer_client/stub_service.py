"""A scripted HTTP server on a real socket, and clocks that do not wait."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from trainer_client.attempts import Timing

__all__ = [
    "FakeTime",
    "Reply",
    "Seen",
    "StubService",
    "grade_json",
    "grader_json",
    "verdict_json",
    "verdicts",
]


def _nothing() -> None:
    """The hook of a reply that needs none."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    client_port: int

    def json(self) -> dict[str, list[dict[str, str]]]:
        """The body of a POST to grade, as far as the stub reads it."""
        parsed: dict[str, list[dict[str, str]]] = json.loads(self.body)
        return parsed


class Reply(NamedTuple):
    """One scripted answer; `dropped` closes the connection in its place."""

    status: int = 200
    body: bytes | None = None  # None: verdicts on what was asked
    headers: Mapping[str, str] = {}
    dropped: bool = False
    before_body: Callable[[], None] = _nothing


@dataclass
class StubService:
    """Answers by its script, then with verdicts; remembers every request."""

    script: list[Reply] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    url: str = ""

    @contextmanager
    def serving(self, port: int = 0) -> Iterator[StubService]:
        """Serve on 127.0.0.1 until the block ends."""
        stub = self

        class Handler(_Handler):
            service = stub

        class Server(ThreadingHTTPServer):
            request_queue_size = 64  # above what any test opens at once
            daemon_threads = False  # so that the end of the block joins every one

        with Server(("127.0.0.1", port), Handler) as server:
            self.url = f"http://127.0.0.1:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20
    service: StubService

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.command, self.path, headers, self._body(), self.client_address[1])
        self.service.seen.append(seen)
        reply = self.service.script.pop(0) if self.service.script else Reply()
        if reply.dropped:
            self.close_connection = True
            return
        body = verdicts(seen) if reply.body is None else reply.body
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        reply.before_body()
        self.wfile.write(body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the test asserts on what was seen."""


@dataclass
class FakeTime:
    """Time that passes only in sleeps, which are written down."""

    draw: float = 1.0
    now_s: float = 0.0
    slept: list[float] = field(default_factory=list)
    on_sleep: Callable[[], None] = _nothing

    @property
    def timing(self) -> Timing:
        """These clocks as a client takes them."""
        return Timing(
            monotonic=lambda: self.now_s,
            wall=lambda: 1_000_000_000.0 + self.now_s,
            draw=lambda: self.draw,
            sleep=self.sleep,
            sleep_async=self.sleep_async,
        )

    def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.slept.append(seconds)
        self.now_s += seconds
        self.on_sleep()

    async def sleep_async(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.sleep(seconds)


def grade_json(**changes: object) -> dict[str, object]:
    """A right Grade with some fields changed."""
    grade: dict[str, object] = {
        "grader": "math",
        "version": "1",
        "score": 1.0,
        "outcome": "graded",
        "reason": "equivalent",
        "extracted": "4",
        "flags": ["last_number"],
        "detail": {"tier": 1},
        "seconds": 0.25,
        "cached": False,
    }
    return grade | changes


def verdict_json(**changes: object) -> dict[str, object]:
    """A right Verdict with some fields changed."""
    verdict: dict[str, object] = {
        "id": None,
        "reward": 1.0,
        "outcome": "graded",
        "grades": [grade_json()],
    }
    return verdict | changes


def grader_json(**changes: object) -> dict[str, object]:
    """A right entry of the list of graders with some fields changed."""
    entry: dict[str, object] = {
        "name": "math",
        "version": "1",
        "lane": "light",
        "score_range": [0, 1.0],
        "reasons": ["equivalent", "different"],
        "options": {"type": "object"},
        "reference": {"type": "object", "properties": {"answer": {}}, "required": ["answer"]},
    }
    return entry | changes


def verdicts(seen: Seen) -> bytes:
    """A verdict per item, in order: reward 1 where the completion ends in a 4 (braces aside)."""
    if seen.path.endswith("/v1/graders"):
        return json.dumps({"graders": [grader_json()]}).encode()
    if not seen.body:
        return b"{}"
    answers = [
        verdict_json(
            id=item.get("id"), reward=1.0 if item["completion"].rstrip("}").endswith("4") else 0.0
        )
        for item in seen.json()["items"]
    ]
    return json.dumps({"verdicts": answers, "groups": {}}).encode()
