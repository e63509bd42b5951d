"""A run: batches of units are judged, several at once, and settled in the order of IN."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Final, NamedTuple, Protocol

from trainer_client.curate.inputs import Batch, Input, Unit, batches
from trainer_client.curate.judging import Judge
from trainer_client.curate.outputs import Decision, Ledger, Settled
from trainer_client.errors import TooManyFailures
from trainer_client.progress import Progress
from trainer_client.verdicts import Verdict

__all__ = ["Pace", "Task", "go_through"]

_BATCH_BYTES: Final = 8 << 20
_MOST_FAILED: Final = 1_000


class Task(Protocol):
    """What one command decides about a unit, and what it says at the end."""

    def decide(self, unit: Unit, verdicts: Sequence[Verdict]) -> Decision: ...

    def report(self, tally: Mapping[str, float]) -> list[str]: ...


class Pace(NamedTuple):
    """How many completions go into a batch, and how many batches are under way at once."""

    batch: int = 256
    in_flight: int = 4


async def go_through(
    source: Input, ledger: Ledger, *, task: Task, judge: Judge, pace: Pace, progress: Progress
) -> None:
    """Settle all of IN that is not done, and try again what the service failed, once."""
    owed_before = bool(ledger.state.owed)
    if owed_before:
        await _settle_owed(source, ledger, task=task, judge=judge, pace=pace)
    done_before = ledger.state.progressed.units
    cut = batches(source, source.units(), most_candidates=pace.batch, most_bytes=_BATCH_BYTES)
    async with aclosing(_judged(cut, judge, in_flight=pace.in_flight)) as judged:
        async for batch, verdicts in judged:
            settled = _settled(batch.units, verdicts, task)
            ledger.commit(settled, batch.end, skipped=batch.skipped)
            progress.advance(
                rows=len(verdicts) or len(batch.units),
                size_bytes=sum(unit.size_bytes for unit in batch.units),
            )
            _check_failed(ledger)
    if ledger.state.owed and (not owed_before or ledger.state.progressed.units > done_before):
        await _settle_owed(source, ledger, task=task, judge=judge, pace=pace)


async def _settle_owed(
    source: Input, ledger: Ledger, *, task: Task, judge: Judge, pace: Pace
) -> None:
    if not ledger.can_mend:
        return
    units = source.units_again([owed.spots for owed in ledger.state.owed])
    cut = batches(source, units, most_candidates=pace.batch, most_bytes=_BATCH_BYTES)
    settled: list[Settled] = []
    async with aclosing(_judged(cut, judge, in_flight=pace.in_flight)) as judged:
        async for batch, verdicts in judged:
            settled += _settled(batch.units, verdicts, task)
    ledger.mend(settled)
    _check_failed(ledger)


async def _judged(
    cut: Iterator[Batch], judge: Judge, *, in_flight: int
) -> AsyncGenerator[tuple[Batch, Sequence[Verdict]], None]:
    """Each batch with its verdicts, in order, as soon as they are there; one is read ahead."""
    pending: deque[tuple[Batch, asyncio.Task[Sequence[Verdict]]]] = deque()
    reading: asyncio.Task[Batch | None] | None = _read(cut)
    try:
        while reading or pending:
            heads: list[asyncio.Task[Batch | None] | asyncio.Task[Sequence[Verdict]]] = []
            heads += [task for _, task in list(pending)[:1]]
            if reading and len(pending) < in_flight:
                heads.append(reading)
            await asyncio.wait(heads, return_when=asyncio.FIRST_COMPLETED)
            if pending and pending[0][1].done():
                first, task = pending[0]
                yield first, task.result()
                pending.popleft()
            elif reading:
                batch = reading.result()
                reading = None if batch is None else _read(cut)
                if batch is not None:
                    candidates = [one for unit in batch.units for one in unit.candidates]
                    pending.append((batch, asyncio.create_task(judge(candidates))))
    finally:
        left = [*(task for _, task in pending), *([reading] if reading else [])]
        for one in left:
            one.cancel()
        await asyncio.gather(*left, return_exceptions=True)


def _read(cut: Iterator[Batch]) -> asyncio.Task[Batch | None]:
    # In a thread: a slow pipe must not keep answers that are under way from being taken.
    return asyncio.create_task(asyncio.to_thread(next, cut, None))


def _settled(units: Sequence[Unit], verdicts: Sequence[Verdict], task: Task) -> list[Settled]:
    settled = []
    begin = 0
    for unit in units:
        own = verdicts[begin : begin + len(unit.candidates)]
        begin += len(unit.candidates)
        is_owed = any(verdict.outcome == "failed" for verdict in own)
        settled.append(Settled(unit.spots, task.decide(unit, own), is_owed))
    return settled


def _check_failed(ledger: Ledger) -> None:
    owed = len(ledger.state.owed)
    if owed > _MOST_FAILED:
        raise TooManyFailures(
            f"the service failed {owed:,} rows or prompts: see its log for the cause, "
            "then go on with --resume"
        )
