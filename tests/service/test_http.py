"""What a client of the HTTP interface meets, over a real socket from a real service."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.live import LiveService, start_service

GRADERS = [{"name": "math"}]


def _item(answer: str, gold: str = "42", **fields: object) -> dict[str, Any]:
    return {"completion": f"\\boxed{{{answer}}}", "reference": {"answer": gold}} | fields


def _batch(*items: object, **fields: object) -> dict[str, Any]:
    return {"graders": GRADERS, "items": list(items)} | fields


def test_verdicts_come_in_the_order_of_the_items(live: LiveService) -> None:
    batch = _batch(*(_item(str(n), str(n if n % 3 else n + 1), id=f"i{n}") for n in range(700)))
    verdicts = live.grade(batch)
    assert [verdict["id"] for verdict in verdicts] == [f"i{n}" for n in range(700)]
    assert [verdict["reward"] for verdict in verdicts] == [float(n % 3 > 0) for n in range(700)]


def test_an_empty_batch_is_answered(live: LiveService) -> None:
    assert live.grade(_batch()) == []


BAD_ITEMS: list[tuple[object, str, str, str]] = [
    ({"completion": 3, "id": "x"}, "bad_item", "completion", "x"),
    ({"id": "x"}, "bad_item", "completion", "x"),
    ({"completion": "a", "id": 7}, "bad_item", "id", ""),
    ({"completion": "a", "id": "x" * 257}, "bad_item", "id", ""),
    ({"completion": "a", "gold": "7"}, "bad_item", "gold", ""),
    ({"completion": "a", "k\u001b[2J": "7"}, "bad_item", "?", ""),
    ({"completion": "a", "reference": ["7"]}, "bad_item", "reference", ""),
    ({"completion": "a", "completion_tokens": "7"}, "bad_item", "completion_tokens", ""),
    ({"completion": "a", "graders": [{"name": "math", "weight": "1"}]},
     "bad_item", "graders[0].weight", ""),
    (7, "bad_item", "", ""),
    (None, "bad_item", "", ""),
    ({"completion": [], "reference": {"answer": "7"}}, "bad_item", "completion", ""),
    ({"completion": "a", "id": "x"}, "bad_reference", "reference.answer", "x"),
    ({"completion": "a", "graders": [{"name": "mth"}]}, "unknown_grader", "graders.name", ""),
    ({"completion": "a", "graders": []}, "no_graders", "graders", ""),
    ({"completion": "a", "graders": [{"name": "math", "role": "gate"}]}, "no_terms", "graders", ""),
    ({"completion": "a", "graders": [{"name": "math", "options": {"tolerence": 1}}]},
     "bad_options", "options.tolerence", ""),
]  # fmt: skip


def test_a_bad_item_gets_its_own_verdict_and_spoils_no_other(live: LiveService) -> None:
    items = [row[0] for row in BAD_ITEMS]
    good = [_item("42", id=f"good-{n}") for n in range(len(items))]
    verdicts = live.grade(
        _batch(*(item for pair in zip(items, good, strict=True) for item in pair))
    )
    assert [v["reward"] for v in verdicts[1::2]] == [1.0] * len(items)
    for verdict, (_, reason, field, item_id) in zip(verdicts[::2], BAD_ITEMS, strict=True):
        grade = verdict["grades"][0]
        assert (verdict["reward"], verdict["outcome"]) == (None, "ungradable")
        assert (grade["reason"], grade["detail"].get("field", "")) == (reason, field)
        assert verdict["id"] == (item_id or None)


def test_a_bad_item_is_as_bad_alone(live: LiveService) -> None:
    for item, reason, field, _ in BAD_ITEMS:
        (verdict,) = live.grade(_batch(item))
        grade = verdict["grades"][0]
        assert (grade["reason"], grade["detail"].get("field", "")) == (reason, field)


REFUSED: list[tuple[bytes, int, str]] = [
    (b"", 400, "not JSON"),
    (b"[]", 422, "body: Input should be a valid dictionary"),
    (b'{"items":[],"items":[]}', 400, "same key twice"),
    (b'{"graders":[]}', 422, "items"),
    (b'{"items":{}}', 422, "items"),
    (b'{"items":[],"extra":1}', 422, "extra: unknown field"),
    (b'{"items":[],"graders":[{"name":1}]}', 422, "graders[0].name"),
    (b'{"items":[],"graders":[{"name":"math","weight":1e7}]}', 422, "graders[0].weight"),
    (b'{"items":[],"graders":[{"name":"math","weight":"1"}]}', 422, "graders[0].weight"),
    (b'{"items":[],"deadline_s":"5"}', 422, "deadline_s"),
    (b'{"items":[],"deadline_s":0}', 422, "deadline_s"),
    (b'{"items":[],"deadline_s":1e9}', 422, "deadline_s: at most 3600"),
    (b'{"items":[],"references":{"a":{"b":"\\ud800"}}}', 400, "surrogate"),
    (b'{"items":[],"references":{"a":{"b":NaN}}}', 400, "NaN"),
    (b'{"items":[],"references":{"a":{"b":1e999}}}', 400, "too large"),
    (b'{"items":[],"references":{"a":{"b":' + b"9" * 5000 + b"}}}", 400, "64 bits"),
    (b'{"items":' + b"[" * 100_000, 400, "deeper than 32"),
    (b'{"items":[],"references":{"a":' + b"[" * 900 + b"]" * 900 + b"}}", 400, "deeper than 32"),
    ('{"items":[]}'.encode("utf-16"), 400, "not UTF-8"),
]


@pytest.mark.parametrize(("body", "status", "words"), REFUSED, ids=range(len(REFUSED)))
def test_a_malformed_request_is_refused_without_echo(
    live: LiveService, body: bytes, status: int, words: str
) -> None:
    response = live.client.post("/v1/grade", content=body)
    assert response.status_code == status, response.text
    assert words in response.json()["detail"]
    assert len(response.content) < 200
    assert live.grade(_batch(_item("42")))[0]["reward"] == 1.0


def test_no_refusal_repeats_the_input(live: LiveService) -> None:
    canary = "canary-9f2c"
    bodies = [
        {"items": [], "graders": [{"name": canary * 40}]},
        {"items": [], f"{canary}!": canary},
        {"items": canary},
    ]
    for body in bodies:
        response = live.client.post("/v1/grade", content=json.dumps(body))
        assert response.status_code == 422
        assert canary not in response.text


def test_a_compressed_body_is_refused_unread(live: LiveService) -> None:
    response = live.client.post(
        "/v1/grade", content=gzip.compress(b"0" * 10**6), headers={"Content-Encoding": "gzip"}
    )
    assert response.status_code == 415


def test_text_of_every_kind_passes(live: LiveService) -> None:
    (verdict,) = live.grade(_batch(_item("42", id="é-汉\r\nFLUSHALL\r\n😀\0")))
    assert (verdict["id"], verdict["reward"]) == ("é-汉\r\nFLUSHALL\r\n😀\0", 1.0)


def test_the_gold_is_never_said(live: LiveService) -> None:
    response = live.client.post("/v1/grade", content=json.dumps(_batch(_item("1", "7391"))))
    assert response.json()["verdicts"][0]["reward"] == 0.0
    assert "7391" not in response.text


def test_groups_have_their_figures(live: LiveService) -> None:
    body = _batch(_item("42", group="a"), _item("1", group="a"), _item("42"))
    groups = live.client.post("/v1/grade", content=json.dumps(body)).json()["groups"]
    assert list(groups) == ["a"]
    assert (groups["a"]["mean"], groups["a"]["pass_rate"]) == (0.5, 0.5)
    assert groups["a"]["items"] == [0, 1]


def test_a_gate_and_a_weighted_sum_over_http(live: LiveService) -> None:
    calls = [
        {"name": "math", "weight": 2},
        {"name": "exact", "role": "gate", "options": {}},
    ]
    right = {"completion": "\\boxed{42}", "reference": {"answer": "42"}, "graders": calls}
    verdicts = live.grade({"items": [right, right | {"completion": "42"}]})
    assert [verdict["outcome"] for verdict in verdicts] == ["graded", "graded"]
    assert [len(verdict["grades"]) for verdict in verdicts] == [2, 2]


def test_the_catalogue_says_what_each_grader_takes(live: LiveService) -> None:
    listing = live.client.get("/v1/graders").json()
    entries = {entry["name"]: entry for entry in listing["graders"]}
    keys = {"exact": "answer", "math": "answer", "code": "tests"}
    assert set(entries) >= set(keys)
    for name, entry in entries.items():
        assert entry["options"].get("type") == "object" or entry["options"]["oneOf"]
        assert entry["reference"]["type"] == "object"
        assert name not in keys or keys[name] in entry["reference"]["properties"]
        low, high = entry["score_range"]
        assert low < high == 1.0
    assert {"too_complex", "timeout"} <= set(entries["math"]["reasons"])
    assert "deadline" in listing["shared_reasons"]


def test_operations_routes(live: LiveService) -> None:
    live.await_ready()
    assert live.client.get("/healthz").json() == {"status": "ok"}
    ready = live.client.get("/readyz").json()
    assert (ready["ready"], ready["redis"]) == (True, "up")
    assert ready["lanes"]["light"]["workers"] >= 1
    live.grade(_batch(_item("42"), {"completion": "", "graders": [{"name": "no-such"}]}))
    text = live.client.get("/metrics").text
    assert 'touchstone_grades_total{grader="math",outcome="graded",reason="equivalent"}' in text
    assert 'touchstone_requests_total{route="/v1/grade",status="200"}' in text
    assert 'touchstone_workers{lane="light"}' in text
    assert "no-such" not in text
    assert live.client.get("/nowhere").status_code == 404
    assert live.client.get("/v1/grade").status_code == 405


@pytest.fixture(scope="module")
def strict() -> Iterator[LiveService]:
    """A service with a key and with small limits."""
    settings = {
        "API_KEYS": "ann+grade+admin:s3cret,bob+admin+grade:other",
        "BODY_BYTES": "10000",
        "ITEMS_PER_REQUEST": "3",
        "TEXT_CHARS": "1000",
        "BODY_S": "2",
        "WORKERS": "1",
        "QUEUE_CHUNKS": "1",
    }
    with start_service(settings) as service:
        service.client.headers["Authorization"] = "Bearer s3cret"
        yield service


@pytest.mark.parametrize("spare", [-1, 0, 1])
def test_the_body_limit_with_and_without_a_length(strict: LiveService, spare: int) -> None:
    body = json.dumps(_batch()).encode()
    body += b" " * (10_000 + spare - len(body))
    status = 413 if spare > 0 else 200
    assert strict.client.post("/v1/grade", content=body).status_code == status
    pieces = (body[at : at + 999] for at in range(0, len(body), 999))
    assert strict.client.post("/v1/grade", content=pieces).status_code == status


@pytest.mark.parametrize(("count", "status"), [(2, 200), (3, 200), (4, 413)])
def test_the_item_limit(strict: LiveService, count: int, status: int) -> None:
    body = json.dumps(_batch(*[_item("42")] * count))
    response = strict.client.post("/v1/grade", content=body)
    assert response.status_code == status
    assert status == 200 or "4 items" in response.json()["detail"]


def test_the_text_limit_is_the_items_own_affair(strict: LiveService) -> None:
    texts = ["x" * (length - 10) + "\\boxed{42}" for length in (999, 1000, 1001)]
    items = [{"completion": text, "reference": {"answer": "42"}} for text in texts]
    verdicts = strict.grade(_batch(*items))
    assert [v["reward"] for v in verdicts] == [1.0, 1.0, 0.0]
    assert verdicts[2]["grades"][0]["reason"] == "too_long"


AUTH: list[tuple[str | None, int]] = [
    (None, 401),
    ("", 401),
    ("Bearer", 401),
    ("Bearer wrong", 401),
    ("Bearer s3cret", 200),
    ("bearer other", 200),
    ("Basic !!!", 401),
    ("Basic YW5uOnMzY3JldA==", 200),
    ("Basic YW5uOndyb25n", 401),
    ("Digest s3cret", 401),
]


@pytest.mark.parametrize(
    "path", ["/v1/graders", "/v1/isolation", "/readyz", "/metrics", "/openapi.json"]
)
@pytest.mark.parametrize(("header", "status"), AUTH, ids=range(len(AUTH)))
def test_a_key_is_needed_everywhere_but_for_liveness(
    strict: LiveService, path: str, header: str | None, status: int
) -> None:
    strict.await_ready()
    headers = {} if header is None else {"Authorization": header}
    with httpx.Client(base_url=strict.url, trust_env=False) as client:
        # A load balancer shows no key, and is told no more than whether to send anything.
        expected = 200 if path == "/readyz" and header is None else status
        assert client.get(path, headers=headers).status_code == expected
        assert client.get("/healthz", headers=headers).status_code == 200


def test_a_body_that_does_not_come_is_not_waited_for(strict: LiveService) -> None:
    address = urlsplit(strict.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as slow:
        slow.sendall(
            b"POST /v1/grade HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer s3cret\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        assert slow.recv(200).startswith(b"HTTP/1.1 408")
