"""How every process of ours logs: one line a record, on standard error, as text or as JSON."""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Literal, TypeAlias

__all__ = ["Fact", "Level", "Style", "note", "noted", "set_up_logging"]

Style: TypeAlias = Literal["console", "json"]
Level: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
Fact: TypeAlias = str | int | float | list[str]

_MOST_CHARS: Final = 8_192
_NOTED: ContextVar[Mapping[str, Fact]] = ContextVar("noted")


def set_up_logging(style: Style = "console", level: Level = "INFO") -> None:
    """Log from this level on; called once at the start of a process, and once it is configured."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if style == "json" else _Console())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)


@contextmanager
def noted(facts: Mapping[str, Fact]) -> Iterator[None]:
    """Every record of this task, and of the tasks that it begins, carries these facts, too."""
    token = _NOTED.set({**_NOTED.get({}), **facts})
    try:
        yield
    finally:
        _NOTED.reset(token)


def note(facts: Mapping[str, Fact]) -> None:
    """The same to the end of the task."""
    _NOTED.set({**_NOTED.get({}), **facts})


class _Console(logging.Formatter):
    """`time LEVEL logger: message fact=value ...`, with whatever is not printable escaped."""

    def format(self, record: logging.LogRecord) -> str:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.created))
        facts = "".join(f" {name}={_plain(value)}" for name, value in _facts(record).items())
        head = f"{when},{int(record.msecs):03d} {record.levelname} {record.name}: "
        return _printable(f"{head}{_message(record)}{facts}{_trace(record)}")


class _Json(logging.Formatter):
    """An object a line, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        content: dict[str, Fact] = {
            "time": f"{when}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            **_facts(record),
        }
        trace = _trace(record)
        if trace:
            content["exception"] = trace.strip()
        # JSON escapes all control characters but this one.
        return json.dumps(content, ensure_ascii=True).replace("\x7f", "\\u007f")


def _facts(record: logging.LogRecord) -> dict[str, Fact]:
    own: Mapping[str, Fact] = getattr(record, "facts", {})
    return {**_NOTED.get({}), **own}


def _message(record: logging.LogRecord) -> str:
    message = record.getMessage()
    return message if len(message) <= _MOST_CHARS else message[:_MOST_CHARS] + "..."


def _trace(record: logging.LogRecord) -> str:
    """Where the error came from, and the errors behind it.

    What an error says may repeat a completion, and is left out unless it is the system's.
    """
    error = record.exc_info[1] if record.exc_info else None
    parts: list[str] = []
    while error is not None:
        words = f": {error}" if isinstance(error, OSError) else ""
        frames = "".join(traceback.format_tb(error.__traceback__))
        parts.insert(0, f"\n{frames}{type(error).__name__}{words}")
        behind = None if error.__suppress_context__ else error.__context__
        error = error.__cause__ or behind
    return "".join(parts)[-_MOST_CHARS:]


def _plain(value: Fact) -> str:
    text = ",".join(value) if isinstance(value, list) else str(value)
    # What would look like another fact is quoted.
    return json.dumps(text, ensure_ascii=False) if set(text) & set(' ="') else text


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
