"""One id, several beginnings; and jobs that go away while they are sent, read or waited for."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import orjson
import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisLost

from graders.registry import GRADERS
from service.broker import Broker, QueueUnavailable
from service.embedded_redis import EmbeddedRedis
from service.intake import Intake, intake_of, read_asked
from service.items import Answer, Errand
from service.jobs.asking import Ask, begin, grade_once
from service.jobs.following import JobGone, all_answers, follow
from service.jobs.keeping import Kept, cancel_job, land, mark_sent
from service.jobs.keys import new_job_id, record_key
from service.jobs.landings import Landings
from service.jobs.records import Head, JobState, abandon_job, open_job, state_of
from service.jobs.routes import JobRun, Routes
from service.lane_worker import LaneWorker
from service.leases import Leases
from service.queues import ANYBODY, Queue, done_key
from service.redis_link import connect
from service.settings import Settings
from service.streams import Chunk, Reply
from service.turns import Turns
from tests.service.code_like import CodeLike

pytestmark = pytest.mark.anyio

SETTINGS = Settings(lease_s=0.5, drain_s=5.0, slots=1, sandbox_slots=1, cache_grades=0)
KEPT = Kept.by(SETTINGS)
HEAD = Head(["a", "b"], [None, None], {})
FIRST = JobRun("job", "first")


@pytest.fixture
async def redis(redis_server: EmbeddedRedis) -> AsyncIterator[Redis]:
    async with connect(redis_server.url) as opened:
        yield opened


@asynccontextmanager
async def _working(redis: Redis, lane: str = "light") -> AsyncIterator[None]:
    stop = asyncio.Event()
    served = LaneWorker(redis, "code" if lane == "code" else "light", settings=SETTINGS).serve(stop)
    task = asyncio.create_task(served)
    try:
        yield
    finally:
        stop.set()
        await task


def _intake(*ids: str, grader: str = "exact", settings: Settings = SETTINGS) -> Intake:
    items = [{"id": i, "completion": "a", "reference": {"answer": "a"}} for i in ids]
    body = json.dumps({"graders": [{"name": grader}], "items": items}).encode()
    return intake_of(read_asked(body, settings=settings), settings=settings)


def _ask(*ids: str, deadline_s: float = 60.0) -> Ask:
    return Ask(_intake(*ids), Errand(deadline_s), "".join(ids), "key")


def _told(answers: Sequence[Answer]) -> list[tuple[str, float | None]]:
    return [(orjson.loads(answer.verdict)["id"], answer.reward) for answer in answers]


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(100):
        while not await condition():
            await asyncio.sleep(0.02)


async def _open(redis: Redis, begun: JobRun) -> str:
    return await open_job(redis, begun, HEAD, tenant="t", digest="d", deadline_s=60)


async def _send(redis: Redis, begun: JobRun) -> bool:
    async with redis.pipeline() as pipe:
        mark_sent(pipe, begun, kept=KEPT)
        return all(await pipe.execute())


async def _land(redis: Redis, begun: JobRun, *, kept: Kept = KEPT) -> None:
    chunk = Chunk(
        b"0", b"{touchstone}:reply:x", 0, 2, b"", routes=Routes([begun], [(0, [0]), (0, [1])])
    )
    verdicts = [b'{"id":"a"}', b'{"id":"b"}']
    async with redis.pipeline() as pipe:
        land(pipe, chunk, Reply(b"0", 0, verdicts, [1.0, 1.0], "pp", Counter()), kept=kept)
        await pipe.execute()


async def _state(redis: Redis, job: str) -> JobState:
    state = await state_of(redis, job)
    assert state is not None
    return state


async def test_what_an_earlier_run_has_sent_does_not_land_in_a_later_one(redis: Redis) -> None:
    later = FIRST._replace(run="later")
    assert await _open(redis, FIRST) == "new"
    assert await _send(redis, FIRST)
    await redis.delete(record_key(FIRST.job))
    assert await _open(redis, later) == "new"
    await _land(redis, FIRST)
    assert not await _send(redis, FIRST)
    await abandon_job(redis, FIRST)
    state = await _state(redis, "job")
    assert (state.run, state.done, state.sent) == ("later", 0, False)
    assert await _send(redis, later)
    await _land(redis, later)
    state = await _state(redis, "job")
    assert [answer.mark for answer in await all_answers(redis, "job", state)] == ["p", "p"]


async def test_a_run_that_is_forgotten_takes_no_other_along(redis: Redis) -> None:
    later, other = FIRST._replace(run="later"), JobRun("other", "x")
    for begun in (FIRST, other):
        await _open(redis, begun)
        await _land(redis, begun)
    await redis.delete(record_key(FIRST.job))
    await _open(redis, later)
    await _open(redis, JobRun("third"))
    # There is no room for the first two.
    await _land(redis, JobRun("third"), kept=KEPT._replace(results_bytes=1))
    assert await state_of(redis, "other") is None
    assert (await _state(redis, "job")).run == "later"


async def test_a_run_is_cancelled_and_not_the_next(
    redis: Redis, redis_server: EmbeddedRedis
) -> None:
    async with Broker(redis_server.url, settings=SETTINGS) as broker:
        job = await begin(broker, _ask("a"), kept=KEPT)
        await cancel_job(redis, JobRun(job, (await _state(redis, job)).run), kept=KEPT)
        await redis.delete(record_key(job))
        assert await begin(broker, _ask("b"), kept=KEPT) == job
        async with _working(redis):
            answers = await grade_once(broker, _ask("b"), kept=KEPT)
    assert _told(answers) == [("b", 1.0)]


async def test_a_job_that_is_sent_again_ends_once(redis: Redis) -> None:
    await _open(redis, FIRST)
    await _send(redis, FIRST)
    await _land(redis, FIRST)
    before = await redis.get("{touchstone}:finished-bytes")
    assert await _send(redis, FIRST)
    assert await redis.get("{touchstone}:finished-bytes") == before
    assert await redis.zcard("{touchstone}:running") == 0


async def test_verdicts_that_are_let_go_while_they_are_read_are_not_made_up(redis: Redis) -> None:
    await _open(redis, FIRST)
    await _send(redis, FIRST)
    await _land(redis, FIRST)
    state = await _state(redis, "job")
    results = [key for key in await redis.keys("*") if b":results:" in key]
    await redis.delete(*results)
    with pytest.raises(JobGone):
        await all_answers(redis, "job", state)
    with pytest.raises(JobGone):
        async for _ in follow(redis, Landings(), "job"):
            pass


async def test_a_job_whose_verdicts_were_evicted_begins_anew(
    redis: Redis, redis_server: EmbeddedRedis
) -> None:
    async with Broker(redis_server.url, settings=SETTINGS) as broker, _working(redis):
        for _ in range(2):
            assert _told(await grade_once(broker, _ask("a"), kept=KEPT)) == [("a", 1.0)]
            await redis.delete(*[key for key in await redis.keys("*") if b":results:" in key])


async def test_who_is_attached_begins_anew_in_the_time_that_is_left(
    redis: Redis, redis_server: EmbeddedRedis
) -> None:
    async with Broker(redis_server.url, settings=SETTINGS) as broker:
        job = await begin(broker, _ask("a"), kept=KEPT)
        attached = asyncio.create_task(grade_once(broker, _ask("a", deadline_s=30), kept=KEPT))
        await _until(lambda: _waited_for(broker, job))
        await redis.flushall()
        async with _working(redis):
            assert _told(await attached) == [("a", 1.0)]
    assert (await _state(redis, job)).deadline_ms - (await _state(redis, job)).created_ms < 30_000


async def _waited_for(broker: Broker, job: str) -> bool:
    return job in broker.landings._waiting


@pytest.mark.parametrize("ids", [["a"], []])
async def test_what_has_no_record_is_not_said_to_have_begun(
    redis: Redis, redis_server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch, ids: list[str]
) -> None:
    async def forgetful(*given: object, **named: object) -> object:
        opened = await open_job(*given, **named)  # type: ignore[arg-type] # as they were given
        await redis.delete(record_key(new_job_id(ANYBODY, "key")))
        return opened

    monkeypatch.setattr("service.jobs.asking.open_job", forgetful)
    async with Broker(redis_server.url, settings=SETTINGS) as broker:
        for ask in (begin, grade_once):
            with pytest.raises(QueueUnavailable):
                await ask(broker, _ask(*ids), kept=KEPT)


@pytest.fixture
def grader(monkeypatch: pytest.MonkeyPatch) -> CodeLike:
    chosen = CodeLike()
    monkeypatch.setitem(GRADERS, "code", chosen)
    return chosen


async def test_who_takes_back_a_job_takes_nothing_back_of_others(
    redis: Redis, redis_server: EmbeddedRedis, grader: CodeLike
) -> None:
    intake = _intake("x", grader="code")
    queue = Queue("code", "interactive", ANYBODY).key
    async with Broker(redis_server.url, settings=SETTINGS) as broker:
        ask = Ask(intake, Errand(60), "d", "key")
        mine = asyncio.create_task(grade_once(broker, ask, kept=KEPT))
        await _until(lambda: _holds(redis, queue, 1))
        other = asyncio.create_task(broker.submit(intake.works, Errand(30)))
        await _until(lambda: _holds(redis, queue, 2))
        await cancel_job(redis, JobRun(ask.job, (await _state(redis, ask.job)).run), kept=KEPT)
        async with _working(redis, "code"):
            assert _told(await other) == [("x", 1.0)]
            assert _told(await mine) == [("x", None)]
    assert grader.runs == ["a"]


async def _holds(redis: Redis, queue: str, chunks: int) -> bool:
    return await redis.xlen(queue) == chunks


async def test_what_is_answered_is_not_sent_again_after_redis_was_away(
    redis: Redis, redis_server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SETTINGS.model_copy(update={"chunk_items": 1})
    works = _intake(*map(str, range(600)), settings=settings).works
    async with Broker(redis_server.url, settings=settings) as broker:
        healthy, away = broker._read_once, True

        async def cut(last: dict[str, bytes], *, block_ms: int | None = 500) -> int:
            if away:
                await asyncio.sleep(0.02)
                raise RedisLost
            return await healthy(last, block_ms=block_ms)

        monkeypatch.setattr(broker, "_read_once", cut)
        asked = asyncio.create_task(broker.submit(works, Errand(110)))
        async with _working(redis):
            await _until(lambda: _has_done(redis, 600))
            away = False
            assert [answer.reward for answer in await asked] == [1.0] * 600
        assert await redis.hget(done_key("light"), "interactive:anybody") == b"600"
        assert await redis.xlen(Queue("light", "interactive", ANYBODY).key) == 0


async def _has_done(redis: Redis, chunks: int) -> bool:
    return int(await redis.hget(done_key("light"), "interactive:anybody") or 0) >= chunks


async def test_a_chunk_that_a_worker_has_cut_is_not_lost(
    redis: Redis, redis_server: EmbeddedRedis
) -> None:
    async with Broker(redis_server.url, settings=SETTINGS) as broker:
        asked = asyncio.create_task(broker.submit(_intake("a", "b").works, Errand(60)))
        await _until(lambda: _holds(redis, Queue("light", "interactive", ANYBODY).key, 1))
        sent = list(broker._sent.values())
        (lease,) = await Leases(redis, "light", "w").take(Turns(), 1)
        async with redis.pipeline() as pipe:
            lease.replace(pipe, lease.chunk.split(deaths=1))
            await pipe.execute()
        assert await broker._shipping.lost(sent) == []
        await redis.flushall()
        assert await broker._shipping.lost(sent) == sent
        sent[0].entry_id = None
        assert await broker._shipping.lost(sent) == []
        asked.cancel()
