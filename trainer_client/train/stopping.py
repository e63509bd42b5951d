"""Signals that end a run between two steps and never inside an update of the weights."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Final, Self

from trainer_client.train.errors import Stopped

__all__ = ["Stopping"]

# By name: not every system has the third, which a lost terminal sends.
_SIGNALS: Final = [one for one in signal.Signals if one.name in {"SIGINT", "SIGTERM", "SIGHUP"}]


class Stopping:
    """While entered, signals that end a process raise Stopped, once, never while weights change."""

    def __init__(self) -> None:
        self._came: int | None = None
        self._raised = False
        self._before: dict[int, object] = {}
        self.weights_change = False

    def hold(self) -> None:
        """From here on the weights, or a checkpoint of them, change: a signal waits."""
        self.weights_change = True

    def release(self) -> None:
        """They agree with the last step again: a signal that came meanwhile is raised."""
        self.weights_change = False
        if self._came is not None and not self._raised:
            self._raise(self._came)

    def __enter__(self) -> Self:
        # Python lets no other thread handle signals; there the run is stopped by other means.
        if threading.current_thread() is threading.main_thread():
            self._before = {
                number: signal.signal(number, self._handle)
                for number in _SIGNALS
                # nohup has it ignored, and means it.
                if number.name != "SIGHUP" or signal.getsignal(number) is not signal.SIG_IGN
            }
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        for number, handler in self._before.items():
            # What signal.signal gave is what it takes.
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self._came = number
        # One is enough: the next would end the writing of the checkpoint.
        if not self.weights_change and not self._raised:
            self._raise(number)

    def _raise(self, number: int) -> None:
        self._raised = True
        raise Stopped(number)
