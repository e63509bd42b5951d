"""A job's verdicts as server-sent events."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable, Container
from contextlib import aclosing, suppress
from typing import Annotated, Final, NamedTuple

import orjson
from fastapi import Header
from pydantic import StringConstraints
from redis.exceptions import RedisError

from service.broker import Broker
from service.jobs.following import JobGone, Landed, follow, never_came
from service.jobs.records import JobState, status_of

__all__ = ["LastEventId", "events_of"]

# Empty is what a browser may send that has none yet.
_EVENT_ID: Final = r"^([0-9]{1,20}-[0-9]{1,20}/[0-9]{1,9})?$"
# After all that can land.
_LAST: Final = b"18446744073709551615-18446744073709551615"
_SILENCE_S: Final = 15.0

LastEventId = Annotated[
    Annotated[str, StringConstraints(pattern=_EVENT_ID)] | None,
    Header(description="the id of the last event that came: those after it follow"),
]


class _Mark(NamedTuple):
    """Where an event is in the stream: its entry's two numbers, and its number in the entry."""

    first: int
    second: int
    number: int

    @classmethod
    def read(cls, event_id: str) -> _Mark:
        return cls(*map(int, re.split("[-/]", event_id)))


async def events_of(
    broker: Broker, job: str, *, after: str | None, draining: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """The events after the one of that id, ending with the job.

    Ends early where the process drains or Redis goes away: the client comes again, and goes on.
    """
    mark = _Mark.read(after) if after else None
    told: set[int] = set()
    told_at = time.monotonic()
    with suppress(RedisError, JobGone):
        async with aclosing(follow(broker.redis, broker.landings, job)) as news:
            async for one in news:
                if isinstance(one, JobState):
                    content = _ending(one, told, mark)
                else:
                    told.update(place for place, _ in one.answers)
                    content = _verdicts(one, mark)
                if not content and time.monotonic() - told_at > _SILENCE_S:
                    content = b": still running\n\n"
                if content:
                    told_at = time.monotonic()
                    yield content
                if draining():
                    return


def _verdicts(landed: Landed, mark: _Mark | None) -> bytes:
    entry = landed.cursor.decode()
    return b"".join(
        b'id: %b/%d\nevent: verdict\ndata: {"index":%d,"verdict":%b}\n\n'
        % (landed.cursor, number, place, answer.verdict)
        for number, (place, answer) in enumerate(landed.answers, start=1)
        if mark is None or _Mark.read(f"{entry}/{number}") > mark
    )


def _ending(state: JobState, told: Container[int], mark: _Mark | None) -> bytes:
    """Once the job is over, the verdicts on what never came, and how it ended."""
    if not state.is_over:
        return b""
    missing = Landed(_LAST, [*never_came(told, state)])
    data = {"status": status_of(state), "items": state.items, "finished": state.done}
    return _verdicts(missing, mark) + b"event: done\ndata: %b\n\n" % orjson.dumps(data)
