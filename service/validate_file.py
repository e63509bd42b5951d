"""`validate`: the references of datasets, graded against themselves, and a report on them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

import orjson
from pydantic import JsonValue

from graders.contract import Grade, GraderCall
from service.broker import Broker
from service.grade_file import BadGraders, progress_bar, submitted
from service.intake import Asked, bad_item
from service.plans import NO_REWARD, plan_of
from service.processes import the_redis, the_workers
from service.reference_rows import Row, Rows
from service.settings import Settings
from service.validation import ReferenceVerdict, take_references, verdict_of

__all__ = ["check_graders", "validate_rows", "write_verdicts"]

_WINDOW: Final = 1_024
_WINDOWS_AT_ONCE: Final = 2


def check_graders(graders: Sequence[GraderCall]) -> None:
    """Raise BadGraders for calls that no row could be graded by."""
    plan = plan_of(graders)
    if plan.refusal is not None:
        raise BadGraders(f"--graders: {NO_REWARD[plan.refusal]['message']}")
    for step in plan.steps:
        if isinstance(step, Grade):
            raise BadGraders(f"--graders: {step.grader}: {step.detail['message']}")


async def validate_rows(
    rows: Rows, *, graders: Sequence[GraderCall], settings: Settings
) -> list[ReferenceVerdict]:
    """The verdict on every row, in their order; each distinct item is validated once."""
    distinct = await _verdicts(rows.items, graders=graders, settings=settings) if rows.items else []
    return [
        distinct[row.item] if row.complaint is None else _not_read(row.complaint)
        for row in rows.rows
    ]


async def _verdicts(
    items: Sequence[JsonValue], *, graders: Sequence[GraderCall], settings: Settings
) -> list[ReferenceVerdict]:
    turns = asyncio.Semaphore(_WINDOWS_AT_ONCE)
    with the_redis(settings) as place, progress_bar(len(items), unit="") as bar:
        async with (
            the_workers(place, settings=settings),
            Broker(place.url, settings=settings) as broker,
        ):

            async def validated(window: Sequence[JsonValue]) -> list[ReferenceVerdict]:
                async with turns:
                    asked = Asked(graders, {}, window, settings.max_deadline_s)
                    validation = take_references(asked, settings=settings)
                    answers = await submitted(validation.intake, broker)
                    bar.update(len(window))
                    return validation.verdicts(answers)

            done = await asyncio.gather(*map(validated, _windows(items)))
    return [verdict for window in done for verdict in window]


def _windows(items: Sequence[JsonValue]) -> Iterator[Sequence[JsonValue]]:
    for start in range(0, len(items), _WINDOW):
        yield items[start : start + _WINDOW]


def _not_read(complaint: str) -> ReferenceVerdict:
    return verdict_of(bad_item(None, {"field": "", "message": complaint}))


def write_verdicts(
    out: BinaryIO, rows: Sequence[Row], verdicts: Sequence[ReferenceVerdict]
) -> None:
    """A line for each row: its file and line, and the verdict on it."""
    for row, verdict in zip(rows, verdicts, strict=True):
        said = verdict.model_dump(mode="json", exclude={"id"})
        out.write(orjson.dumps({"file": _name(row.source), "line": row.line, **said}) + b"\n")


def _name(source: Path) -> str:
    return str(source).encode(errors="replace").decode()
