"""What a worker measures of a chunk, in a form that adds up."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Self

import orjson

from graders.contract import Lane

__all__ = ["BOUNDS_S", "Measured", "Meter", "Spread"]

BOUNDS_S: Final = (
    0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
)  # fmt: skip
"""The upper bounds of the buckets of every spread of seconds; one more holds what is beyond."""


@dataclass(slots=True)
class Spread:
    """How many durations fell into which bucket, and their sum."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    sum_s: float = 0.0

    @classmethod
    def of(cls, seconds: float) -> Self:
        """The spread of one duration."""
        spread = cls()
        spread.add(seconds)
        return spread

    @property
    def calls(self) -> int:
        """How many durations there are."""
        return sum(self.counts)

    def add(self, seconds: float) -> None:
        """Take in one duration."""
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.sum_s += seconds

    def merge(self, other: Spread) -> None:
        """Take in all durations of another spread."""
        for place, count in enumerate(other.counts):
            self.counts[place] += count
        self.sum_s += other.sum_s


class Measured(NamedTuple):
    """What it took to grade a chunk of a lane, and what went wrong on the way.

    `lost` counts items times the workers that died over them; `unwritten` the rows that the audit
    could not take.
    """

    lane: Lane
    seconds: Mapping[str, Spread] = {}
    waited_s: float | None = None
    recalled: int = 0
    not_recalled: int = 0
    lost: int = 0
    unwritten: int = 0

    def encoded(self) -> bytes:
        """The figures as a field of a stream's entry."""
        seconds = {name: [s.sum_s, *s.counts] for name, s in self.seconds.items()}
        return orjson.dumps([self.lane, seconds, *self[2:]])

    @classmethod
    def decoded(cls, content: bytes) -> Self | None:
        """The figures of a field; None where an older worker sends none, or a newer one others."""
        if not content:
            return None
        lane, seconds, *rest = orjson.loads(content)
        sums_and_counts: Mapping[str, Sequence[float]] = seconds
        spreads = {
            name: Spread([int(count) for count in counts], sum_s)
            for name, (sum_s, *counts) in sums_and_counts.items()
        }
        if any(len(spread.counts) != len(BOUNDS_S) + 1 for spread in spreads.values()):
            return None
        return cls(lane, spreads, *rest[: len(cls._fields) - 2])


@dataclass(slots=True)
class Meter:
    """Measures while a chunk is graded."""

    seconds: dict[str, Spread] = field(default_factory=dict)
    recalled: int = 0
    not_recalled: int = 0

    def took(self, grader: str, seconds: float) -> None:
        """One call of the grader took so long."""
        if grader not in self.seconds:
            self.seconds[grader] = Spread()
        self.seconds[grader].add(seconds)

    def asked(self, *, found: bool) -> None:
        """The cache of grades was asked."""
        self.recalled += found
        self.not_recalled += not found
