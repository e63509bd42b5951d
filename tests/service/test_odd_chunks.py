"""Chunks as they should not be, and answers that never came: each costs itself and no other."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import orjson
import pytest
from redis.asyncio import Redis

from service.broker import Broker
from service.clock import SharedClock
from service.embedded_redis import EmbeddedRedis
from service.items import Errand, Work
from service.lane_worker import LaneWorker
from service.leases import Lease, Leases
from service.queues import ANYBODY, Queue, queues_key
from service.redis_link import append, connect, entries_of
from service.settings import Settings
from service.streams import GROUP, Chunk, Reply
from service.turns import Turns

pytestmark = pytest.mark.anyio

QUEUE = Queue("light", "interactive", ANYBODY)
BATCH = QUEUE._replace(priority="batch")
REPLIES = "{touchstone}:reply:test"
SETTINGS = Settings(lease_s=0.5, drain_s=5.0, slots=1)
CALLS = orjson.dumps([{"name": "exact"}])
ITEM = {"completion": "a", "reference": {"answer": "a"}}


def _chunk(items: int = 1, *, late_s: float = -60.0) -> Chunk:
    parcel = {"graders": [{"name": "exact"}], "items": [ITEM] * items}
    payload = orjson.dumps({"references": {}, "parcels": [parcel]})
    return Chunk(b"0", REPLIES.encode(), int((time.time() - late_s) * 1000), items, payload)


def _illegible(**fields: bytes) -> dict[bytes, bytes | int]:
    return _chunk(2).fields() | {name.encode(): content for name, content in fields.items()}


async def _put(redis: Redis, queue: Queue, *entries: dict[bytes, bytes | int]) -> None:
    async with redis.pipeline() as pipe:
        for fields in entries:
            append(pipe, queue.key, fields)
        pipe.sadd(queues_key(queue.lane), queue.name)
        await pipe.execute()


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await condition():
            await asyncio.sleep(0.02)


async def _reasons(redis: Redis) -> list[str]:
    replies = [
        Reply.from_fields(e.fields) for e in entries_of(await redis.xrange(REPLIES)) if e.fields
    ]
    return [orjson.loads(v)["grades"][0]["reason"] for reply in replies for v in reply.verdicts]


@pytest.fixture
async def redis(redis_server: EmbeddedRedis) -> AsyncIterator[Redis]:
    async with connect(redis_server.url) as opened:
        yield opened


@asynccontextmanager
async def _working(redis: Redis) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(LaneWorker(redis, "light", settings=SETTINGS).serve(stop))
    try:
        yield
        assert not task.done()
    finally:
        stop.set()
        await task


async def _is_empty(redis: Redis) -> bool:
    return await redis.xlen(QUEUE.key) == 0


async def test_a_chunk_of_long_ago_is_answered_and_leaves(redis: Redis) -> None:
    await _put(redis, QUEUE, _chunk(3, late_s=700).fields())
    async with _working(redis):
        await _until(lambda: _is_empty(redis))
    assert await _reasons(redis) == ["deadline"] * 3


@pytest.mark.parametrize(
    ("fields", "reasons"),
    [
        (_illegible(d=b"soon"), ["internal_error"] * 2),
        (_illegible(q=b"{"), ["internal_error"] * 2),
        (_illegible(k=b"[1]"), ["internal_error"] * 2),
        (_illegible(n=b"two"), []),
        ({b"x": b"y"}, []),
    ],
)
@pytest.mark.parametrize("taken_over", [False, True])
async def test_what_cannot_be_read_costs_nothing_else(
    redis: Redis, fields: dict[bytes, bytes | int], reasons: list[str], *, taken_over: bool
) -> None:
    await _put(redis, QUEUE, fields, _chunk().fields())
    if taken_over:
        await redis.xgroup_create(QUEUE.key, GROUP, id="0")
        await redis.xreadgroup(GROUP, "dead", {QUEUE.key: ">"}, count=1)
    async with _working(redis):
        await _until(lambda: _is_empty(redis))
    assert sorted(await _reasons(redis)) == sorted([*reasons, "match"])


async def test_members_that_are_to_come_are_let_be(redis: Redis) -> None:
    await _put(redis, QUEUE, _illegible(q=b'[["id",null,"new"]]'))
    async with _working(redis):
        await _until(lambda: _is_empty(redis))
    assert await _reasons(redis) == ["match"] * 2


async def test_a_reply_that_cannot_be_read_does_not_stop_the_reader(
    redis_server: EmbeddedRedis,
) -> None:
    work = Work(None, "light", CALLS, orjson.dumps(ITEM))
    async with (
        connect(redis_server.url) as redis,
        Broker(redis_server.url, settings=SETTINGS) as broker,
    ):
        await redis.xadd(broker._reply_key, {"c": "0", "o": "x"})
        await redis.xadd(broker._reply_key, {"c": "0", "o": 0, "v": "", "s": "[1]", "m": ""})
        async with _working(redis):
            (answer,) = await broker.submit([work], Errand(60))
    assert answer.reward == 1.0


async def test_a_chore_that_fails_ends_the_worker(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise LookupError

    monkeypatch.setattr(Leases, "bury", fail)
    with pytest.raises(LookupError):
        await LaneWorker(redis, "light", settings=SETTINGS).serve(asyncio.Event())


async def test_who_leaves_takes_nothing_along_that_he_was_given(redis: Redis) -> None:
    leaving, other = Leases(redis, "light", "leaving"), Leases(redis, "light", "other")
    await _put(redis, QUEUE, _chunk().fields())
    # The answer to this is lost on the way.
    assert len(await leaving.take(Turns(), 1)) == 1
    await leaving.sign_off()
    await leaving.bury(0)
    (found,) = await other.take_over(1, silent_ms=0)
    await redis.xack(QUEUE.key, GROUP, found.entry_id)
    await leaving.sign_off()
    consumers = await redis.xinfo_consumers(QUEUE.key, GROUP)
    assert [consumer["name"] for consumer in consumers] == [b"other"]


async def test_what_the_dead_held_is_found_behind_what_the_living_hold(redis: Redis) -> None:
    living, dead, other = (Leases(redis, "light", name) for name in ("living", "dead", "other"))
    await _put(redis, QUEUE, *[_chunk().fields() for _ in range(40)])
    held = [(lease.queue, lease.entry_id) for lease in await living.take(Turns(), 39)]
    (lost,) = await dead.take(Turns(), 1)
    found: list[Lease] = []
    async with asyncio.timeout(30):
        while not found:
            await living.renew(held)
            found = await other.take_over(1, silent_ms=2_000)
    assert [lease.entry_id for lease in found] == [lost.entry_id]


async def test_the_urgent_go_first_however_many_slots_are_free(redis: Redis) -> None:
    for queue in (QUEUE, BATCH, QUEUE._replace(tenant="t")):
        await _put(redis, queue, *[_chunk().fields() for _ in range(3)])
    leases = Leases(redis, "light", "w")
    await leases.look_for_queues()
    taken = [lease.queue.priority for lease in await leases.take(Turns(), 8)]
    assert taken == ["interactive"] * 6 + ["batch"] * 2


async def test_what_comes_at_once_is_left_to_whoever_has_a_slot(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenants = [QUEUE._replace(tenant=f"t{n}") for n in range(9)]
    worker = LaneWorker(redis, "light", settings=SETTINGS)
    worker._leases._queues = frozenset(tenants)
    assert await worker._leases.take(Turns(), 1) == []
    for queue in tenants:
        await _put(redis, queue, _chunk().fields())

    async def nothing(*_: object) -> list[Lease]:
        return []

    # They come between the look at the queues and the wait for them.
    monkeypatch.setattr(worker._leases, "take", nothing)
    await worker._take_new()
    await asyncio.gather(*(held.task for held in worker._held.values()))
    pending = [(await redis.xpending(queue.key, GROUP))["pending"] for queue in tenants]
    waiting = [await redis.xlen(queue.key) for queue in tenants]
    assert sum(waiting) - sum(pending) == 8


async def test_who_stops_takes_nothing_over(redis: Redis) -> None:
    await _put(redis, QUEUE, _chunk().fields())
    assert len(await Leases(redis, "light", "dead").take(Turns(), 1)) == 1
    worker, stop = LaneWorker(redis, "light", settings=SETTINGS), asyncio.Event()
    worker._lease_ms = 0
    stop.set()
    await worker._take_over(stop)
    (pending,) = await redis.xpending_range(QUEUE.key, GROUP, "-", "+", 9)
    assert pending["consumer"] == b"dead"


@pytest.mark.parametrize("ahead_s", [-3600.0, 3600.0])
async def test_a_clock_that_is_wrong_makes_nothing_late(
    redis_server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch, ahead_s: float
) -> None:
    class Wrong:
        monotonic = staticmethod(time.monotonic)

        @staticmethod
        def time() -> float:
            return time.time() + ahead_s

    async with connect(redis_server.url) as redis:
        # Connected before: an answer that takes long sets no clock.
        await redis.ping()
        monkeypatch.setattr("service.clock.time", Wrong)
        wrong = SharedClock()
        assert abs(wrong.now_s() - time.time()) > 3000
        await wrong.set_by(redis)
        assert abs(wrong.now_s() - time.time()) < 60
        await _put(redis, QUEUE, _chunk().fields())
        async with _working(redis):
            await _until(lambda: _is_empty(redis))
        assert await _reasons(redis) == ["match"]
