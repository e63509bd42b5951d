"""The API's end of the queue: items go out in chunks, verdicts come back on one reply stream."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
import uuid
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from redis.asyncio import Redis
from redis.exceptions import RedisError

from graders.contract import Lane
from service.grading import refused
from service.items import Answer, Batch, Ticket, Work
from service.packing import ChunkLimits, cut, payload_of
from service.redis_link import BLOCK_MS, append, connect, entries_of
from service.settings import Settings
from service.sharing import joined, twin_answer
from service.streams import LANES, Chunk, Reply, Tally, jobs_key, reply_key, workers_key

__all__ = ["Broker", "QueueFull", "QueueUnavailable"]

_LOG: Final = logging.getLogger(__name__)
_REPLIES_PER_READ: Final = 256
_RECONNECT_S: Final = 0.1


class QueueUnavailable(Exception):
    """Redis cannot be reached; nothing was graded."""


class QueueFull(Exception):
    """The lane holds as many chunks as it may; try again in `retry_after_s`."""

    def __init__(self, lane: Lane, *, retry_after_s: int) -> None:
        super().__init__(f"the {lane} lane is full: try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


@dataclass(slots=True)
class _Sent:
    """A chunk on its way, kept until every item of it is answered or nobody waits any more."""

    lane: Lane
    chunk: Chunk
    tickets: Sequence[Ticket]
    unanswered: set[int] = field(default_factory=set)


class Broker:
    """Submits items and awaits their answers; one per API process, on one reader connection."""

    def __init__(self, redis_url: str, *, settings: Settings) -> None:
        self._settings = settings
        self._redis: Redis = connect(redis_url)
        self._reply_key = reply_key(uuid.uuid4().hex)
        self._numbers = itertools.count()
        self._unsent: dict[Lane, list[Ticket]] = {lane: [] for lane in LANES}
        self._sent: dict[bytes, _Sent] = {}
        self._depth: dict[Lane, int] = dict.fromkeys(LANES, 0)
        self._workers: dict[Lane, int] = dict.fromkeys(LANES, 1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._flushing = False
        self._closing = False
        self.tally: Tally = Counter()
        self._items_shared = 0

    async def __aenter__(self) -> Self:
        self._start(self._read_replies())
        return self

    async def __aexit__(self, *_: object) -> None:
        # The client may swallow a cancellation in the middle of a call; the loop looks here, too.
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._redis.aclose()

    @property
    def redis(self) -> Redis:
        """The connection pool, for those who look at the queue without using it."""
        return self._redis

    def take_items_shared(self) -> int:
        """How many items were answered by another's verdict since this was last asked."""
        taken, self._items_shared = self._items_shared, 0
        return taken

    async def submit(self, works: Sequence[Work], *, deadline_s: float) -> list[Answer]:
        """The answers in the order of the works; `failed` for those not there in time."""
        if not works:
            return []
        await self._admit(works)
        batch = Batch([None] * len(works), len(works), asyncio.get_running_loop().create_future())
        expires_at = time.time() + deadline_s
        for place, work in enumerate(works):
            self._unsent[work.lane].append(Ticket(work, batch, place, expires_at))
        self._flush_soon()
        try:
            async with asyncio.timeout(deadline_s):
                await batch.done
        except TimeoutError:
            _LOG.warning("%d of %d items missed their deadline", batch.missing, len(works))
        return [answer or _late(work) for answer, work in zip(batch.answers, works, strict=True)]

    async def _admit(self, works: Sequence[Work]) -> None:
        for lane in {work.lane for work in works}:
            # What was last heard of the depth costs nothing; only a full lane is asked again.
            if self._is_full(lane):
                await self._look(lane)
                if self._is_full(lane):
                    raise QueueFull(lane, retry_after_s=max(1, round(self._settings.lease_s)))

    def _is_full(self, lane: Lane) -> bool:
        unsent = len(self._unsent[lane]) // self._settings.chunk_items
        return self._depth[lane] + unsent >= self._settings.queue_chunks

    async def _look(self, lane: Lane) -> None:
        try:
            self._depth[lane] = await self._redis.xlen(jobs_key(lane))
        except RedisError as error:
            raise QueueUnavailable(type(error).__name__) from error

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _flush_soon(self) -> None:
        if not self._flushing:
            self._flushing = True
            self._start(self._flush())

    async def _flush(self) -> None:
        # Whatever else this turn of the loop submits goes along, single requests among it.
        await asyncio.sleep(0)
        self._flushing = False
        sent = [entry for lane in LANES for entry in self._cut(lane)]
        self._sent |= {entry.chunk.chunk_id: entry for entry in sent}
        try:
            await self._append(sent)
        except RedisError as error:
            for entry in sent:
                self._sent.pop(entry.chunk.chunk_id, None)
                for ticket in entry.tickets:
                    for one in (ticket, *ticket.twins):
                        one.batch.fail(QueueUnavailable(type(error).__name__))

    def _cut(self, lane: Lane) -> list[_Sent]:
        tickets, self._unsent[lane] = self._unsent[lane], []
        limits = ChunkLimits(
            items=self._settings.chunk_items,
            size_bytes=self._settings.chunk_bytes,
            slots=self._workers[lane] * self._settings.slots_in(lane),
        )
        # Only a program costs more than to find out that it is the same as another.
        distinct = joined(tickets) if lane == "code" else tickets
        return [self._pack(lane, chunk) for chunk in cut(distinct, lane, limits=limits)]

    def _pack(self, lane: Lane, tickets: Sequence[Ticket]) -> _Sent:
        chunk = Chunk(
            chunk_id=b"%d" % next(self._numbers),
            reply_to=self._reply_key.encode(),
            deadline_ms=int(max(ticket.expires_at for ticket in tickets) * 1000),
            items=len(tickets),
            payload=payload_of(tickets),
        )
        return _Sent(lane, chunk, tickets, set(range(len(tickets))))

    async def _append(self, sent: Sequence[_Sent]) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            for entry in sent:
                append(pipe, jobs_key(entry.lane), entry.chunk.fields())
            for lane in LANES:
                pipe.xlen(jobs_key(lane))
                pipe.scard(workers_key(lane))
            *_, light, light_workers, code, code_workers = await pipe.execute()
        self._depth = {"light": light, "code": code}
        self._workers = {"light": light_workers or 1, "code": code_workers or 1}

    async def _read_replies(self) -> None:
        last = b"0-0"
        lost = False
        while not self._closing:
            try:
                if lost:
                    # Redis may have come back empty: what is still awaited goes out once more.
                    await self._append(list(self._sent.values()))
                    last, lost = b"0-0", False
                last = await self._read_once(last)
            except RedisError as error:
                if not lost:
                    _LOG.warning("lost Redis (%s), reconnecting", type(error).__name__)
                lost = True
                await asyncio.sleep(_RECONNECT_S)

    async def _read_once(self, last: bytes) -> bytes:
        found = await self._redis.xread(
            {self._reply_key: last}, count=_REPLIES_PER_READ, block=BLOCK_MS
        )
        entries = entries_of(found)
        self._forget_expired()
        if not entries:
            return last
        for entry in entries:
            if entry.fields is not None:
                self._settle(Reply.from_fields(entry.fields))
        await self._redis.xdel(self._reply_key, *(entry.entry_id for entry in entries))
        return entries[-1].entry_id

    def _settle(self, reply: Reply) -> None:
        sent = self._sent.get(reply.chunk_id)
        if sent is None:
            return
        answers = zip(reply.verdicts, reply.rewards, reply.marks, strict=True)
        for place, answer in enumerate(answers, start=reply.offset):
            if place in sent.unanswered:
                sent.unanswered.discard(place)
                self._answer(sent.tickets[place], Answer(*answer))
        self.tally.update(reply.tally)
        if not sent.unanswered:
            del self._sent[reply.chunk_id]

    def _answer(self, ticket: Ticket, answer: Answer) -> None:
        ticket.batch.fill(ticket.place, answer)
        for twin in ticket.twins:
            renamed = twin_answer(answer, twin.work.item_id)
            twin.batch.fill(twin.place, renamed.answer)
            self.tally.update(renamed.tally)
            self._items_shared += 1

    def _forget_expired(self) -> None:
        now_ms = time.time() * 1000
        expired = [key for key, sent in self._sent.items() if sent.chunk.deadline_ms < now_ms]
        for key in expired:
            del self._sent[key]


def _late(work: Work) -> Answer:
    verdict = refused(work.item_id, "failed", "deadline")
    return Answer(verdict.model_dump_json().encode(), None, "f")
