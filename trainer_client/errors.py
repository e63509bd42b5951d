"""Every way a call can end without verdicts.

    TouchstoneError
    |-- ServiceUnavailable    no answer in the attempts and the time allowed: the service's side
    |-- RequestRefused        a 4xx answer: the request's side, the same request fails again
    |-- BadResponse           an answer that is not Touchstone's: another server, or another version
    `-- TooManyFailures       a run is ended on purpose: too many completions got no reward

A value that cannot be sent at all (NaN, a foreign object) is a ValueError or a TypeError instead:
it is raised before anything goes out.
"""

from __future__ import annotations

__all__ = [
    "BadResponse",
    "RequestRefused",
    "ServiceUnavailable",
    "TooManyFailures",
    "TouchstoneError",
]

# Names say what happened, as httpx names its own; every error's `args` rebuild it, so all pickle.


class TouchstoneError(Exception):
    """The base of all errors below: verdicts were asked for and none came."""


class ServiceUnavailable(TouchstoneError):
    """The service could not be reached or stayed busy; nothing was graded as wrong because of it.

    `status` is the last HTTP status, None where the last attempt got no answer.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message, status)
        self.message = message
        self.status = status

    def __str__(self) -> str:
        return self.message


class RequestRefused(TouchstoneError):
    """The service answered 4xx: repeating the same request cannot help."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message

    def __str__(self) -> str:
        return self.message


class BadResponse(TouchstoneError):
    """The answer has not the shape of a Touchstone answer, so no part of it is believed."""


class TooManyFailures(TouchstoneError):
    """More completions than a run allows got no reward; none of them was scored 0."""
