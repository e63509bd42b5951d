"""A request that a busy API finds whole, head and body in one read, is a request like others."""

from __future__ import annotations

import json
import os
import signal
import socket
from urllib.parse import urlsplit

import pytest

from tests.live import start_service


@pytest.mark.parametrize("size", [1_000, 65_000, 120_000])
def test_head_and_body_may_come_in_one_read(size: int) -> None:
    item = {"completion": "a", "prompt": "p" * size, "reference": {"answer": "a"}}
    body = json.dumps({"graders": [{"name": "exact"}], "items": [item]}).encode()
    with start_service({"WORKERS": "1"}) as service:
        address = urlsplit(service.url)
        assert address.port is not None
        with socket.create_connection((address.hostname, address.port), timeout=60) as plain:
            os.kill(service.process.pid, signal.SIGSTOP)
            try:
                plain.sendall(
                    b"POST /v1/grade HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\n"
                    b"connection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
                )
            finally:
                os.kill(service.process.pid, signal.SIGCONT)
            with plain.makefile("rb") as answer:
                assert answer.readline() == b"HTTP/1.1 200 OK\r\n"
