"""Grades of programs that were run before: the same program, tests and sandbox earn the same."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Coroutine
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Final, NamedTuple, cast

from pydantic import BaseModel, ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from graders.contract import Grade, Grader, ToolingGrader
from service.plans import Prepared
from service.queues import PREFIX
from service.settings import Settings

__all__ = ["GradeStore", "Recall", "is_kept"]

_LOG: Final = logging.getLogger(__name__)
_PATIENCE_S: Final = 2.0
# What a busy machine may decide another time; and what took too long to compile is among the last.
_FLEETING: Final = frozenset({"cpu_time", "wall_time", "compile_error"})


def is_kept(grader: Grader) -> bool:
    """Whether its grades are of programs, and what the same program earns another day.

    What a program writes is not: it may tell the time, and be large.
    """
    return grader.lane == "code" and isinstance(grader, ToolingGrader)


class GradeStore:
    """Grades by keys in Redis: for a time, and so many in all; losing one costs a run.

    They lie in two generations, of which the older goes away whole: no entry needs a clock.
    """

    def __init__(self, redis: Redis, *, settings: Settings) -> None:
        self._redis = redis
        self._span_s = settings.cache_s / 2
        self._most = settings.cache_grades // 2
        self._loop = asyncio.get_running_loop()

    def find(self, key: bytes) -> Grade | None:
        """The grade kept under the key, if there is one; called from a grading thread."""
        found = self._done(self._find(key))
        try:
            return None if found is None else Grade.model_validate_json(found)
        except ValidationError:
            # Another version has kept it.
            return None

    def keep(self, key: bytes, grade: Grade) -> None:
        """Keep the grade under the key if there is room; called from a grading thread."""
        self._done(self._keep(key, grade.model_dump_json().encode()))

    def _done(self, work: Coroutine[None, None, bytes | None]) -> bytes | None:
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_S)
        except (RedisError, FutureTimeoutError) as error:
            _LOG.warning("the cache of grades does not answer (%s)", type(error).__name__)
            return None

    async def _find(self, key: bytes) -> bytes | None:
        generation = self._generation()
        async with self._redis.pipeline(transaction=False) as pipe:
            for number in (generation, generation - 1):
                pipe.hget(_key(number), key.hex())
            # Any: redis-py types the answers as anything.
            newer, older = (cast("bytes | None", one) for one in await pipe.execute())
        return newer or older

    async def _keep(self, key: bytes, content: bytes) -> None:
        name = _key(self._generation())
        if await self._redis.hlen(name) >= self._most:
            return
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hset(name, key.hex(), content)
            pipe.pexpire(name, int(self._span_s * 2_000))
            await pipe.execute()

    def _generation(self) -> int:
        return int(time.time() / self._span_s)


class Recall(NamedTuple):
    """The store as one tenant sees it, from a worker whose sandbox is of one kind."""

    store: GradeStore
    tenant: str
    isolation: str

    def key(
        self, step: Prepared, text: str, *, reference: str, gold: BaseModel | None = None
    ) -> bytes:
        """What decides the grade, hashed; the reference is named by the hash of its JSON.

        `gold` is what the grader reads in it: by that it knows its tools.
        """
        grader, options, _ = step
        tools = ""
        if isinstance(grader, ToolingGrader) and isinstance(gold, grader.Reference):
            tools = grader.tools(gold)
        parts = (
            self.tenant,
            grader.name,
            grader.version,
            self.isolation,
            tools,
            options.model_dump_json(),
            reference,
            grader.essence(text, options),
        )
        whole = hashlib.sha256()
        for part in parts:
            content = part.encode("utf-8", "surrogatepass")
            whole.update(b"%d:%b" % (len(content), content))
        return whole.digest()

    def find(self, key: bytes) -> Grade | None:
        """The grade of an earlier run, which says so."""
        found = self.store.find(key)
        return None if found is None else found.model_copy(update={"cached": True, "seconds": 0.0})

    def keep(self, key: bytes, grade: Grade) -> None:
        """Keep the grade, unless it was no fault of the program's or may be another next time."""
        lasts = grade.reason not in _FLEETING and not grade.detail.get("timeouts")
        if grade.outcome == "graded" and lasts:
            self.store.keep(key, grade)


def _key(generation: int) -> str:
    return f"{PREFIX}:grades:{generation}"
