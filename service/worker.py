"""A worker process: makes ready what grades, then serves its lanes until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, NamedTuple

from graders.contract import Lane
from graders.registry import GRADERS
from sandbox import close_calls, close_runs
from service.audit.trail import audited
from service.isolation import HostIsolation, open_sandbox, shown
from service.lane_worker import LaneWorker
from service.memory import spare_the_collector
from service.pulse import pulse
from service.redis_link import connect
from service.settings import Settings
from service.tracing import traced

__all__ = ["NoLaneLeft", "work"]

_LOG: Final = logging.getLogger(__name__)


class NoLaneLeft(Exception):
    """Every lane that was asked for is refused; the message says why and what to change."""


async def work(
    redis_url: str,
    *,
    lanes: Sequence[Lane],
    settings: Settings,
    stop: asyncio.Event,
    hurry: asyncio.Event | None = None,
) -> None:
    """Serve the lanes until `stop` is set, then finish what is under way, unless there is `hurry`.

    Lane `code` is left to others where the sandbox does not reach the floor: NoLaneLeft if it is
    the only one.
    """
    try:
        ready = await asyncio.to_thread(_warm_up, lanes, settings)
        spare_the_collector()
        redis = connect(redis_url)
        try:
            with traced(settings, role="worker") as tracing:
                async with (
                    audited(settings) as audit,
                    pulse(settings.pulse_file),
                    shown(redis, ready.sandbox),
                    asyncio.TaskGroup() as group,
                ):
                    _LOG.info("ready to serve %s", " and ".join(ready.lanes))
                    for lane in ready.lanes:
                        worker = LaneWorker(
                            redis, lane, settings=settings, audit=audit, tracing=tracing
                        )
                        group.create_task(worker.serve(stop, hurry))
        finally:
            await redis.aclose()
    finally:
        close_calls()
        close_runs()


class _Ready(NamedTuple):
    """What this process serves, and the sandbox it found if lane `code` was asked for."""

    lanes: Sequence[Lane]
    sandbox: HostIsolation | None


def _warm_up(lanes: Sequence[Lane], settings: Settings) -> _Ready:
    sandbox = open_sandbox(settings) if "code" in lanes else None
    if sandbox is not None and not sandbox.serves:
        lanes = [lane for lane in lanes if lane != "code"]
        if not lanes:
            raise NoLaneLeft(f"lane code is not served: {sandbox.refusal}")
        _LOG.error("lane code is not served by this worker: %s", sandbox.refusal)
    for grader in GRADERS.values():
        # Beside a program, an item of lane `code` may have any grader of lane `light`.
        if grader.lane == "light" or grader.lane in lanes:
            grader.warm_up()
    return _Ready(lanes, sandbox)
