"""Lane `code` from intake to answer over a real Redis: what is run once, and what at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from graders.registry import GRADERS
from service.broker import Broker, QueueUnavailable
from service.embedded_redis import EmbeddedRedis
from service.intake import intake_of, read_asked
from service.items import Answer, Errand, Work
from service.queues import ANYBODY, Queue
from service.redis_link import entries_of
from service.settings import Settings
from service.streams import Chunk, load_cargo
from service.worker import work
from tests.service.code_like import CodeLike, serving_sandbox

pytestmark = pytest.mark.anyio

CODE = Queue("code", "interactive", ANYBODY).key
SETTINGS = Settings(lease_s=0.5, drain_s=5.0, sandbox_slots=2, cache_grades=0)


@pytest.fixture
def grader(monkeypatch: pytest.MonkeyPatch) -> CodeLike:
    chosen = CodeLike()
    monkeypatch.setitem(GRADERS, "code", chosen)
    return chosen


@asynccontextmanager
async def _working(
    server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch, settings: Settings = SETTINGS
) -> AsyncIterator[None]:
    monkeypatch.setattr("service.worker.open_sandbox", serving_sandbox)
    stop = asyncio.Event()
    task = asyncio.create_task(work(server.url, lanes=["code"], settings=settings, stop=stop))
    try:
        yield
    finally:
        stop.set()
        await task


# Any: a request's JSON.
def _works(items: Sequence[Mapping[str, Any]], **fields: object) -> list[Work]:
    body = {"graders": [{"name": "code"}], "items": list(items)} | fields
    asked = read_asked(json.dumps(body).encode(), settings=SETTINGS)
    return intake_of(asked, settings=SETTINGS).works


def _items(*texts: str) -> list[dict[str, Any]]:
    return [
        {"id": f"i{n}", "completion": text, "reference": {"answer": "a"}}
        for n, text in enumerate(texts)
    ]


def _told(answers: Sequence[Answer]) -> list[tuple[str, float | None]]:
    verdicts = [orjson.loads(answer.verdict) for answer in answers]
    assert [verdict["reward"] for verdict in verdicts] == [answer.reward for answer in answers]
    return [(verdict["id"], verdict["reward"]) for verdict in verdicts]


async def _chunks(redis: Redis, *, items: int) -> list[Chunk]:
    """What is queued, once it is all of that many items."""
    chunks: list[Chunk] = []
    while sum(chunk.items for chunk in chunks) < items:
        await asyncio.sleep(0.01)
        entries = entries_of(await redis.xrange(CODE))
        chunks = [Chunk.from_fields(entry.fields) for entry in entries if entry.fields is not None]
    return chunks


async def test_identical_programs_are_run_once_and_answered_under_their_own_ids(
    redis_server: EmbeddedRedis, grader: CodeLike, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = _works(_items("a#1", "b#2", "a#3", "a", "b", "c", "a#4"))
    async with (
        Broker(redis_server.url, settings=SETTINGS) as broker,
        _working(redis_server, monkeypatch),
    ):
        answers = await broker.submit(works, Errand(60))
        assert _told(answers) == [
            ("i0", 1.0), ("i1", 0.0), ("i2", 1.0), ("i3", 1.0), ("i4", 0.0), ("i5", 0.0),
            ("i6", 1.0),
        ]  # fmt: skip
        assert sorted(grader.runs) == ["a", "b", "c"]
        assert broker.figures.tally == {
            ("exact", "graded", "match"): 4,
            ("exact", "graded", "different"): 3,
        }
        assert broker.figures.items_shared == 4
        # Another request is another run.
        assert _told(await broker.submit(_works(_items("a")), Errand(60))) == [("i0", 1.0)]
        assert len(grader.runs) == 4


async def test_requests_that_arrive_together_share_their_runs(
    redis_server: EmbeddedRedis, grader: CodeLike, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Broker(redis_server.url, settings=SETTINGS) as broker:
        asked = [
            asyncio.create_task(broker.submit(_works(_items("a", text)), Errand(deadline_s)))
            for text, deadline_s in (("x", 30), ("a", 60))
        ]
        async with Redis.from_url(redis_server.url) as redis:
            await _chunks(redis, items=2)
        async with _working(redis_server, monkeypatch):
            first, second = [_told(await one) for one in asked]
    assert first == [("i0", 1.0), ("i1", 0.0)]
    assert second == [("i0", 1.0), ("i1", 1.0)]
    assert sorted(grader.runs) == ["a", "x"]


async def test_what_failed_failed_for_all_that_waited_for_it(
    redis_server: EmbeddedRedis, grader: CodeLike, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = _works(_items("broken#1", "a", "broken#2", "broken#3"))
    async with (
        Broker(redis_server.url, settings=SETTINGS) as broker,
        _working(redis_server, monkeypatch),
    ):
        answers = await broker.submit(works, Errand(60))
    assert _told(answers) == [("i0", None), ("i1", 1.0), ("i2", None), ("i3", None)]
    assert [answer.mark for answer in answers] == ["f", "p", "f", "f"]
    assert broker.figures.tally["exact", "failed", "internal_error"] == 3
    assert grader.runs.count("broken") == 3  # the attempts of one


async def test_twins_whose_answer_never_comes_are_each_late(
    redis_server: EmbeddedRedis, grader: CodeLike
) -> None:
    async with Broker(redis_server.url, settings=SETTINGS) as broker:
        answers = await broker.submit(_works(_items("a", "a", "b")), Errand(0.05))
    assert _told(answers) == [("i0", None), ("i1", None), ("i2", None)]
    assert grader.runs == []


async def test_without_redis_nobody_waits_for_a_twin(grader: CodeLike) -> None:
    with EmbeddedRedis() as server:
        url = server.url
    async with Broker(url, settings=SETTINGS) as broker:
        asked = [broker.submit(_works(_items("a", "a")), Errand(60)) for _ in range(3)]
        ended = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(error) for error in ended] == [QueueUnavailable] * 3
    assert grader.runs == []


async def test_a_chunk_holds_few_programs_and_their_tests_once(
    redis_server: EmbeddedRedis, grader: CodeLike, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = {"answer": "7", "hidden": "x" * 2**20}
    named = [{"id": f"i{n}", "completion": f"{n}", "reference": "tests"} for n in range(64)]
    inline = [item | {"reference": tests} for item in named]
    async with (
        Broker(redis_server.url, settings=SETTINGS) as broker,
        Redis.from_url(redis_server.url) as redis,
    ):
        for works in (_works(named, references={"tests": tests}), _works(inline)):
            waiting = asyncio.create_task(broker.submit(works, Errand(60)))
            chunks = await _chunks(redis, items=64)
            assert max(chunk.items for chunk in chunks) <= 4
            for chunk in chunks:
                assert len(chunk.payload) < 2**20 + 2_000
                assert list(load_cargo(chunk.payload).references.values()) == [tests]
            async with _working(redis_server, monkeypatch):
                answers = await waiting
            assert _told(answers) == [(f"i{n}", float(n == 7)) for n in range(64)]


@pytest.mark.parametrize("slots", [1, 3])
async def test_a_worker_runs_as_many_programs_at_once_as_it_has_boxes(
    redis_server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch, slots: int
) -> None:
    grader = CodeLike(together=slots)
    monkeypatch.setitem(GRADERS, "code", grader)
    settings = Settings(lease_s=0.5, drain_s=5.0, sandbox_slots=slots, chunk_items=1)
    works = _works(_items(*(f"a{n}" for n in range(4 * slots))))
    async with (
        Broker(redis_server.url, settings=settings) as broker,
        _working(redis_server, monkeypatch, settings),
    ):
        await broker.submit(works, Errand(60))
    assert (grader.most_at_once, len(grader.runs)) == (slots, 4 * slots)
