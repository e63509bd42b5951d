"""Grades of programs that are kept: who is spared a run by them, and what is never kept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import anyio
import pytest
from pydantic import JsonValue
from redis.asyncio import Redis

from graders.contract import Grade, Outcome
from graders.exact import ExactOptions, ExactReference
from service.embedded_redis import EmbeddedRedis
from service.plans import Prepared
from service.recall import GradeStore, Recall
from service.settings import Settings
from tests.live import start_service
from tests.service.code_like import CodeLike

pytestmark = pytest.mark.anyio
STEP = Prepared(CodeLike(), ExactOptions(), None)


def _grade(score: float | None, outcome: Outcome, reason: str, **detail: JsonValue) -> Grade:
    return Grade(
        grader="code", version="1", score=score, outcome=outcome, reason=reason, detail=detail
    )


PASSED = _grade(1.0, "graded", "passed")


class Kept:
    """The store of a test, asked as a worker asks: from a thread beside the loop."""

    def __init__(self, redis: Redis, *, settings: Settings) -> None:
        self._store = GradeStore(redis, settings=settings)

    def seen_by(self, tenant: str, *, isolation: str = "strict") -> Recall:
        return Recall(self._store, tenant, isolation)

    async def keep(self, recall: Recall, text: str, grade: Grade, *, reference: str = "r") -> None:
        key = recall.key(STEP, text, reference=reference)
        await anyio.to_thread.run_sync(recall.keep, key, grade)

    async def find(self, recall: Recall, text: str, *, reference: str = "r") -> Grade | None:
        return await anyio.to_thread.run_sync(
            recall.find, recall.key(STEP, text, reference=reference)
        )


@pytest.fixture
async def redis(redis_server: EmbeddedRedis) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_server.url) as opened:
        yield opened


async def test_the_same_is_found_and_says_that_it_was_kept(redis: Redis) -> None:
    kept = Kept(redis, settings=Settings())
    lab = kept.seen_by("lab")
    await kept.keep(lab, "a#1", PASSED.model_copy(update={"seconds": 2.0}))
    found = await kept.find(lab, "a#2")
    assert found == PASSED.model_copy(update={"cached": True, "seconds": 0.0})


async def test_nothing_else_is_found(redis: Redis) -> None:
    kept = Kept(redis, settings=Settings())
    lab = kept.seen_by("lab")
    await kept.keep(lab, "a", PASSED)
    for recall, text, reference in [
        (lab, "b", "r"),
        (lab, "a", "another"),
        (kept.seen_by("other"), "a", "r"),
        (kept.seen_by("lab", isolation="standard"), "a", "r"),
        # No border between two parts moves unseen.
        (kept.seen_by("labr"), "a", ""),
        (lab, "", "ra"),
    ]:
        assert await kept.find(recall, text, reference=reference) is None, (text, reference)


@pytest.mark.parametrize(
    "grade",
    [
        _grade(None, "failed", "sandbox_unavailable"),
        _grade(None, "ungradable", "bad_reference"),
        _grade(0.0, "graded", "wall_time"),
        _grade(0.0, "graded", "cpu_time"),
        _grade(0.0, "graded", "compile_error"),
        _grade(0.5, "graded", "wrong_output", timeouts=1),
    ],
)
async def test_what_may_be_another_next_time_is_not_kept(redis: Redis, grade: Grade) -> None:
    kept = Kept(redis, settings=Settings())
    await kept.keep(kept.seen_by("lab"), "a", grade)
    assert await kept.find(kept.seen_by("lab"), "a") is None


async def test_no_more_is_kept_than_there_is_room_for(redis: Redis) -> None:
    kept = Kept(redis, settings=Settings(cache_grades=8))
    lab = kept.seen_by("lab")
    for number in range(20):
        await kept.keep(lab, f"{number}", PASSED)
    found = [await kept.find(lab, f"{number}") for number in range(20)]
    # Each of two generations holds half, and the clock may have begun another in between.
    assert 4 <= sum(grade is not None for grade in found) <= 8


async def test_what_another_version_has_kept_is_no_grade(redis: Redis) -> None:
    kept = Kept(redis, settings=Settings())
    lab = kept.seen_by("lab")
    await kept.keep(lab, "a", PASSED)
    (name,) = await redis.keys("*grades*")
    (key,) = await redis.hkeys(name)
    await redis.hset(name, key, PASSED.model_dump_json()[:-1] + ',"new":1}')
    assert await kept.find(lab, "a") is None


async def test_a_toolchain_of_another_version_earns_its_own_grades(redis: Redis) -> None:
    grader, gold = _Tooled(), ExactReference(answer="a")
    recall = Recall(GradeStore(redis, settings=Settings()), "lab", "strict")
    keys = set()
    for version in ("1", "2"):
        grader.version_of_tools = version
        step = Prepared(grader, ExactOptions(), None)
        keys.add(recall.key(step, "a", reference="r", gold=gold))
    assert len(keys) == 2


class _Tooled(CodeLike):
    version_of_tools = ""

    def tools(self, reference: object) -> str:
        return f"{type(reference).__name__} {self.version_of_tools}"


async def test_the_old_goes_after_its_time(redis: Redis) -> None:
    kept = Kept(redis, settings=Settings(cache_s=0.2))
    await kept.keep(kept.seen_by("lab"), "a", PASSED)
    while await kept.find(kept.seen_by("lab"), "a") is not None:
        await asyncio.sleep(0.02)
    while await redis.keys("*grades*"):
        await asyncio.sleep(0.02)


async def test_without_redis_nothing_is_found_and_nothing_raised(redis: Redis) -> None:
    with EmbeddedRedis() as server:
        gone = server.url
    async with Redis.from_url(gone) as away:
        kept = Kept(away, settings=Settings())
        await kept.keep(kept.seen_by("lab"), "a", PASSED)
        assert await kept.find(kept.seen_by("lab"), "a") is None


def test_a_program_asked_for_again_is_answered_from_its_first_run() -> None:
    item = {
        "completion": "```python\nprint(1)\n```",
        "reference": {"tests": {"hidden": [{"stdout": "1\n"}]}},
    }
    keys = {"API_KEYS": "ann:the-secret-of-ann,bob:the-secret-of-bob"}
    with start_service(keys) as service:
        grades = []
        for name in ("ann", "ann", "bob"):
            service.client.headers["Authorization"] = f"Bearer the-secret-of-{name}"
            (verdict,) = service.grade({"graders": [{"name": "code"}], "items": [item]})
            grades.append(verdict["grades"][0])
    assert [grade["score"] for grade in grades] == [1.0] * 3
    assert [grade["cached"] for grade in grades] == [False, True, False]
