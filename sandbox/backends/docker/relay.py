"""Carries what a program says to its partner, and the other way round, at one of the two ends.

Its text is sent into the container before that of `launcher`, whose standard streams it uses.
At no time does it wait for the program, so that it hears the owner, whatever the program does.
"""

from __future__ import annotations

import os
import select
from typing import Final

from sandbox.backends.docker.records import (
    CLOSED,
    DATA,
    END,
    MOST_LEFT,
    STOP,
    TAKEN,
    WINDOW,
    Record,
    Records,
    record_bytes,
)

__all__ = ["Relay"]


class Relay:
    """Feeds one program by a pipe and listens to it by another, which are the relay's own."""

    def __init__(self, *, feed: int, listen: int, inbox: int = 0, outbox: int = 1) -> None:
        os.set_blocking(feed, False)
        os.set_blocking(listen, False)
        self._feed: int | None = feed
        self._listen: int | None = listen
        self._inbox: Final = inbox
        self._outbox: Final = outbox
        self._records = Records()
        self._pending = bytearray()
        self._has_all = False
        """What is pending is the last of it."""
        self._allowed = WINDOW

    def carry(self, alarm: int) -> bool:
        """Carry until the alarm rings; False where the owner wants an end instead."""
        while True:
            ready = self._ready(alarm)
            if self._inbox in ready and not self._obey():
                return False
            if self._listen in ready:
                self._allowed -= self._hear(self._allowed)
            if self._feed in ready:
                self._write()
            if alarm in ready:
                return True

    def finish(self) -> None:
        """Carry what a dead program has said last."""
        left = MOST_LEFT
        while left > 0 and (count := self._hear(left)):
            left -= count

    def _ready(self, alarm: int) -> set[int]:
        poll = select.poll()
        poll.register(self._inbox, select.POLLIN)
        poll.register(alarm, select.POLLIN)
        if self._listen is not None and self._allowed > 0:
            poll.register(self._listen, select.POLLIN)
        if self._feed is not None:
            # With nothing to write it still tells that nobody reads any more.
            poll.register(self._feed, select.POLLOUT if self._pending else 0)
        return {descriptor for descriptor, _ in poll.poll()}

    def _obey(self) -> bool:
        data = os.read(self._inbox, WINDOW)
        if not data:
            return False
        for record in self._records.take(data):
            if record.letter == STOP:
                return False
            if record.letter == DATA:
                self._pending += record.data if self._feed is not None else b""
            elif record.letter == TAKEN:
                self._allowed += record.size
            elif record.letter == CLOSED:
                self._close_listen()
            else:
                self._has_all = True
        if self._has_all and not self._pending:
            self._close_feed()
        return True

    def _hear(self, most: int) -> int:
        """Take in what the program says, and pass it on; how many bytes it was."""
        if self._listen is None:
            return 0
        try:
            data = os.read(self._listen, min(most, WINDOW))
        except BlockingIOError:
            return 0
        if data:
            self._say(Record(DATA, len(data), data))
        else:
            self._close_listen()
            self._say(Record(END))
        return len(data)

    def _write(self) -> None:
        if self._feed is None:
            return
        try:
            # Woken with nothing to write, it is because nobody reads.
            count = os.write(self._feed, self._pending) if self._pending else 0
        except BlockingIOError:
            return
        except BrokenPipeError:
            count = 0
        if not count:
            self._close_feed()
            self._say(Record(CLOSED))
            return
        del self._pending[:count]
        self._say(Record(TAKEN, count))
        if self._has_all and not self._pending:
            self._close_feed()

    def _say(self, record: Record) -> None:
        data = record_bytes(record)
        while data:
            data = data[os.write(self._outbox, data) :]

    def _close_feed(self) -> None:
        self._pending.clear()
        if self._feed is not None:
            os.close(self._feed)
        self._feed = None

    def _close_listen(self) -> None:
        if self._listen is not None:
            os.close(self._listen)
        self._listen = None
