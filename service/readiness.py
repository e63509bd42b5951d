"""Whether work would get done: Redis answers and every lane has a live worker."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict
from redis.asyncio import Redis
from redis.exceptions import RedisError

from graders.contract import Lane
from service.isolation import refusals
from service.streams import LANES, jobs_key, presence_key, workers_key

__all__ = ["LaneState", "Readiness", "readiness"]


class LaneState(BaseModel):
    """One lane: its live workers and its chunks, waiting or being graded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workers: int
    chunks: int
    refusals: tuple[str, ...] = ()
    """Why those that are alive do not serve it, where none does."""


class Readiness(BaseModel):
    """The body of `GET /readyz`, sent with 200 when `ready`, else with 503."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ready: bool
    redis: Literal["up", "down"]
    lanes: dict[str, LaneState]


async def readiness(redis: Redis) -> Readiness:
    """Ask Redis; its absence is an answer, not an error."""
    try:
        lanes = {lane: await _lane_state(redis, lane) for lane in LANES}
    except RedisError:
        return Readiness(ready=False, redis="down", lanes={})
    ready = all(state.workers for state in lanes.values())
    return Readiness(ready=ready, redis="up", lanes=dict(lanes))


async def _lane_state(redis: Redis, lane: Lane) -> LaneState:
    members = await redis.smembers(workers_key(lane))
    names = [m.decode() if isinstance(m, bytes) else m for m in members]
    async with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.exists(presence_key(name))
        pipe.xlen(jobs_key(lane))
        *alive, chunks = await pipe.execute()
    gone = [name for name, lives in zip(names, alive, strict=True) if not lives]
    if gone:
        await redis.srem(workers_key(lane), *gone)
    workers = len(names) - len(gone)
    refused = lane == "code" and not workers
    why = await refusals(redis) if refused else ()
    return LaneState(workers=workers, chunks=chunks, refusals=why)
