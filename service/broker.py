"""The API's end of the queue: items go out in chunks, verdicts come back on one reply stream."""

from __future__ import annotations

import asyncio
import logging
import math
import time
import uuid
from collections import defaultdict
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Final, Self

from redis.asyncio import Redis
from redis.exceptions import RedisError

from service.audit.trail import audit_trail
from service.audit.transcripts import Offer
from service.clock import SharedClock
from service.congestion import QueueFull
from service.figures import Figures
from service.gathering import Gathering
from service.items import Answer, Batch, Errand, Ticket, Work, end_kept_by, unanswered
from service.jobs.keys import LANDINGS_KEY
from service.jobs.landings import Landings
from service.outage import Outage, trouble
from service.packing import LEAST_SINGLES
from service.queues import Queue
from service.redis_link import BLOCK_MS, Entry, connect, streams_of
from service.settings import Settings
from service.sharing import Running, twin_answer
from service.shipping import Sent, Shipping, Way
from service.streams import Reply, reply_key

__all__ = ["Broker", "QueueFull", "QueueUnavailable"]

_LOG: Final = logging.getLogger(__name__)
_ENTRIES_PER_READ: Final = 256
_RECONNECT_S: Final = 0.1
_LANDINGS_MS: Final = 60_000  # older ones nobody awaits any more
_LOOK_UP_S: Final = 1.0


class QueueUnavailable(Exception):
    """Redis cannot be reached, or is full; nothing was graded."""


