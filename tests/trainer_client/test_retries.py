"""What is tried again, how often, how long, and under which key."""

from __future__ import annotations

import email.utils
import socket
from contextlib import ExitStack

import pytest

from tests.trainer_client.conftest import Ask
from tests.trainer_client.stub_service import FakeTime, Reply, StubService
from trainer_client import RequestRefused, ServiceUnavailable
from trainer_client.attempts import SYSTEM_TIMING, retry_after_s

ITEMS = [{"completion": "is it 4"}]
NOW = 1_000_000_000.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize(
    "reply",
    [Reply(429), Reply(500), Reply(502), Reply(503), Reply(504), Reply(dropped=True)],
    ids=["429", "500", "502", "503", "504", "dropped"],
)
def test_a_busy_or_broken_service_is_asked_again_in_the_same_words(
    ask: Ask, service: StubService, reply: Reply
) -> None:
    service.script = [reply]
    verdicts = ask(service.url, "grade", ITEMS, timing=FakeTime().timing)
    assert [verdict.reward for verdict in verdicts] == [1.0]
    first, second = service.seen
    assert first.body == second.body
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 413, 422])
def test_a_refused_request_is_not_repeated(ask: Ask, service: StubService, status: int) -> None:
    service.script = [Reply(status, b"{}")] * 2
    with pytest.raises(RequestRefused) as caught:
        ask(service.url, "grade", ITEMS, timing=FakeTime().timing)
    assert caught.value.status == status
    assert len(service.seen) == 1


def test_a_crash_is_repeated_once(ask: Ask, service: StubService) -> None:
    service.script = [Reply(500, b"oops")] * 3
    with pytest.raises(ServiceUnavailable, match="HTTP 500; see the service's log") as caught:
        ask(service.url, "grade", ITEMS, timing=FakeTime().timing)
    assert caught.value.status == 500
    assert len(service.seen) == 2


def test_an_unknown_server_error_is_not_repeated(ask: Ask, service: StubService) -> None:
    service.script = [Reply(501, b"")]
    with pytest.raises(ServiceUnavailable, match="HTTP 501"):
        ask(service.url, "grade", ITEMS, timing=FakeTime().timing)
    assert len(service.seen) == 1


@pytest.mark.parametrize(
    ("draw", "pauses"),
    [(1.0, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]), (0.0, [0.0] * 8)],
)
def test_pauses_double_under_full_jitter(
    ask: Ask, service: StubService, draw: float, pauses: list[float]
) -> None:
    service.script = [Reply(503)] * 9
    time = FakeTime(draw=draw)
    with pytest.raises(ServiceUnavailable) as caught:
        ask(service.url, "grade", ITEMS, max_attempts=9, timing=time.timing)
    assert time.slept == pauses
    assert caught.value.status == 503
    assert str(caught.value) == (
        f"POST {service.url}/v1/grade gave no verdict in 9 attempts and {sum(pauses):.1f} s "
        "(last: HTTP 503). Check that the service is up (GET /readyz); "
        "raise timeout_s or max_attempts to wait longer."
    )


@pytest.mark.parametrize(
    ("timeout_s", "attempts"), [(1.4, 2), (1.6, 3)], ids=["below 0.5 + 1", "above 0.5 + 1"]
)
def test_no_pause_outlasts_the_time_out(
    ask: Ask, service: StubService, timeout_s: float, attempts: int
) -> None:
    service.script = [Reply(503)] * 5
    time = FakeTime()
    with pytest.raises(ServiceUnavailable):
        ask(service.url, "grade", ITEMS, timeout_s=timeout_s, timing=time.timing)
    assert len(service.seen) == attempts
    assert time.now_s < timeout_s


def test_retry_after_is_waited_for(ask: Ask, service: StubService) -> None:
    service.script = [
        Reply(429, headers={"Retry-After": "7"}),
        Reply(503, headers={"Retry-After": email.utils.formatdate(NOW + 7 + 20, usegmt=True)}),
    ]
    time = FakeTime(draw=0.0)
    ask(service.url, "grade", ITEMS, timing=time.timing)
    assert time.slept == [7.0, 20.0]


def test_a_retry_after_beyond_the_time_out_ends_the_call_at_once(
    ask: Ask, service: StubService
) -> None:
    service.script = [Reply(429, headers={"Retry-After": "60"})]
    time = FakeTime()
    with pytest.raises(ServiceUnavailable, match=r"1 attempt and 0\.0 s"):
        ask(service.url, "grade", ITEMS, timeout_s=60.0, timing=time.timing)
    assert time.slept == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 0.0),
        ("0", 0.0),
        (" 5 ", 5.0),
        ("119", 119.0),
        ("120", 120.0),
        ("121", 120.0),
        ("9" * 5000, 120.0),
        ("0" * 6 + "5", 5.0),
        ("-5", 0.0),
        ("nan", 0.0),
        ("soon", 0.0),
        ("\u0665", 0.0),
        (email.utils.formatdate(NOW + 9, usegmt=True), 9.0),
        (email.utils.formatdate(NOW - 9, usegmt=True), 0.0),
        (email.utils.formatdate(NOW + 9000, usegmt=True), 120.0),
        ("Sun, 09 Sep 2001 01:46:45 -0000", 5.0),  # no zone: UTC
        ("Sun, 99999999999999999999 Sep 2001 01:46:45 GMT", 0.0),
    ],
)
def test_retry_after_is_read_and_bounded(header: str, seconds: float) -> None:
    assert retry_after_s(header, now=NOW) == seconds


def test_a_service_that_is_starting_is_waited_for(ask: Ask) -> None:
    port = _free_port()
    stub = StubService()
    with ExitStack() as running:
        time = FakeTime()

        def start() -> None:
            running.enter_context(stub.serving(port))

        time.on_sleep = start
        verdicts = ask(f"http://127.0.0.1:{port}", "grade", ITEMS, timing=time.timing)
    assert [verdict.reward for verdict in verdicts] == [1.0]
    assert time.slept == [0.5]


def test_an_absent_service_is_named_with_the_remedy(ask: Ask) -> None:
    url = f"http://user:s3cret@127.0.0.1:{_free_port()}/base"
    with pytest.raises(ServiceUnavailable) as caught:
        ask(url, "grade", ITEMS, max_attempts=2, timing=FakeTime().timing)
    assert caught.value.status is None
    text = str(caught.value)
    assert text.startswith(f"POST {url.replace('user:s3cret@', '')}/v1/grade gave no verdict in 2")
    assert "ConnectError" in text
    assert "/readyz" in text


def test_a_silent_service_is_left_at_the_time_out(ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ServiceUnavailable, match="last: ReadTimeout"):
            ask(url, "grade", ITEMS, timeout_s=1.0, timing=SYSTEM_TIMING)
        assert ask(url, "ready", timeout_s=0.05) is False


def test_an_answer_that_trickles_in_is_left_at_the_time_out(ask: Ask, service: StubService) -> None:
    time = FakeTime()

    def end_of_time() -> None:
        time.now_s = 600.0

    service.script = [Reply(before_body=end_of_time)]
    with pytest.raises(ServiceUnavailable, match="still arriving"):
        ask(service.url, "grade", ITEMS, timing=time.timing)
    assert len(service.seen) == 1
