"""Who is let in where, over a real socket: keys, their scopes, and HTTPS."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest

from service.keys import make_key
from service.settings import Settings
from tests.live import ROOT, LiveService, environment, start_service

ITEM = {"completion": "\\boxed{42}", "reference": {"answer": "42"}}
BATCH = {"graders": [{"name": "math"}], "items": [ITEM]}
NEW = make_key("digested", ["grade"])
SECRETS = {"grader": "g-secret", "watcher": "w-secret", "both": "b-secret", "digested": NEW.secret}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    """A service with a key of every kind, one of them in a file."""
    file = tmp_path_factory.mktemp("keys") / "keys"
    file.touch(0o600)
    file.write_text(f"# known by its digest\n{NEW.line}\n")
    settings = {
        "API_KEYS": "grader:g-secret,watcher+admin:w-secret,both+grade+admin:b-secret",
        "API_KEYS_FILE": str(file),
        "WORKERS": "1",
    }
    with start_service(settings) as service:
        service.client.headers["Authorization"] = "Bearer b-secret"
        service.await_ready()
        yield service


ROUTES: list[tuple[str, str, dict[str, int]]] = [
    ("POST", "/v1/grade", {"grader": 200, "digested": 200, "watcher": 403, "both": 200}),
    ("POST", "/v1/validate", {"grader": 200, "digested": 200, "watcher": 403, "both": 200}),
    ("POST", "/v1/jobs", {"grader": 202, "digested": 202, "watcher": 403, "both": 202}),
    ("GET", "/v1/jobs/none", {"grader": 404, "watcher": 403, "both": 404}),
    ("GET", "/v1/jobs/none/events", {"grader": 404, "watcher": 403, "both": 404}),
    ("DELETE", "/v1/jobs/none", {"grader": 404, "watcher": 403, "both": 404}),
    ("GET", "/metrics", {"grader": 403, "digested": 403, "watcher": 200, "both": 200}),
    ("GET", "/metrics%0a", {"grader": 403, "watcher": 200}),
    ("GET", "/metrics/", {"grader": 403}),
    ("GET", "/v1/audit", {"grader": 403, "digested": 403}),
    ("GET", "/v1/audit/anything", {"grader": 403, "digested": 403}),
    ("GET", "/v1/graders", {"grader": 200, "watcher": 200}),
    ("GET", "/v1/isolation", {"grader": 200, "watcher": 200}),
    ("GET", "/readyz", {"grader": 200, "watcher": 200}),
    ("GET", "/openapi.json", {"grader": 200, "watcher": 200}),
    ("GET", "/healthz", {"grader": 200, "watcher": 200}),
    ("GET", "/nowhere", {"grader": 404, "watcher": 403}),
]


@pytest.mark.parametrize(("method", "path", "statuses"), ROUTES, ids=[row[1] for row in ROUTES])
def test_a_key_may_do_what_its_scopes_say(
    guarded: LiveService, method: str, path: str, statuses: dict[str, int]
) -> None:
    content = json.dumps(BATCH) if method == "POST" else None
    for name, status in statuses.items():
        headers = {"Authorization": f"Bearer {SECRETS[name]}"}
        answer = guarded.client.request(method, path, headers=headers, content=content)
        assert answer.status_code == status, (name, answer.text)
        if status == 403:
            assert f"'{name}' lacks the scope `" in answer.json()["detail"]


@pytest.mark.parametrize("path", sorted({row[1] for row in ROUTES} - {"/healthz", "/readyz"}))
def test_without_a_key_nothing_but_liveness_is_told(guarded: LiveService, path: str) -> None:
    with httpx.Client(base_url=guarded.url, trust_env=False) as client:
        for method in ("GET", "POST", "DELETE", "OPTIONS"):
            answer = client.request(method, path)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == 'Bearer, Basic realm="touchstone"'
            assert "the password of Basic" in answer.json()["detail"]


def test_readiness_is_told_without_a_key_and_its_details_are_not(guarded: LiveService) -> None:
    with httpx.Client(base_url=guarded.url, trust_env=False) as client:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"ready": True, "status": "ready"})
        assert guarded.client.get("/readyz").json()["redis"] == "up"
        assert client.get("/readyz", headers={"Authorization": "Bearer no"}).status_code == 401


def test_two_credentials_at_once_are_none(guarded: LiveService) -> None:
    both = [("Authorization", "Bearer g-secret"), ("Authorization", "Bearer b-secret")]
    with httpx.Client(base_url=guarded.url, trust_env=False) as client:
        assert client.get("/v1/graders", headers=both).status_code == 401
        assert client.get("/v1/graders", headers=both[:1]).status_code == 200


def test_no_secret_is_logged_or_told(guarded: LiveService) -> None:
    told = guarded.client.get("/metrics").text + guarded.client.get("/nowhere").text
    said = "".join(guarded.log)
    for secret in SECRETS.values():
        assert secret not in told
        assert secret not in said


class Pem(NamedTuple):
    """A certificate for the loopback address, and its key."""

    certificate: Path
    key: Path


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Pem:
    folder = tmp_path_factory.mktemp("tls")
    made = Pem(folder / "cert.pem", folder / "key.pem")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    subprocess.run(
        [
            *command.split(),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", made.key, "-out", made.certificate),
        ],
        check=True,
        capture_output=True,
    )
    return made


def test_https_is_spoken_with_a_certificate(pem: Pem) -> None:
    arguments = ("serve", "--tls-cert", str(pem.certificate), "--tls-key", str(pem.key))
    with start_service({"WORKERS": "1"}, arguments) as service:
        assert service.url.startswith("https://")
        trusting = ssl.create_default_context(cafile=pem.certificate)
        with httpx.Client(base_url=service.url, verify=trusting, trust_env=False) as client:
            answer = client.post("/v1/grade", content=json.dumps(BATCH), timeout=60)
            assert answer.json()["verdicts"][0]["reward"] == 1.0
        address = urlsplit(service.url)
        with socket.create_connection((address.hostname, address.port), timeout=30) as plain:
            plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"ok" not in plain.recv(100)


def test_who_never_greets_is_not_waited_for(pem: Pem) -> None:
    settings = {"TLS_CERT": str(pem.certificate), "TLS_KEY": str(pem.key), "HEADERS_S": "0.5"}
    with start_service(settings | {"WORKERS": "1"}) as service:
        address = urlsplit(service.url)
        with socket.create_connection((address.hostname, address.port), timeout=30) as silent:
            assert silent.recv(100) == b""


def test_a_client_needs_a_certificate_where_an_authority_is_named(pem: Pem) -> None:
    settings = {
        "TLS_CERT": str(pem.certificate),
        "TLS_KEY": str(pem.key),
        "TLS_CLIENT_CA": str(pem.certificate),
        "WORKERS": "1",
    }
    with start_service(settings) as service:
        trusting = ssl.create_default_context(cafile=pem.certificate)
        with (
            httpx.Client(verify=trusting, trust_env=False) as client,
            pytest.raises(httpx.TransportError),
        ):
            client.get(f"{service.url}/healthz")
        trusting.load_cert_chain(pem.certificate, pem.key)
        with httpx.Client(verify=trusting, trust_env=False) as client:
            assert client.get(f"{service.url}/healthz").status_code == 200


NO_TLS: list[tuple[dict[str, str], str]] = [
    ({"TLS_CERT": "{cert}"}, "set both or neither"),
    ({"TLS_KEY": "{key}"}, "set both or neither"),
    ({"TLS_CLIENT_CA": "{cert}"}, "needs TOUCHSTONE_TLS_CERT"),
    ({"TLS_CERT": "{cert}", "TLS_KEY": "{cert}.gone"}, "No such file"),
    ({"TLS_CERT": "{key}", "TLS_KEY": "{key}"}, "HTTPS cannot be spoken with"),
    ({"TLS_CERT": "{cert}", "TLS_KEY": "{cert}"}, "HTTPS cannot be spoken with"),
    ({"TLS_CERT": "{cert}", "TLS_KEY": "{key}", "TLS_CLIENT_CA": "{key}"}, "TLS_CLIENT_CA"),
]


@pytest.mark.parametrize(("settings", "words"), NO_TLS, ids=range(len(NO_TLS)))
def test_files_that_will_not_do_are_named_at_the_start(
    pem: Pem, settings: dict[str, str], words: str
) -> None:
    filled = {n: v.format(cert=pem.certificate, key=pem.key) for n, v in settings.items()}
    done = subprocess.run(
        [sys.executable, "-m", "service", "serve"],
        cwd=ROOT,
        env=environment(filled | {"PORT": "0"}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_limits_of_a_key_hold_over_http() -> None:
    settings = {"API_KEYS": "ann:a,bob:b", "KEY_ITEMS_PER_S": "1", "WORKERS": "1"}
    assert Settings.model_fields["key_items_per_s"].default > 1
    ann, bob = {"Authorization": "Bearer a"}, {"Authorization": "Bearer b"}
    batch = json.dumps({**BATCH, "items": [ITEM] * 10})
    with start_service(settings) as service:
        # What a key has left grows while a worker starts.
        service.await_ready()
        assert service.client.post("/v1/grade", content=batch, headers=ann).status_code == 200
        for path in ("/v1/grade", "/v1/jobs", "/v1/validate"):
            refused = service.client.post(path, content=batch, headers=ann)
            assert refused.status_code == 429
            assert 1 <= int(refused.headers["retry-after"]) <= 10
            assert "TOUCHSTONE_KEY_ITEMS_PER_S" in refused.json()["detail"]
        assert service.client.post("/v1/grade", content=batch, headers=bob).status_code == 200