class Broker:
    """Submits items and awaits their answers; one per API process, on one reader connection."""

    def __init__(self, redis_url: str, *, settings: Settings) -> None:
        self._redis: Redis = connect(redis_url)
        self._outage = Outage(self._redis)
        self._reply_key = reply_key(uuid.uuid4().hex)
        self._shipping = Shipping(self._redis, settings=settings, reply_key=self._reply_key)
        self._unsent: defaultdict[Way, list[Ticket]] = defaultdict(list)
        self._sent: dict[bytes, Sent] = {}
        self._running = Running()
        self._tasks: set[asyncio.Task[None]] = set()
        self._gathering = Gathering()
        self._closing = False
        self.landings = Landings()
        self._clock = SharedClock()
        self._looked_up_at = -math.inf
        self._figures = Figures()
        self._audit = audit_trail(settings)

    async def __aenter__(self) -> Self:
        self._begin_to_read()
        return self

    async def __aexit__(self, *_: object) -> None:
        # The client may swallow a cancellation in the middle of a call; the loop looks here, too.
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._redis.aclose()
        if self._audit is not None:
            await asyncio.to_thread(self._audit.close)

    @property
    def redis(self) -> Redis:
        """The connection pool, for those who look at the queue without using it."""
        return self._redis

    @property
    def figures(self) -> Figures:
        """What this process has counted so far."""
        if self._audit is not None:
            self._figures.unwritten += self._audit.take_lost()
        return self._figures

    async def admit(self, works: Iterable[Work], errand: Errand) -> None:
        """Raise QueueFull unless the lanes would get to the works within the deadline."""
        for lane in {work.lane for work in works}:
            queue = Queue(lane, errand.priority, errand.tenant)
            unsent = sum(len(self._unsent.get(Way(queue, back), ())) for back in (False, True))
            if 0 < unsent < LEAST_SINGLES[lane]:
                continue  # in the chunk of those, which are let in already
            try:
                refusal = await self._shipping.refusal(
                    queue, unsent=unsent, deadline_s=errand.deadline_s
                )
            except RedisError as error:
                raise self._unavailable(error) from error
            if refusal is not None:
                raise refusal

    async def submit(self, works: Sequence[Work], errand: Errand) -> list[Answer]:
        """The answers in the order of the works; `failed` for those not there in time."""
        if not works:
            return []
        batch = self._enqueue(works, errand)
        await batch.over(errand.deadline_s)
        if batch.missing:
            _LOG.warning("%d of %d items missed their deadline", batch.missing, len(works))
        answers = zip(batch.answers, works, strict=True)
        return [answer or unanswered(work.item_id, "deadline") for answer, work in answers]

    async def hand_over(self, works: Sequence[Work], errand: Errand) -> None:
        """Send what nobody awaits here; returns as soon as Redis has it."""
        if works:
            await self._enqueue(works, errand).done

    def _enqueue(self, works: Sequence[Work], errand: Errand) -> Batch:
        batch = Batch([None] * len(works), len(works), asyncio.get_running_loop().create_future())
        expires_at = self._clock.now_s() + errand.deadline_s
        for place, work in enumerate(works):
            way = Way(Queue(work.lane, errand.priority, errand.tenant), errand.awaited)
            self._unsent[way].append(Ticket(work, batch, place, expires_at, errand, []))
        self._send_soon(works)
        return batch

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _begin_to_read(self) -> None:
        if not self._closing:
            self._start(self._read()).add_done_callback(self._read_on)

    def _read_on(self, reader: asyncio.Task[None]) -> None:
        """Without a reader nobody would ever be answered."""
        error = None if reader.cancelled() else reader.exception()
        if error is not None:
            _LOG.error("the reader of replies failed (%s) and begins anew", type(error).__name__)
            asyncio.get_running_loop().call_later(_RECONNECT_S, self._begin_to_read)

    def _send_soon(self, works: Iterable[Work]) -> None:
        if self._gathering.begun_by(works):
            self._start(self._flush())

    async def _flush(self) -> None:
        await self._gathering.over(lambda: sum(len(s.unanswered) for s in self._sent.values()))
        unsent, self._unsent = self._unsent, defaultdict(list)
        sent = []
        for way, tickets in unsent.items():
            distinct = self._running.joined(way.queue, tickets)
            self._figures.items_shared += 0 if way.awaited else len(tickets) - len(distinct)
            sent += self._shipping.pack(way, distinct)
        self._sent |= {entry.chunk.chunk_id: entry for entry in sent}
        error: QueueUnavailable | None = None
        try:
            gone = await self._shipping.ship(sent, {way.queue for way in unsent})
            end_kept_by(gone, unsent.values(), QueueUnavailable("the job's record is gone"))
        except RedisError as lost:
            error = self._unavailable(lost)
        for entry in sent:
            if error is not None or not entry.chunk.awaited:
                self._let_go(entry, error)

    def _unavailable(self, error: RedisError) -> QueueUnavailable:
        self._outage.seen(error)
        unavailable = QueueUnavailable(trouble(error))
        unavailable.__cause__ = error
        return unavailable

    def _let_go(self, sent: Sent, error: QueueUnavailable | None) -> None:
        """Await nothing of this chunk any more: it could not be sent, or nobody ever did."""
        self._forget(sent)
        for ticket in sent.tickets:
            for one in (ticket, *ticket.twins):
                one.batch.end(error)

    async def _read(self) -> None:
        last = {self._reply_key: b"0-0"}
        lost = False
        while not self._closing:
            try:
                if await self._look_up() or lost:
                    await self._catch_up(last)
                    lost = False
                if LANDINGS_KEY not in last:
                    last[LANDINGS_KEY] = b"%d-0" % (self._clock.now_ms() - _LANDINGS_MS)
                await self._read_once(last)
                self._outage.over()
            except RedisError as error:
                self._outage.seen(error)
                lost = True
                await asyncio.sleep(_RECONNECT_S)

    async def _look_up(self) -> bool:
        """Ask Redis for its time now and then, and whether it was emptied since."""
        now = time.monotonic()
        if now - self._looked_up_at <= _LOOK_UP_S:
            return False
        await self._clock.set_by(self._redis)
        emptied = await self._shipping.was_emptied()
        self._looked_up_at = now
        return emptied

    async def _catch_up(self, last: dict[str, bytes]) -> None:
        """After Redis was away or emptied: take what has come, and send again what it has lost."""
        last[self._reply_key] = b"0-0"
        # First what is missing: what is answered in between is in the replies, read after that.
        lost = await self._shipping.lost(self._sent.values())
        while await self._read_once(last, block_ms=None) == _ENTRIES_PER_READ:
            pass
        lost = [entry for entry in lost if entry.chunk.chunk_id in self._sent]
        if lost:
            _LOG.warning("Redis has lost %d chunks, sending them again", len(lost))
        await self._shipping.ship(lost, {entry.queue for entry in lost})
        self.landings.tell_all()

    async def _read_once(self, last: dict[str, bytes], *, block_ms: int | None = BLOCK_MS) -> int:
        """Take in what has come; returns the most entries that any of the streams gave."""
        streams: dict[Any, Any] = dict(last)  # Any: redis-py's dict type is invariant.
        found = await self._redis.xread(streams, count=_ENTRIES_PER_READ, block=block_ms)
        self._forget_expired()
        read = streams_of(found)
        for stream, entries in read:
            last[stream] = entries[-1].entry_id
            if stream == LANDINGS_KEY:
                self.landings.tell(entries)
            else:
                self._settle_all(entries)
                await self._redis.xdel(stream, *(entry.entry_id for entry in entries))
        return max((len(entries) for _, entries in read), default=0)

    def _settle_all(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if entry.fields is None:
                continue
            try:
                self._settle(Reply.from_fields(entry.fields))
            except (ValueError, KeyError, TypeError) as error:
                # The type and not the message, which may repeat a verdict.
                _LOG.error("a reply is not in this version's format (%s)", type(error).__name__)

    def _settle(self, reply: Reply) -> None:
        sent = self._sent.get(reply.chunk_id)
        if sent is None:
            # To its chunk nobody awaits a reply, or no more; then only the first one counts.
            if not reply.verdicts:
                self._figures.take_in(reply)
            return
        answers = zip(reply.verdicts, reply.rewards, reply.marks, strict=True)
        for place, answer in enumerate(answers, start=reply.offset):
            if place in sent.unanswered:
                sent.unanswered.discard(place)
                self._running.ended(sent.queue, [sent.tickets[place]])
                self._answer(sent.queue, sent.tickets[place], Answer(*answer))
        self._figures.take_in(reply)
        if not sent.unanswered:
            self._forget(sent)

    def _answer(self, queue: Queue, ticket: Ticket, answer: Answer) -> None:
        ticket.batch.fill(ticket.place, answer)
        if answer.mark == "f" and self._send_survivors(queue, [ticket]):
            return
        for twin in ticket.twins:
            renamed = twin_answer(answer, twin.work.item_id)
            twin.batch.fill(twin.place, renamed.answer)
            if self._audit is not None:
                self._audit.offer(Offer.of_twin(twin, answer))
            self._figures.tally.update(renamed.tally)
            self._figures.items_shared += 1

    def _send_survivors(self, queue: Queue, ended: Iterable[Ticket]) -> bool:
        """Send whoever joined one of these, whose time is over, and has time left himself."""
        now_s = self._clock.now_s()
        if survivors := [twin for ticket in ended for twin in ticket.survivors(now_s)]:
            self._unsent[Way(queue, awaited=True)] += survivors
            self._send_soon(ticket.work for ticket in survivors)
        return bool(survivors)

    def _forget(self, sent: Sent) -> None:
        self._sent.pop(sent.chunk.chunk_id, None)
        self._running.ended(sent.queue, sent.tickets)

    def _forget_expired(self) -> None:
        now_ms = self._clock.now_ms()
        for sent in [s for s in self._sent.values() if s.chunk.deadline_ms < now_ms]:
            self._forget(sent)
            self._send_survivors(sent.queue, [sent.tickets[place] for place in sent.unanswered])
