"""`grade`: a file of Items in, a file of Verdicts out, through the same queue and workers."""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, NoReturn, TypeAlias

from pydantic import JsonValue, TypeAdapter, ValidationError
from tqdm import tqdm

from graders.contract import GraderCall, Outcome
from service.broker import Broker, QueueFull, QueueUnavailable
from service.field_errors import first_error
from service.intake import Intake, bad_item, take_items
from service.items import Answer, Errand
from service.processes import the_redis, the_workers
from service.settings import Settings
from service.strict_json import BadJson, loads

__all__ = [
    "BadGraders",
    "SameFile",
    "grade_file",
    "is_same",
    "progress_bar",
    "read_graders",
    "submitted",
]

_WINDOW: Final = 1_024
_RETRY_S: Final = 0.5
_OUTCOMES: Final[Mapping[str, Outcome]] = {"u": "ungradable", "f": "failed"}
_CALLS: Final = TypeAdapter(list[GraderCall])


class BadGraders(Exception):
    """The `--graders` text is no list of grader calls; the message says where."""


class SameFile(Exception):
    """The verdicts would be written over the items."""


class Line(NamedTuple):
    """One line of the input: its value or the complaint about it, and its length in bytes."""

    value: JsonValue
    size: int
    complaint: str | None = None


_Ask: TypeAlias = Callable[[list[Line]], Coroutine[None, None, list[Answer]]]


def read_graders(text: str | None) -> list[GraderCall]:
    """The calls of a JSON list of them; a bare name stands for a call without options."""
    if text is None:
        return []
    try:
        value = json.loads(text) if text.lstrip().startswith(("[", "{")) else [{"name": text}]
        return _CALLS.validate_python(value if isinstance(value, list) else [value])
    except json.JSONDecodeError as error:
        raise BadGraders(f"--graders is not JSON: {error.msg} at column {error.colno}") from None
    except ValidationError as error:
        problem = first_error(error)
        raise BadGraders(f"--graders{problem['field']}: {problem['message']}") from None


async def grade_file(
    source: Path, target: Path, *, graders: Sequence[GraderCall], settings: Settings
) -> Counter[Outcome]:
    """Grade every line in order and return how many ended how; the target is whole or untouched."""
    if is_same(source, target):
        raise SameFile(f"{target} holds the items: name another file for the verdicts")
    with (
        source.open("rb") as lines,
        _written(target) as out,
        the_redis(settings) as place,
        progress_bar(_size(source), unit="B") as bar,
    ):
        async with (
            the_workers(place, settings=settings),
            Broker(place.url, settings=settings) as broker,
        ):
            windows = _windows(_parsed(lines, nesting=settings.nesting))
            ask = functools.partial(_answers, graders=graders, broker=broker, settings=settings)
            return await _grade_windows(windows, ask, out=out, bar=bar)


@contextmanager
def _written(target: Path) -> Iterator[BinaryIO]:
    """The file, beside its place until it is whole; what is no file is written to as it is."""
    if target.exists() and not target.is_file():
        with target.open("wb") as out:
            yield out
        return
    whole = target.resolve()
    part = whole.with_name(f".{whole.name}.{os.getpid()}")
    try:
        with part.open("wb") as out:
            yield out
        part.replace(whole)
    finally:
        part.unlink(missing_ok=True)


def is_same(source: Path, target: Path) -> bool:
    """Whether writing the one would destroy the other."""
    return target.is_file() and target.samefile(source)


def _size(source: Path) -> int:
    return source.stat().st_size


def progress_bar(total: int, *, unit: str) -> tqdm[NoReturn]:
    """A bar on standard error, where that is a terminal."""
    # disable=None: shown on a terminal only.
    return tqdm(total=total, unit=unit, unit_scale=True, disable=None)


async def _grade_windows(
    windows: Iterable[list[Line]], ask: _Ask, *, out: BinaryIO, bar: tqdm[NoReturn]
) -> Counter[Outcome]:
    ended = Counter[Outcome]()
    pending: list[tuple[asyncio.Task[list[Answer]], int]] = []
    # One window is graded while the one before is written; no more is held in memory.
    for window in itertools.chain(windows, (None,)):
        if window is not None:
            size = sum(line.size for line in window)
            pending.append((asyncio.create_task(ask(window)), size))
        while pending and (window is None or len(pending) > 1):
            task, size = pending.pop(0)
            answers = await task
            out.writelines(answer.verdict + b"\n" for answer in answers)
            ended.update(_OUTCOMES.get(answer.mark, "graded") for answer in answers)
            bar.update(size)
    return ended


async def _answers(
    window: list[Line], *, graders: Sequence[GraderCall], broker: Broker, settings: Settings
) -> list[Answer]:
    read = [line.value for line in window if line.complaint is None]
    intake = take_items(read, graders, deadline_s=settings.max_deadline_s, settings=settings)
    answers = iter(intake.filled(await submitted(intake, broker)))
    return [
        next(answers)
        if line.complaint is None
        else bad_item(None, {"field": "", "message": line.complaint})
        for line in window
    ]


async def submitted(intake: Intake, broker: Broker) -> list[Answer]:
    """Nobody waits at the other end of a file, so a queue that is full or away is waited for."""
    errand = Errand(intake.deadline_s)
    limit = time.monotonic() + intake.deadline_s
    while True:
        try:
            await broker.admit(intake.works, errand)
            return await broker.submit(intake.works, errand)
        except (QueueFull, QueueUnavailable):
            if time.monotonic() > limit:
                raise
            await asyncio.sleep(_RETRY_S)


def _parsed(lines: Iterable[bytes], *, nesting: int) -> Iterator[Line]:
    for line in lines:
        if not line.strip():
            continue
        try:
            yield Line(loads(line, nesting=nesting), len(line))
        except BadJson as error:
            yield Line(None, len(line), str(error))


def _windows(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """The lines in windows; neighbours of one group stay together, up to twice the size."""
    window: list[Line] = []
    for line in lines:
        full = len(window) >= _WINDOW and not _share_a_group(window[-1], line)
        if full or len(window) >= 2 * _WINDOW:
            yield window
            window = []
        window.append(line)
    if window:
        yield window


def _share_a_group(one: Line, other: Line) -> bool:
    return _group(one) is not None and _group(one) == _group(other)


def _group(line: Line) -> JsonValue:
    return line.value.get("group") if isinstance(line.value, dict) else None
