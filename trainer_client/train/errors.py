"""Why a run does not begin or stops; each message names the value and the remedy."""

from __future__ import annotations

import signal

__all__ = [
    "BadConfig",
    "BadDataset",
    "MissingExtra",
    "NotReady",
    "NothingToResume",
    "OutputInUse",
    "Stopped",
    "TrainError",
]


class TrainError(Exception):
    """The base of all errors below but Stopped."""


class BadConfig(TrainError):
    """A setting is unknown, has the wrong type or contradicts another."""


class BadDataset(TrainError):
    """The dataset cannot be read, or the service can grade none of its rows."""


class NotReady(TrainError):
    """No service that can grade answers at the address."""


class OutputInUse(TrainError):
    """The output folder holds a run, and nobody asked to go on with it."""


class NothingToResume(TrainError):
    """The output folder has no complete checkpoint."""


class MissingExtra(TrainError):
    """A library that training needs is absent or of a version that is not served."""


class Stopped(KeyboardInterrupt):
    """A signal ended the run; its checkpoint, report and plot are written before this goes on."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    def __str__(self) -> str:
        return f"stopped by {signal.Signals(self.number).name}"

    @property
    def status(self) -> int:
        """The exit status that shells give a process ended by this signal."""
        return 128 + self.number
