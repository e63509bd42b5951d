"""The terminal of a run: lines that stay, and on a TTY one line that lives."""

from __future__ import annotations

import shutil
import sys
from typing import TextIO

__all__ = ["Console"]

_CLEAR_LINE = "\r\x1b[2K"


class Console:
    """Where a run says how it is; the process that is not the main one has a muted one."""

    def __init__(self, stream: TextIO | None = None, *, muted: bool = False) -> None:
        self._stream = sys.stdout if stream is None else stream
        self._muted = muted
        self._living = False

    @property
    def is_live(self) -> bool:
        """Whether a line can be written over."""
        return not self._muted and self._stream.isatty()

    def mute(self) -> None:
        """Write nothing from now on."""
        self._muted = True

    def line(self, text: str = "") -> None:
        """Write a text that stays."""
        if self._muted:
            return
        self._stream.write((_CLEAR_LINE if self._living else "") + text + "\n")
        self._stream.flush()
        self._living = False

    def progress(self, text: str) -> None:
        """Write how far the run is: over the last such text on a TTY, else as a line."""
        if not self.is_live:
            self.line(text)
            return
        width = shutil.get_terminal_size().columns - 1
        self._stream.write(
            _CLEAR_LINE + (text if len(text) <= width else text[: width - 3] + "...")
        )
        self._stream.flush()
        self._living = True
