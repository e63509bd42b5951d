"""Who waits for verdicts of a job is woken when some have landed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from service.redis_link import Entry

__all__ = ["Landings"]


class Landings:
    """The jobs that are waited for in this process."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    @contextmanager
    def watched(self, job: str) -> Iterator[asyncio.Event]:
        """An event that is set, for whoever waits to clear, whenever the job may have changed."""
        event = asyncio.Event()
        self._waiting[job].add(event)
        try:
            yield event
        finally:
            self._waiting[job].discard(event)
            if not self._waiting[job]:
                del self._waiting[job]

    def tell(self, entries: Iterable[Entry]) -> None:
        """Wake those whose jobs the entries name."""
        for entry in entries:
            job = (entry.fields or {}).get(b"j", b"").decode(errors="replace")
            for event in self._waiting.get(job, ()):
                event.set()

    def tell_all(self) -> None:
        """Wake everyone: what has landed meanwhile is not known."""
        for events in self._waiting.values():
            for event in events:
                event.set()
