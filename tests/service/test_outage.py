"""What the log says of a Redis that is away: rarely, with place and cause, and when it is back."""

from __future__ import annotations

import asyncio
import logging

import pytest
from redis.exceptions import AuthenticationError, ConnectionError, OutOfMemoryError, RedisError

from service.outage import Outage, is_full, trouble
from service.redis_link import connect

URL = "redis://user:s3cret@127.0.0.1:1/0"


def _outage(url: str = URL) -> Outage:
    redis = connect(url)
    asyncio.run(redis.aclose())
    return Outage(redis)


def test_it_is_said_once_with_place_and_cause_and_that_it_is_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    outage = _outage()
    for _ in range(100):
        outage.seen(ConnectionError("refused"))
    outage.over()
    outage.over()
    outage.seen(ConnectionError("again"))
    assert caplog.messages == [
        "127.0.0.1:1: Redis is away (ConnectionError: refused)",
        "127.0.0.1:1: Redis is back",
        "127.0.0.1:1: Redis is away (ConnectionError: again)",
    ]


def test_it_is_said_again_after_a_while(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage = _outage("unix:///run/redis.sock?password=s3cret")
    monkeypatch.setattr("service.outage._SAY_EVERY_S", 0.0)
    outage.seen(ConnectionError())
    outage.seen(ConnectionError())
    assert caplog.messages == ["/run/redis.sock: Redis is away (ConnectionError)"] * 2


TROUBLES: list[tuple[RedisError, str, bool]] = [
    (AuthenticationError("invalid password"), "look at TOUCHSTONE_REDIS_URL", False),
    (OutOfMemoryError("command not allowed"), "Redis is full (maxmemory): raise its", True),
    (RedisError("error in a script: -OOM command not allowed"), "Redis is full", True),
]


@pytest.mark.parametrize(("error", "words", "full"), TROUBLES, ids=range(len(TROUBLES)))
def test_trouble_is_told_with_its_remedy(error: RedisError, words: str, full: bool) -> None:
    assert words in trouble(error)
    assert is_full(error) is full
