"""How many completions went without a reward lately, and when that is too many to go on."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from typing import Final

from trainer_client.errors import TooManyFailures

__all__ = ["Shortfall"]

_NAMED: Final = 3  # reasons in the message


class Shortfall:
    """The calls of late; those not made yet count as graded: no first failure ends a run."""

    def __init__(self, max_rate: float, window: int) -> None:
        if not 0 <= max_rate <= 1:
            raise ValueError(f"max_failure_rate={max_rate!r}: give a share from 0 to 1")
        if window < 1:
            raise ValueError(f"failure_window={window!r}: give at least 1 call")
        self._max_rate = max_rate
        self._window = window
        self._shares: deque[float] = deque(maxlen=window)
        self._why: deque[Mapping[str, int]] = deque(maxlen=window)

    def add(self, why: Mapping[str, int], *, of: int, error: Exception | None) -> None:
        """Count one call with `of` completions, or raise TooManyFailures if it was one too many.

        `why` says of each reason how many completions got no reward for it, and `error` what came
        in place of an answer.
        """
        if not of:
            return
        self._shares.append(sum(why.values()) / of)
        self._why.append(why)
        rate = sum(self._shares) / self._window
        if rate > self._max_rate:
            raise TooManyFailures(self._message(rate, error)) from error

    def _message(self, rate: float, error: Exception | None) -> str:
        total: Counter[str] = Counter()
        for why in self._why:
            total.update(why)
        reasons = "; ".join(f"{count} x {reason}" for reason, count in total.most_common(_NAMED))
        calls = "the last call" if self._window == 1 else f"a call, over the last {self._window},"
        return (
            f"{rate:.0%} of the completions of {calls} got no reward, above max_failure_rate="
            f"{self._max_rate:g}: {reasons}. None of them was scored 0. Mend the cause and go on "
            "from the last checkpoint; raise timeout_s, failure_window or max_failure_rate to bear "
            "more." + (f" The last error: {error}" if error else "")
        )
