"""What one key may ask of one API process: requests at once, and items a second."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Literal, NamedTuple

from service.settings import Settings

__all__ = ["Rates", "TooFast"]

_BURST_S: Final = 10.0
# How much the last request counts in the mean duration of a key's requests.
_NEWEST: Final = 0.1


class TooFast(Exception):
    """The key asks for more than it may have; try again in `retry_after_s`."""

    def __init__(
        self, why: str, *, reason: Literal["rate", "concurrency"], retry_after_s: float
    ) -> None:
        self.reason = reason
        self.retry_after_s = max(1, math.ceil(retry_after_s))
        super().__init__(f"{why}: try again in {self.retry_after_s} s")


class _Bucket(NamedTuple):
    """The items that a key had left at some moment; below nothing where a large batch went in."""

    at_s: float
    level: float


class Rates:
    """The limits of every key, each counted by itself."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._items_per_s = settings.key_items_per_s
        self._most_items = settings.key_items_per_s * _BURST_S
        self._most_requests = settings.key_requests
        self._clock = clock
        self._requests: Counter[str] = Counter()
        self._mean_s: dict[str, float] = {}
        self._buckets: dict[str, _Bucket] = {}

    @contextmanager
    def request(self, tenant: str) -> Iterator[None]:
        """Count a request as long as it lasts; raise TooFast where the key has too many."""
        running = self._requests[tenant]
        if running >= self._most_requests:
            raise TooFast(
                f"{running} requests of this key are at work here, the limit is"
                f" {self._most_requests} (TOUCHSTONE_KEY_REQUESTS)",
                reason="concurrency",
                retry_after_s=self._mean_s.get(tenant, 0.0) / running,
            )
        self._requests[tenant] += 1
        began_s = self._clock()
        try:
            yield
        finally:
            self._requests[tenant] -= 1
            lasted_s = self._clock() - began_s
            mean_s = self._mean_s.get(tenant, lasted_s)
            self._mean_s[tenant] = mean_s + _NEWEST * (lasted_s - mean_s)

    def charge(self, tenant: str, items: int) -> None:
        """Take the items off what the key may send; raise TooFast where it has not so many left.

        A batch larger than all it may save up goes in once that is full, and is waited for after.
        """
        now_s = self._clock()
        last = self._buckets.get(tenant, _Bucket(now_s, self._most_items))
        grown = last.level + (now_s - last.at_s) * self._items_per_s
        level = min(self._most_items, grown)
        missing = min(items, self._most_items) - level
        if missing > 0:
            raise TooFast(
                f"this key may send {self._items_per_s} items a second here on average"
                " (TOUCHSTONE_KEY_ITEMS_PER_S)",
                reason="rate",
                retry_after_s=missing / self._items_per_s,
            )
        self._buckets[tenant] = _Bucket(now_s, level - items)

    def give_back(self, tenant: str, items: int) -> None:
        """The items were refused for another reason: they do not count."""
        last = self._buckets.get(tenant)
        if last is not None:
            self._buckets[tenant] = last._replace(level=last.level + items)
