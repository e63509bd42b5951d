"""What one API process has counted since it began, of what workers told it and of its own."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from graders.contract import Lane
from service.measured import Measured, Spread
from service.streams import Reply, Tally

__all__ = ["Figures"]


@dataclass(slots=True)
class Figures:
    """Totals that only grow: of the chunks that this process sent, and of the requests it took."""

    tally: Tally = field(default_factory=Counter)
    items_shared: int = 0
    repeated: int = 0
    """Requests under an Idempotency-Key that was known."""
    seconds: defaultdict[tuple[str, Lane], Spread] = field(
        default_factory=lambda: defaultdict(Spread)
    )
    waited: defaultdict[Lane, Spread] = field(default_factory=lambda: defaultdict(Spread))
    recalled: Counter[bool] = field(default_factory=Counter)
    """Answers of the cache of grades, by whether it had the grade."""
    lost: Counter[Lane] = field(default_factory=Counter)
    unwritten: int = 0

    def take_in(self, reply: Reply) -> None:
        """Count what a worker graded and measured."""
        self.tally.update(reply.tally)
        if reply.measured is not None:
            self._add(reply.measured)

    def _add(self, measured: Measured) -> None:
        lane = measured.lane
        for grader, spread in measured.seconds.items():
            self.seconds[grader, lane].merge(spread)
        if measured.waited_s is not None:
            self.waited[lane].add(measured.waited_s)
        self.recalled.update({True: measured.recalled, False: measured.not_recalled})
        self.lost[lane] += measured.lost
        self.unwritten += measured.unwritten
