"""How far a long command is: one live line on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Final, TextIO

__all__ = ["Progress"]

_CLEAR_LINE: Final = "\r\x1b[2K"
_REDRAW_S: Final = 0.1
_LOG_S: Final = 10.0


class Progress:
    """Counts rows, says their rate, and reads the time that is left off the bytes done."""

    def __init__(
        self,
        stream: TextIO,
        *,
        total_bytes: int | None = None,
        done_bytes: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._total_bytes = total_bytes
        self._first_bytes = self._done_bytes = done_bytes
        self._clock = clock
        self._began = self._told = clock()
        self._rows = 0

    def advance(self, *, rows: int, size_bytes: int) -> None:
        """Count these rows, and say so if the last time is long enough ago."""
        self._rows += rows
        self._done_bytes += size_bytes
        now = self._clock()
        if now - self._told >= (_REDRAW_S if self._live else _LOG_S):
            self._told = now
            self._write(self._text(now - self._began))

    def clear(self) -> None:
        """Take the live line away, before something else is written."""
        if self._live:
            self._stream.write(_CLEAR_LINE)
            self._stream.flush()

    def _write(self, text: str) -> None:
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            self._stream.write(_CLEAR_LINE + text[:width])
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def _text(self, spent_s: float) -> str:
        parts = [f"{self._rows:,} rows", f"{self._rows / max(spent_s, 1e-9):,.0f} rows/s"]
        new_bytes = self._done_bytes - self._first_bytes
        if self._total_bytes and new_bytes:
            left_bytes = max(self._total_bytes - self._done_bytes, 0)
            parts.insert(0, f"{min(self._done_bytes / self._total_bytes, 1.0):4.0%}")
            parts.append(f"{_span(left_bytes * spent_s / new_bytes)} left")
        return ", ".join(parts)


def _span(seconds: float) -> str:
    minutes, rest_s = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest_s:02}" if hours else f"{minutes}:{rest_s:02}"
