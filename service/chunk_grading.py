"""From a chunk to the reply to it: what a worker does in the thread that holds the slot."""

from __future__ import annotations

import logging
from collections import Counter
from functools import partial
from typing import Final

from pydantic import ValidationError
from redis.asyncio import Redis

from graders.contract import Lane, SharedReason
from sandbox import isolation
from service.audit.trail import AuditTrail
from service.audit.transcripts import Offer
from service.clock import SharedClock
from service.grading import GradingLimits, grade_cargo, refused
from service.jobs.routes import JobRun
from service.leases import Lease
from service.measured import Measured, Meter
from service.recall import GradeStore, Recall
from service.settings import Settings
from service.streams import Cargo, Chunk, Reply, Tally, load_cargo

__all__ = ["ChunkGrader", "unanswered_chunk"]

_LOG: Final = logging.getLogger(__name__)


class ChunkGrader:
    """Grades the chunks of one lane."""

    def __init__(
        self,
        redis: Redis,
        lane: Lane,
        *,
        settings: Settings,
        audit: AuditTrail | None,
        clock: SharedClock,
    ) -> None:
        self._clock = clock
        self._lane = lane
        self._keeps_grades = lane == "code" and settings.cache_grades > 0
        self._limits = GradingLimits(text_chars=settings.text_chars)
        self._store = GradeStore(redis, settings=settings)
        self._audit = audit
        self.cancelled: frozenset[JobRun | None] = frozenset()
        """The jobs that nobody wants any more."""

    def reply_to(self, lease: Lease) -> Reply:
        """Grade what is still wanted of the chunk."""
        chunk, meter = lease.chunk, Meter()
        waited_s = max(0.0, self._clock.now_s() - lease.sent_at)
        try:
            cargo = load_cargo(chunk.payload)
        except ValidationError:
            _LOG.error("a chunk is not in this version's format: are all machines of one version?")
            return unanswered_chunk(chunk, reason="internal_error")
        graded = grade_cargo(
            cargo,
            limits=self._limits,
            halted=partial(self._why_halted, chunk),
            recall=self._recall(lease.queue.tenant),
            meter=meter,
        )
        measured = Measured(
            self._lane,
            meter.seconds,
            # What was taken over from another worker did not wait all the time.
            None if chunk.deaths else waited_s,
            meter.recalled,
            meter.not_recalled,
            lost=chunk.items * chunk.deaths,
            unwritten=0 if self._audit is None else self._audit.take_lost(),
        )
        reply = Reply(chunk.chunk_id, chunk.offset, *graded, measured)
        self._write(lease, cargo, reply)
        return reply

    def given_up(self, lease: Lease, *, reason: SharedReason) -> Reply:
        """The reply to a chunk that nobody grades any more."""
        reply = unanswered_chunk(lease.chunk, reason=reason)
        self._write(lease, lease.chunk.payload, reply)
        return reply

    def _write(self, lease: Lease, cargo: Cargo | bytes, reply: Reply) -> None:
        if self._audit is not None:
            self._audit.offer(Offer.of_chunk(lease.queue, lease.chunk, cargo, reply))

    def _recall(self, tenant: str) -> Recall | None:
        """What the tenant's programs earned before in a sandbox like the one there is now."""
        if not self._keeps_grades:
            return None
        try:
            return Recall(self._store, tenant, isolation().digest)
        except OSError:
            return None

    def _why_halted(self, chunk: Chunk, position: int) -> SharedReason | None:
        if self._clock.now_ms() > chunk.deadline_ms:
            return "deadline"
        return "cancelled" if chunk.routes.run_at(position) in self.cancelled else None


def unanswered_chunk(chunk: Chunk, *, reason: SharedReason) -> Reply:
    """The reply that says of every item why it is not graded; under its id, if that is legible."""
    try:
        ids = [item.id for parcel in load_cargo(chunk.payload).parcels for item in parcel.items]
    except ValidationError:
        ids = [None] * chunk.items
    verdicts = [refused(i, "failed", reason).model_dump_json().encode() for i in ids]
    tally: Tally = Counter({("service", "failed", str(reason)): len(verdicts)})
    marks = "f" * len(verdicts)
    return Reply(chunk.chunk_id, chunk.offset, verdicts, [None] * len(verdicts), marks, tally)
