"""Clients that mean harm: what they send is contained, and others are served meanwhile."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import zlib
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from bench.hostile_clients import ATTACKS, Target, connections, half_closed, slow_bodies, slow_heads
from tests.live import LiveService, start_service, wait_until

CASES = Path(__file__).parent / "cases" / "hostile_items.json"
GOOD = '{"id":"good","completion":"\\\\boxed{42}","reference":{"answer":"42"}}'
BATCH = f'{{"graders":[{{"name":"math"}}],"items":[{GOOD}]}}'
IMPATIENT = {
    "API_KEYS": "ann:a-secret,bob:b-secret",
    "HEADERS_S": "2",
    "IDLE_S": "2",
    "BODY_S": "1.5",
    "BODY_BYTES": "1000000",
    "WORKERS": "1",
}
ANN, BOB = ({"Authorization": f"Bearer {secret}"} for secret in ("a-secret", "b-secret"))


@pytest.fixture(scope="module")
def impatient() -> Iterator[LiveService]:
    """A service that waits for nobody for long."""
    with start_service(IMPATIENT) as service:
        service.client.headers.update(ANN)
        wait_until(lambda: service.client.get("/readyz").status_code == 200)
        yield service


def _target(service: LiveService) -> Target:
    address = urlsplit(service.url)
    return Target(str(address.hostname), address.port or 80, ANN["Authorization"])


def _is_served(service: LiveService) -> bool:
    answer = service.client.post("/v1/grade", content=BATCH)
    return answer.status_code == 200 and answer.json()["verdicts"][0]["reward"] == 1.0


def _item(row: dict[str, Any], url: str) -> str:
    if "item" in row:
        return str(row["item"]).replace("{url}", url)
    start, opening, levels, closing, end = row["item_gen"]
    return f"{start}{opening * levels}{closing * levels}{end}"


ROWS = json.loads(CASES.read_text())


@pytest.mark.parametrize("row", ROWS, ids=[row["title"] for row in ROWS])
def test_a_hostile_item_harms_nobody_but_itself(live: LiveService, row: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        url = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/"
        body = f'{{"graders":[{{"name":"math"}}],"items":[{GOOD},{_item(row, url)},{GOOD}]}}'
        answer = live.client.post("/v1/grade", content=body.encode())
        assert answer.status_code == 200, answer.text
        first, verdict, last = answer.json()["verdicts"]
        assert (first["reward"], last["reward"]) == (1.0, 1.0)
        assert (verdict["outcome"], verdict["reward"]) == (row["outcome"], row.get("reward"))
        assert row.get("reason") in (None, verdict["grades"][0]["reason"])
        assert row.get("id") in (None, verdict["id"])
        assert "never" not in row or row["never"] not in answer.text
        elsewhere.setblocking(False)
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


def test_tests_are_never_unpickled(live: LiveService, tmp_path: Path) -> None:
    canary = tmp_path / "unpickled"
    payload = b"cos\nsystem\n(S'touch %b'\ntR." % str(canary).encode()
    item = {
        "completion": "```python\nprint(1)\n```",
        "graders": [{"name": "code"}],
        "reference": {"tests": b64encode(zlib.compress(payload)).decode()},
    }
    (verdict,) = live.grade({"items": [item]})
    assert verdict["grades"][0]["reason"] == "bad_reference"
    assert not canary.exists()


def test_what_a_client_says_forges_no_line_of_the_log(impatient: LiveService) -> None:
    forged = "2026-01-01 ERROR root: forged-line\x1b[2J"
    escaped = "%0d%0a2026-01-01%20ERROR%20root:%20forged-line%1b[2J"
    for row in ROWS:
        body = f'{{"graders":[{{"name":"math"}}],"items":[{_item(row, "x")}]}}'
        impatient.client.post("/v1/grade", content=body.encode())
    for path in (f"/v1/jobs/{escaped}", f"/{escaped}", f"/v1/graders?x={escaped}"):
        assert impatient.client.get(path).status_code in (200, 404)
    body = json.dumps({"items": [{"id": f"\r\n{forged}", "completion": "x"}]})
    assert impatient.client.post("/v1/grade", content=body).status_code == 200
    target = _target(impatient)
    with socket.create_connection((target.host, target.port), timeout=30) as one:
        one.sendall(target.head(f"X-Request-ID: a{forged}", "Content-Length: 2") + b"{}")
        assert one.recv(100).startswith(b"HTTP/1.1 4")
    assert _is_served(impatient)
    assert not [line for line in impatient.log if "\x1b" in line or line.startswith("2026-01-01 E")]


def _closed(opened: Sequence[socket.socket]) -> bool:
    """Whether the server has ended all of them; what it said before is thrown away."""
    return all(map(_is_closed, opened))


def _is_closed(one: socket.socket) -> bool:
    one.setblocking(False)
    try:
        while one.recv(2**16):
            pass
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


@pytest.mark.parametrize("attack", [slow_heads, slow_bodies, half_closed])
def test_who_is_slow_is_not_waited_for(impatient: LiveService, attack: Any) -> None:
    with attack(_target(impatient), count=500) as opened:
        assert _is_served(impatient)
        wait_until(lambda: _closed(opened))
    assert _is_served(impatient)


SLOW: list[tuple[str, bytes, bytes]] = [
    ("empty lines", b"", b"\r\n"),
    ("a second head", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /", b"x"),
    ("a body that was refused", b"POST /v1/x HTTP/1.1\r\nContent-Length: 100000\r\n\r\n", b"x"),
    ("nothing at all", b"", b""),
    ("nothing after an answer", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b""),
]


@pytest.mark.parametrize(("start", "drop"), [row[1:] for row in SLOW], ids=[row[0] for row in SLOW])
def test_nobody_keeps_a_connection_for_ever(
    impatient: LiveService, start: bytes, drop: bytes
) -> None:
    with connections(_target(impatient), 1) as opened:
        opened[0].sendall(start)

        def is_closed_after_a_drop() -> bool:
            with contextlib.suppress(OSError):
                opened[0].send(drop, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
            return _closed(opened)

        wait_until(is_closed_after_a_drop)


def test_who_reads_no_answer_is_let_go(impatient: LiveService) -> None:
    target = _target(impatient)
    request = target.head().replace(b"POST /v1/grade", b"GET /v1/graders")
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        deaf.connect((target.host, target.port))
        deaf.sendall(request * 100)
        ends = f":{target.port:04X} 0100007F:{deaf.getsockname()[1]:04X} 01"
        assert ends in Path("/proc/net/tcp").read_text()
        wait_until(lambda: ends not in Path("/proc/net/tcp").read_text())
    assert _is_served(impatient)


LARGE: list[tuple[str, bytes, bytes, bytes]] = [
    ("a URL", b"GET /" + b"x" * 9_000, b"", b"HTTP/1.1 414"),
    ("a URL without end", b"GET /", b"x" * 10_000, b"HTTP/1.1 4"),
    ("headers", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 4_000 + b"\r\n", b"", b"HTTP/1.1 431"),
    ("a header without end", b"GET / HTTP/1.1\r\nX: ", b"x" * 10_000, b"HTTP/1.1 431"),
    ("no request", b"\0\1\2\3\r\n\r\n", b"", b"HTTP/1.1 400"),
    ("another protocol", b"*1\r\n$8\r\nFLUSHALL\r\n", b"", b"HTTP/1.1 400"),
]


@pytest.mark.parametrize(
    ("start", "more", "status"), [row[1:] for row in LARGE], ids=[row[0] for row in LARGE]
)
def test_a_head_has_a_limit(
    impatient: LiveService, start: bytes, more: bytes, status: bytes
) -> None:
    with connections(_target(impatient), 1) as (one,):
        one.sendall(start + (b"" if more else b" HTTP/1.1\r\n\r\n"))
        with contextlib.suppress(OSError):
            for _ in range(1_000 if more else 0):
                one.sendall(more)
        answer = b""
        with contextlib.suppress(OSError):
            answer = one.recv(1_000)
        # Where we were still talking when it hung up, the answer may be lost with the rest.
        assert answer.startswith(status) or (more and not answer)
        wait_until(lambda: _closed([one]))


ENDLESS: list[tuple[str, bytes, bytes]] = [
    ("chunks", b"", b"8000\r\n" + b" " * 0x8000 + b"\r\n"),
    ("the length of a chunk", b"1;", b"x" * 0x8000),
    ("what trails the chunks", b"1\r\n \r\n0\r\nX: ", b"x" * 0x8000),
    ("trailers", b"1\r\n \r\n0\r\n", b"X: y\r\n" * 0x1000),
]


@pytest.mark.parametrize(
    ("start", "more"), [row[1:] for row in ENDLESS], ids=[row[0] for row in ENDLESS]
)
def test_a_chunked_body_ends_at_the_limit(
    impatient: LiveService, start: bytes, more: bytes
) -> None:
    target = _target(impatient)
    with connections(target, 1) as (one,):
        one.sendall(target.head("Transfer-Encoding: chunked") + start)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            one.sendall(more * (2**27 // len(more)))
    assert _is_served(impatient)


@pytest.mark.parametrize("name", [name for name in ATTACKS if not name.startswith("10,000")])
def test_others_are_served_in_the_middle_of_an_attack(impatient: LiveService, name: str) -> None:
    with ATTACKS[name](_target(impatient)):
        assert all(_is_served(impatient) for _ in range(5))


def test_idle_connections_hold_nobody_up() -> None:
    with (
        start_service({"WORKERS": "1", "HEADERS_S": "600"}) as service,
        ATTACKS["10,000 idle connections"](_target(service)) as opened,
    ):
        assert isinstance(opened, list)
        assert len(opened) > 256
        assert _is_served(service)
        assert not any(map(_is_closed, opened))


def test_the_longest_idle_make_room() -> None:
    settings = {"WORKERS": "1", "HEADERS_S": "600", "CONNECTIONS": "100"}
    with start_service(settings) as service, connections(_target(service), 300) as opened:
        assert _is_served(service)
        wait_until(lambda: _closed(opened[:200]))
        assert not any(map(_is_closed, opened[202:]))
        assert _is_served(service)


def test_bodies_are_held_within_a_memory_for_all() -> None:
    settings = IMPATIENT | {"BODY_S": "30", "BODY_BYTES": "400000", "BODIES_BYTES": "400000"}
    with start_service(settings) as service:
        target = _target(service)
        with connections(target, 2) as opened:
            for one in opened:
                one.sendall(target.head("Content-Length: 300000") + b" " * 299_000)
            # Either of them: they are read by turns.
            told, _, _ = select.select(opened, [], [], 30)
            refused = told[0].recv(1_000)
            assert refused.startswith(b"HTTP/1.1 503")
            assert b"retry-after: " in refused.lower()
        wait_until(lambda: service.client.post("/v1/grade", headers=BOB, content=BATCH).is_success)


CODE = {"language": "python", "mode": "stdio", "hidden": [{"stdin": "", "stdout": "1\n"}]}
LENIENT = {"language": "python", "source": "def check(stdin, stdout, expected): return True"}


def test_no_key_poisons_the_cache_of_another(impatient: LiveService) -> None:
    def graded(who: dict[str, str], tests: dict[str, Any]) -> tuple[float, bool]:
        item = {"completion": "```python\nprint(2)\n```", "reference": {"tests": tests}}
        body = json.dumps({"graders": [{"name": "code"}], "items": [item]})
        (verdict,) = impatient.client.post("/v1/grade", headers=who, content=body).json()[
            "verdicts"
        ]
        return verdict["reward"], verdict["grades"][0]["cached"]

    lenient = CODE | {"checker": LENIENT}
    assert graded(ANN, lenient) == (1.0, False)
    wait_until(lambda: graded(ANN, lenient) == (1.0, True))
    assert graded(BOB, CODE) == (0.0, False)
    assert graded(BOB, lenient) == (1.0, False)
    assert graded(ANN, CODE) == (0.0, False)


@pytest.mark.parametrize(("body", "words"), [(BATCH, b"send no Upgrade"), ("", b"not JSON")])
def test_an_upgrade_is_refused_or_ignored_and_never_hangs(
    impatient: LiveService, body: str, words: bytes
) -> None:
    target = _target(impatient)
    lines = ["Connection: Upgrade", "Upgrade: h2c"]
    lines += [f"Content-Length: {len(body)}"] if body else []
    with socket.create_connection((target.host, target.port), timeout=60) as client:
        client.sendall(target.head(*lines) + body.encode())
        told = b"".join(iter(lambda: client.recv(4_096), b""))
    assert words in told
    assert b"connection: close" in told.lower()
