"""One time for all machines: that of Redis, by which deadlines are set and kept."""

from __future__ import annotations

import time
from typing import Final

from redis.asyncio import Redis

__all__ = ["SharedClock"]

# What took longer to ask may be as far off as the clock that it should set right.
_PROMPT_S: Final = 1.0


class SharedClock:
    """The clock of Redis as this process knows it; before it was asked, the machine's own."""

    def __init__(self) -> None:
        self._behind_s = 0.0

    def now_s(self) -> float:
        """Seconds since 1970."""
        return time.time() + self._behind_s

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return int(self.now_s() * 1000)

    async def set_by(self, redis: Redis) -> None:
        """Learn how far this machine's clock is off; an answer that comes late says nothing."""
        asked_s, began_s = time.time(), time.monotonic()
        seconds, microseconds = await redis.time()
        took_s = time.monotonic() - began_s
        if took_s <= _PROMPT_S:
            self._behind_s = seconds + microseconds / 1e6 - (asked_s + took_s / 2)
