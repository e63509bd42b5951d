"""HTTPS that cannot be spoken: said once, with the remedy, since no repetition would help."""

from __future__ import annotations

import http.server
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.trainer_client.conftest import Ask
from tests.trainer_client.stub_service import FakeTime, StubService
from trainer_client import ServiceUnavailable

ITEMS = [{"completion": "4"}]


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of nobody's, and its key, in one file."""
    file = tmp_path_factory.mktemp("tls") / "both.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    paths = ("-keyout", file, "-out", file.with_suffix(".crt"))
    subprocess.run([*command.split(), *names, *paths], check=True, capture_output=True)
    file.write_text(file.read_text() + file.with_suffix(".crt").read_text())
    return file


@contextmanager
def _https(certified: Path) -> Iterator[str]:
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certified)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("method", ["grade", "ready"])
def test_a_certificate_of_an_unknown_authority_is_said_at_once(
    ask: Ask, certified: Path, method: str
) -> None:
    time = FakeTime()
    arguments = [ITEMS] if method == "grade" else []
    with _https(certified) as url, pytest.raises(ServiceUnavailable) as caught:
        ask(url, method, *arguments, timing=time.timing)
    assert "the certificate is not trusted" in str(caught.value)
    assert "Set SSL_CERT_FILE" in str(caught.value)
    assert "trust_env=True" in str(caught.value)
    assert time.slept == []


@pytest.mark.parametrize("method", ["grade", "ready"])
def test_a_service_without_tls_is_said_at_once(ask: Ask, service: StubService, method: str) -> None:
    time = FakeTime()
    arguments = [ITEMS] if method == "grade" else []
    with pytest.raises(ServiceUnavailable, match="no TLS is spoken there"):
        ask(service.url.replace("http:", "https:"), method, *arguments, timing=time.timing)
    assert time.slept == []
