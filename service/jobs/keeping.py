"""How finished verdicts come to their jobs: what workers and API write along with their own."""

from __future__ import annotations

from typing import Final, NamedTuple

import orjson
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from service.jobs.keys import CANCELLED_KEY, finishing_keys
from service.jobs.routes import JobRun
from service.jobs.scripts import CANCEL, LAND, SENT
from service.queues import PREFIX
from service.settings import Settings
from service.streams import Chunk, Reply

__all__ = ["Kept", "cancel_job", "land", "mark_sent"]

_OUR_PREFIX: Final = f"{PREFIX}:"


class Kept(NamedTuple):
    """How long, and how much in all, is kept of finished jobs."""

    results_ms: int
    results_bytes: int

    @classmethod
    def by(cls, settings: Settings) -> Kept:
        """As the settings have it."""
        return cls(int(settings.results_s * 1000), settings.results_bytes)


def land(pipe: Pipeline, chunk: Chunk, reply: Reply, *, kept: Kept) -> None:
    """Queue the delivery of the reply's verdicts to the jobs that keep them."""
    for begun, shares in chunk.routes.shares().items():
        positions = [share.position for share in shares]
        ends = [
            [reply.rewards[position] for position in positions],
            "".join(reply.marks[position] for position in positions),
        ]
        _evaluate(
            pipe,
            LAND,
            begun,
            kept,
            orjson.dumps([place for share in shares for place in share.places]),
            orjson.dumps([share.places for share in shares]),
            b"\n".join(reply.verdicts[position] for position in positions),
            orjson.dumps(ends),
        )


def mark_sent(pipe: Pipeline, begun: JobRun, *, kept: Kept) -> None:
    """Queue the note that all of the job's chunks are on their way; 0 says: its record is gone."""
    _evaluate(pipe, SENT, begun, kept)


async def cancel_job(redis: Redis, begun: JobRun, *, kept: Kept) -> None:
    """Take the job back: what is not graded yet will not be."""
    keys = [*finishing_keys(begun), CANCELLED_KEY]
    await redis.eval(CANCEL, len(keys), *keys, begun.job, _OUR_PREFIX, begun.run, *kept)


def _evaluate(pipe: Pipeline, script: str, begun: JobRun, kept: Kept, *more: bytes | int) -> None:
    keys = finishing_keys(begun)
    pipe.eval(script, len(keys), *keys, begun.job, _OUR_PREFIX, begun.run, *kept, *more)
