"""Both ends of the queue in this process, over a real Redis."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from service.broker import Broker, QueueFull, QueueUnavailable
from service.embedded_redis import EmbeddedRedis
from service.items import Answer, Errand, Work
from service.queues import ANYBODY, Queue
from service.readiness import readiness
from service.redis_link import append, entries_of
from service.settings import Settings
from service.streams import GROUP, Chunk, Reply, load_cargo
from service.worker import work

LIGHT = Queue("light", "interactive", ANYBODY).key
CALLS = orjson.dumps([{"name": "exact"}])


def _work(number: int, text: str | None = None) -> Work:
    item = {"id": str(number), "completion": text or str(number), "reference": {"answer": "1"}}
    return Work(str(number), "light", CALLS, orjson.dumps(item))


def _settings(**changes: object) -> Settings:
    return Settings.model_validate({"lease_s": 0.5, "drain_s": 5.0} | changes)


def _rewards(answers: list[Answer]) -> list[float | None]:
    return [answer.reward for answer in answers]


@asynccontextmanager
async def _working(server: EmbeddedRedis, settings: Settings) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(work(server.url, lanes=["light"], settings=settings, stop=stop))
    try:
        yield
    finally:
        stop.set()
        await task


@pytest.mark.anyio
async def test_answers_come_in_order_through_many_small_chunks(redis_server: EmbeddedRedis) -> None:
    settings = _settings(chunk_items=3, slots=2)
    async with (
        Broker(redis_server.url, settings=settings) as broker,
        _working(redis_server, settings),
    ):
        answers = await broker.submit([_work(n % 4) for n in range(50)], Errand(60))
        assert _rewards(answers) == [float(n % 4 == 1) for n in range(50)]
        assert [orjson.loads(a.verdict)["id"] for a in answers] == [str(n % 4) for n in range(50)]
        assert broker.figures.tally.total() == 50
        assert await broker.submit([], Errand(1)) == []


@pytest.mark.anyio
async def test_requests_of_one_item_share_chunks(redis_server: EmbeddedRedis) -> None:
    settings = _settings()
    async with Broker(redis_server.url, settings=settings) as broker:
        asked = [asyncio.create_task(broker.submit([_work(n)], Errand(60))) for n in range(16)]
        async with Redis.from_url(redis_server.url) as redis:
            while not await redis.xlen(LIGHT):
                await asyncio.sleep(0.01)
            assert await redis.xlen(LIGHT) == 1
        async with _working(redis_server, settings):
            answers = [answer for one in asked for answer in await one]
    assert _rewards(answers) == [float(n == 1) for n in range(16)]


@pytest.mark.anyio
async def test_a_missed_deadline_fails_and_is_never_a_number(redis_server: EmbeddedRedis) -> None:
    settings = _settings()
    async with Broker(redis_server.url, settings=settings) as broker:
        (answer,) = await broker.submit([_work(1)], Errand(0.05))
        assert (answer.reward, answer.mark) == (None, "f")
        assert orjson.loads(answer.verdict)["grades"][0]["reason"] == "deadline"
        # Its chunk is still queued: whoever takes it now drops it unrun, and goes on.
        async with _working(redis_server, settings):
            (answer,) = await broker.submit([_work(1)], Errand(60))
            assert answer.reward == 1.0
            assert broker.figures.tally["service", "failed", "deadline"] <= 1


@pytest.mark.anyio
async def test_who_joined_one_in_vain_is_graded_himself(redis_server: EmbeddedRedis) -> None:
    settings = _settings()
    same = _work(1)._replace(essence=b"x")
    async with Broker(redis_server.url, settings=settings) as broker:
        first = asyncio.create_task(broker.submit([same], Errand(3)))
        async with Redis.from_url(redis_server.url) as redis:
            while not await redis.xlen(LIGHT):
                await asyncio.sleep(0.01)
            second = asyncio.create_task(broker.submit([same], Errand(60)))
            while not any(sent.tickets[0].twins for sent in broker._sent.values()):
                await asyncio.sleep(0.01)
            # Any: redis-py types the answer as the union over all protocols.
            found: Any = await redis.xinfo_stream(LIGHT)
            assert found["entries-added"] == 1
            assert _rewards(await first) == [None]
            async with _working(redis_server, settings):
                assert _rewards(await second) == [1.0]


@pytest.mark.anyio
async def test_a_full_lane_is_said_and_comes_free_again(redis_server: EmbeddedRedis) -> None:
    settings = _settings(queue_chunks=2, chunk_items=1)
    async with Broker(redis_server.url, settings=settings) as broker:
        waiting = asyncio.create_task(broker.submit([_work(1), _work(2)], Errand(60)))
        async with Redis.from_url(redis_server.url) as redis:
            while await redis.xlen(LIGHT) < 2:
                await asyncio.sleep(0.01)
        with pytest.raises(QueueFull, match="light lane is full") as refusal:
            await broker.admit([_work(3)], Errand(60))
        assert refusal.value.retry_after_s >= 1
        async with _working(redis_server, settings):
            await waiting
            await broker.admit([_work(1)], Errand(60))
            assert _rewards(await broker.submit([_work(1)], Errand(60))) == [1.0]


@pytest.mark.anyio
async def test_without_redis_nothing_is_graded() -> None:
    with EmbeddedRedis() as server:
        url = server.url
    async with Broker(url, settings=_settings(queue_chunks=1)) as broker:
        with pytest.raises(QueueUnavailable):
            await broker.submit([_work(1)], Errand(60))
        state = await readiness(broker.redis)
        assert (state.ready, state.redis) == (False, "down")


@pytest.mark.anyio
async def test_work_survives_a_redis_that_comes_back_empty(redis_server: EmbeddedRedis) -> None:
    settings = _settings()
    async with Broker(redis_server.url, settings=settings) as broker:
        waiting = asyncio.create_task(broker.submit([_work(n) for n in (1, 2)], Errand(60)))
        async with Redis.from_url(redis_server.url) as redis:
            while not await redis.xlen(LIGHT):
                await asyncio.sleep(0.01)
        async with _working(redis_server, settings):
            pass
        redis_server.restart()
        async with _working(redis_server, settings):
            assert _rewards(await waiting) == [1.0, 0.0]
            redis_server.restart()
            assert _rewards(await _patiently(broker, _work(1))) == [1.0]


async def test_work_survives_a_redis_that_is_emptied(redis_server: EmbeddedRedis) -> None:
    settings = _settings()
    async with Broker(redis_server.url, settings=settings) as broker:
        asked = asyncio.create_task(broker.submit([_work(1)], Errand(60)))
        while not await broker.redis.xlen(LIGHT):
            await asyncio.sleep(0.02)
        await broker.redis.flushall()
        async with _working(redis_server, settings):
            assert _rewards(await asked) == [1.0]


async def _patiently(broker: Broker, one: Work) -> list[Answer]:
    while True:
        try:
            return await broker.submit([one], Errand(60))
        except QueueUnavailable:
            await asyncio.sleep(0.05)


async def _take_and_die(redis: Redis, consumer: str) -> None:
    """Lease the oldest chunk as a worker would, and never be heard of again."""
    while not await redis.xreadgroup(GROUP, consumer, {LIGHT: ">"}, count=1):
        await asyncio.sleep(0.01)


@pytest.mark.anyio
async def test_what_a_dead_worker_held_is_done_by_another(redis_server: EmbeddedRedis) -> None:
    settings = _settings()
    async with (
        Broker(redis_server.url, settings=settings) as broker,
        Redis.from_url(redis_server.url) as redis,
    ):
        await redis.xgroup_create(LIGHT, GROUP, id="0", mkstream=True)
        waiting = asyncio.create_task(broker.submit([_work(1), _work(2)], Errand(60)))
        await _take_and_die(redis, "dead")
        async with _working(redis_server, settings):
            assert _rewards(await waiting) == [1.0, 0.0]
            assert (await readiness(redis)).lanes["light"].workers == 1
        state = await readiness(redis)
        assert (state.ready, state.lanes["light"].workers) == (False, 0)


@pytest.mark.anyio
async def test_an_item_that_outlives_every_worker_is_given_up(redis_server: EmbeddedRedis) -> None:
    settings = _settings(deliveries=2)
    async with (
        Broker(redis_server.url, settings=settings) as broker,
        Redis.from_url(redis_server.url) as redis,
    ):
        await redis.xgroup_create(LIGHT, GROUP, id="0", mkstream=True)
        waiting = asyncio.create_task(broker.submit([_work(1)], Errand(60)))
        await _take_and_die(redis, "dead-1")
        # The second to take it dies as well.
        while not (await redis.xautoclaim(LIGHT, GROUP, "dead-2", 0))[1]:
            await asyncio.sleep(0.01)
        async with _working(redis_server, settings):
            (answer,) = await waiting
    assert (answer.reward, answer.mark) == (None, "f")
    assert orjson.loads(answer.verdict)["grades"][0]["reason"] == "worker_died"


@pytest.mark.anyio
async def test_a_payload_of_another_version_fails_and_harms_no_other(
    redis_server: EmbeddedRedis,
) -> None:
    settings = _settings()
    strange = Work("x", "light", b"[]", b'{"parcel":1}')
    async with (
        Broker(redis_server.url, settings=settings) as broker,
        _working(redis_server, settings),
    ):
        (answer,) = await broker.submit([strange], Errand(60))
        assert (answer.reward, answer.mark) == (None, "f")
        assert _rewards(await broker.submit([_work(1)], Errand(60))) == [1.0]


@pytest.mark.anyio
async def test_a_second_reply_to_the_same_chunk_changes_nothing(
    redis_server: EmbeddedRedis,
) -> None:
    settings = _settings()
    async with (
        Broker(redis_server.url, settings=settings) as broker,
        Redis.from_url(redis_server.url) as redis,
    ):
        waiting = asyncio.create_task(broker.submit([_work(1), _work(2)], Errand(60)))
        while not (found := await redis.xrange(LIGHT)):
            await asyncio.sleep(0.01)
        (entry,) = entries_of(found)
        assert entry.fields is not None
        chunk = Chunk.from_fields(entry.fields)
        assert len(load_cargo(chunk.payload).parcels) == 1
        for offset, mark in ((1, "p"), (1, "g"), (0, "p"), (0, "g")):
            reward = float(mark == "p")
            reply = Reply(chunk.chunk_id, offset, [b"{}"], [reward], mark, Counter())
            async with redis.pipeline() as pipe:
                append(pipe, chunk.reply_to, reply.fields())
                await pipe.execute()
        assert [answer.mark for answer in await waiting] == ["p", "p"]
