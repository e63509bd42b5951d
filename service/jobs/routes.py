"""Which verdicts of a chunk belong to which job, and to which of its places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Self

import orjson

__all__ = ["NOWHERE", "JobRun", "Routes", "Share"]


class JobRun(NamedTuple):
    """One beginning of a job: under a key of the client's the next may have the same id."""

    job: str
    run: str = ""


class Share(NamedTuple):
    """One item of a chunk that a job has: its position in the chunk, its places in the job."""

    position: int
    places: Sequence[int]


class Routes(NamedTuple):
    """For each item of a chunk its job, by number, and its places there; None is in no job.

    An item has several places where others of its job are equal to it and were not sent.
    """

    jobs: Sequence[JobRun]
    stops: Sequence[tuple[int, Sequence[int]] | None]

    def shares(self) -> Mapping[JobRun, Sequence[Share]]:
        """What each job has of the chunk."""
        found: dict[JobRun, list[Share]] = {job: [] for job in self.jobs}
        for position, stop in enumerate(self.stops):
            if stop is not None:
                number, places = stop
                found[self.jobs[number]].append(Share(position, places))
        return found

    def run_at(self, position: int) -> JobRun | None:
        """The job of the item at this position of the chunk, and which beginning of it."""
        stop = self.stops[position] if self.jobs else None
        return None if stop is None else self.jobs[stop[0]]

    def job_at(self, position: int) -> str | None:
        """The id of the job of the item at this position of the chunk."""
        run = self.run_at(position)
        return None if run is None else run.job

    def only(self, position: int) -> Routes:
        """The routes of a chunk that holds nothing but the item at this position."""
        stop = self.stops[position] if self.jobs else None
        return NOWHERE if stop is None else Routes([self.jobs[stop[0]]], [(0, stop[1])])

    def encoded(self) -> bytes:
        """The routes as a field of a stream's entry."""
        if not self.jobs:
            return b""
        return orjson.dumps(
            [[job for job, _ in self.jobs], self.stops, [run for _, run in self.jobs]]
        )

    @classmethod
    def decoded(cls, content: bytes) -> Self:
        """The routes of a field."""
        if not content:
            return cls([], [])
        jobs, stops, *more = orjson.loads(content)
        runs = more[0] if more else [""] * len(jobs)
        return cls([JobRun(*both) for both in zip(jobs, runs, strict=True)], stops)


NOWHERE: Final = Routes([], [])
"""Of a chunk whose items are in no job."""
