"""What two programs in two containers say to each other, as their owner passes it on."""

from __future__ import annotations

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
from sandbox.backends.docker.streams import Channel, DaemonLost

__all__ = ["Voice", "introduce"]

_MOST_UNTAKEN: Final = WINDOW + MOST_LEFT


class Voice:
    """One side: what its launcher says goes to the partner, and waits here until it is sent.

    What waits is bounded, as no launcher may send what the other one has no room for.
    """

    def __init__(self, channel: Channel) -> None:
        self.partner: Voice | None = None
        self._channel = channel
        self._records = Records()
        self._outbox = bytearray()
        self._untaken = 0
        """Bytes of the partner's that have not reached this side's program."""
        self._farewells: set[bytes] = set()
        self._is_gone = False

    @property
    def has_to_send(self) -> bool:
        return bool(self._outbox) and not self._is_gone

    def hear(self, data: bytes) -> bool:
        """Pass on what this side's launcher says; False where it is not what one may say."""
        try:
            return all(map(self._pass_on, self._records.take(data)))
        except ValueError:
            return False

    def stop(self) -> None:
        """Have this side's launcher kill its program."""
        self._tell(Record(STOP))

    def flush(self) -> None:
        """Send what can be sent without waiting; a launcher that is gone will be heard to be."""
        if self.has_to_send:
            try:
                sent = self._channel.send_some(self._outbox)
            except DaemonLost:
                sent = len(self._outbox)
            del self._outbox[:sent]

    def fall_silent(self) -> None:
        """This side is over: let the partner know, and take no more."""
        if not self._is_gone:
            self._is_gone = True
            self._outbox.clear()
            if self.partner is not None:
                self.partner._tell(Record(END))
                self.partner._tell(Record(CLOSED))

    def _pass_on(self, record: Record) -> bool:
        partner = self.partner
        if partner is None or not self._may_say(record, partner):
            return False
        partner._tell(record)
        return True

    def _may_say(self, record: Record, partner: Voice) -> bool:
        """Whether a launcher of ours could have said it: a program may speak in its name."""
        if record.letter == STOP:
            return False
        if record.letter == TAKEN:
            self._untaken -= record.size
            return record.size > 0 and self._untaken >= 0
        if record.letter == DATA:
            partner._untaken += record.size
            return record.size > 0 and partner._untaken <= _MOST_UNTAKEN
        is_news = record.letter not in self._farewells
        self._farewells.add(record.letter)
        return is_news

    def _tell(self, record: Record) -> None:
        if not self._is_gone:
            self._outbox += record_bytes(record)


def introduce(first: Voice, second: Voice) -> None:
    """Make two voices partners."""
    first.partner, second.partner = second, first
