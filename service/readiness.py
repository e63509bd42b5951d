"""Whether work would get done: Redis answers and every lane has a live worker."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from redis.asyncio import Redis
from redis.exceptions import RedisError

from service.isolation import refusals
from service.lookout import look

__all__ = ["LaneState", "Readiness", "ShortReadiness", "readiness"]


class LaneState(BaseModel):
    """One lane: its live workers and its chunks, waiting or being graded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workers: int
    slots: int = Field(description="chunks that the workers grade at once at most")
    busy: int = Field(description="chunks that they grade")
    chunks: int
    refusals: tuple[str, ...] = ()
    """Why those that are alive do not serve it, where none does."""


class ShortReadiness(BaseModel):
    """What `GET /readyz` says to those without a key, with 200 when `ready`, else with 503."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ready: bool
    status: Literal["ready", "not ready", "draining"]


class Readiness(ShortReadiness):
    """What it says to the others: the details, too."""

    redis: Literal["up", "down"]
    lanes: dict[str, LaneState]


async def readiness(redis: Redis, *, draining: bool = False) -> Readiness:
    """Ask Redis; its absence is an answer, not an error."""
    try:
        lanes = await _lanes(redis)
    except RedisError:
        lanes = {}
    ready = bool(lanes) and all(state.workers for state in lanes.values()) and not draining
    return Readiness(
        ready=ready,
        status="draining" if draining else "ready" if ready else "not ready",
        redis="up" if lanes else "down",
        lanes=lanes,
    )


async def _lanes(redis: Redis) -> dict[str, LaneState]:
    states: dict[str, LaneState] = {}
    for name, lane in (await look(redis)).lanes.items():
        refused = name == "code" and not lane.workers
        states[name] = LaneState(
            workers=len(lane.workers),
            slots=lane.slots,
            busy=lane.busy,
            chunks=lane.chunks,
            refusals=await refusals(redis) if refused else (),
        )
    return states
