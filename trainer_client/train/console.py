"""The terminal of a run: lines that stay, and on a TTY one line that lives."""

from __future__ import annotations

import os
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
        self._write((_CLEAR_LINE if self._living else "") + text + "\n")
        self._living = False

    def progress(self, text: str) -> None:
        """Write how far the run is: over the last such text on a TTY, else as a line."""
        if not self.is_live:
            self.line(text)
            return
        width = shutil.get_terminal_size().columns - 1
        self._write(_CLEAR_LINE + (text if len(text) <= width else text[: width - 3] + "..."))
        self._living = True

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            # A closed pipe, a lost terminal: whoever read is gone, and the run goes on.
            self.mute()
            # What is still in the stream would fail once more when the process ends.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
