"""When to try again: the attempts of one call, counted and bounded, without any network in it."""

from __future__ import annotations

import asyncio
import email.utils
import logging
import random
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC
from typing import Final, NamedTuple

import httpx

from trainer_client.errors import BadResponse, ServiceUnavailable

__all__ = ["SYSTEM_TIMING", "Answer", "Attempts", "Timing", "retry_after_s"]

_LOG: Final = logging.getLogger(__name__)

_BUSY: Final = frozenset({429, 502, 503, 504})
_FIRST_BACKOFF_S: Final = 0.5
_LONGEST_BACKOFF_S: Final = 30.0
_LONGEST_RETRY_AFTER_S: Final = 120.0
_CONNECT_S: Final = 10.0
_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})
_SHORTEST_WAIT_S: Final = 0.001  # a socket time-out of 0 would mean "do not wait at all"


@dataclass(frozen=True, slots=True)
class Timing:
    """The clocks, the dice and the waiting; replaced where a test must not wait."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    draw: Callable[[], float] = random.random
    sleep: Callable[[float], None] = time.sleep
    sleep_async: Callable[[float], Awaitable[None]] = asyncio.sleep


SYSTEM_TIMING: Final = Timing()


class Answer(NamedTuple):
    """One HTTP answer, read to its end."""

    status: int
    headers: httpx.Headers
    content: bytes


class Attempts:
    """The attempts of one call; every method may end the call with ServiceUnavailable."""

    def __init__(self, target: str, *, max_attempts: int, timeout_s: float, timing: Timing) -> None:
        self._target = target
        self._max_attempts = max_attempts
        self._timing = timing
        self._began = timing.monotonic()
        self._until = self._began + timeout_s
        self._count = 0
        self._crashes = 0

    def begin(self) -> httpx.Timeout:
        """Count one more attempt and say how long each of its network waits may last."""
        self._count += 1
        left_s = max(self._left_s(), _SHORTEST_WAIT_S)
        return httpx.Timeout(left_s, connect=min(_CONNECT_S, left_s))

    def check_time(self) -> None:
        """End the call if its time is over: an answer that trickles in does not hold it open."""
        if self._left_s() <= 0:
            raise self._given_up("the answer was still arriving when the time ran out", None)

    def pause_after_error(self, error: httpx.RequestError) -> float:
        """Seconds to wait after an attempt that got no answer."""
        if isinstance(error, httpx.DecodingError):
            raise BadResponse(
                "the answer's compression is broken: check what proxies it"
            ) from error
        self.check_tls(error)
        what = f"{type(error).__name__}: {error}".rstrip(": ")
        return self._pause(what, None, at_least_s=0.0)

    def check_tls(self, error: BaseException) -> None:
        """End the call if it failed for a certificate or for want of one: no wait mends that."""
        cause = _tls_error(error)
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise ServiceUnavailable(
                f"{self._target}: the certificate is not trusted ({cause.verify_message}). "
                "Set SSL_CERT_FILE to the certificate of its authority and pass trust_env=True."
            ) from error
        if cause is not None and cause.reason in _NO_TLS:
            raise ServiceUnavailable(
                f"{self._target}: no TLS is spoken there ({cause.reason}). "
                "Write http:// instead of https://, or give the service a certificate."
            ) from error

    def pause_after_answer(self, answer: Answer) -> float | None:
        """Seconds to wait before trying again, None for an answer that trying cannot change."""
        if answer.status == 500:
            # A crash repeats itself more often than not: one more try, in case another replica is
            # well, and no more.
            self._crashes += 1
            if self._crashes > 1:
                return None
        elif answer.status not in _BUSY:
            return None
        header = answer.headers.get("Retry-After", "")
        asked_s = retry_after_s(header, now=self._timing.wall())
        return self._pause(f"HTTP {answer.status}", answer.status, at_least_s=asked_s)

    def _left_s(self) -> float:
        return self._until - self._timing.monotonic()

    def _pause(self, what: str, status: int | None, *, at_least_s: float) -> float:
        # Full jitter, also on top of Retry-After: the ranks of one job are refused together and
        # must not come back together.
        longest_s = min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2.0 ** min(self._count - 1, 10))
        pause_s = at_least_s + longest_s * self._timing.draw()
        if self._count >= self._max_attempts or pause_s >= self._left_s():
            raise self._given_up(what, status)
        _LOG.warning(
            "%s: attempt %d of %d failed (%s); trying again in %.1f s",
            self._target, self._count, self._max_attempts, what, pause_s,
        )  # fmt: skip
        return pause_s

    def _given_up(self, what: str, status: int | None) -> ServiceUnavailable:
        spent_s = self._timing.monotonic() - self._began
        tries = "1 attempt" if self._count == 1 else f"{self._count} attempts"
        return ServiceUnavailable(
            f"{self._target} gave no verdict in {tries} and {spent_s:.1f} s (last: {what}). "
            "Check that the service is up (GET /readyz); raise timeout_s or max_attempts to wait "
            "longer.",
            status,
        )


def _tls_error(error: BaseException | None) -> ssl.SSLError | None:
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error


def retry_after_s(header: str, *, now: float) -> float:
    """The seconds a Retry-After header (a number or an HTTP date) asks for, within 0 to 120."""
    header = header.strip()
    if header.isascii() and header.isdigit():
        # A number of more than six digits is over the bound anyway, and may be too long for int().
        asked_s = float(header[:7])
    else:
        asked_s = _http_date(header, default=now) - now
    return min(max(asked_s, 0.0), _LONGEST_RETRY_AFTER_S)


def _http_date(header: str, *, default: float) -> float:
    try:
        when = email.utils.parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return default
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
