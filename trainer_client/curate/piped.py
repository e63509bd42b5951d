"""What comes through a pipe: its reader waits in a thread, and is let go when a run ends early."""

from __future__ import annotations

import io
import os
import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["Pipe"]


class Pipe(io.BufferedReader):
    """A pipe as a file; whoever waits for more of it reads its end once it is let go."""

    def __init__(self, descriptor: int) -> None:
        self._source = _Source(descriptor)
        super().__init__(self._source)

    def let_go(self) -> None:
        """End it, for a thread that waits now, too: a blocked read would hold up the exit."""
        self._source.let_go()


class _Source(io.RawIOBase):
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._ended, self._bell = os.pipe()

    def fileno(self) -> int:
        return self._descriptor

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        ready, _, _ = select.select([self._descriptor, self._ended], [], [])
        return 0 if self._ended in ready else os.readv(self._descriptor, [buffer])

    def let_go(self) -> None:
        os.write(self._bell, b"\0")

    def close(self) -> None:
        if not self.closed:
            os.close(self._ended)
            os.close(self._bell)
        super().close()
