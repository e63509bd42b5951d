"""What is measured of a run: the names in TRL's logs, and how each is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["LEFT_FLAT", "LENGTH", "RESAMPLED", "REWARD", "Measures"]

REWARD: Final = "reward"
LENGTH: Final = "completions/mean_length"
RESAMPLED: Final = "sampling/resampled_groups"
LEFT_FLAT: Final = "sampling/flat_groups_left"


@dataclass(frozen=True, slots=True)
class Measures:
    """The measures of a run whose reward has these components and this name in the logs."""

    name: str
    components: Sequence[str]

    @property
    def failed(self) -> str:
        """The share of completions that the service could not grade."""
        return f"{self.name}/failed"

    @property
    def ungradable(self) -> str:
        """The share of completions whose task cannot be graded."""
        return f"{self.name}/ungradable"

    @property
    def flat(self) -> str:
        """The share of groups whose rewards are all equal; TRL's own misses those of a rounding."""
        return f"{self.name}/flat_groups"

    def component(self, component: str) -> str:
        """The mean score of one grader."""
        return f"{self.name}/{component}"

    def told(self, logs: Mapping[str, object]) -> Iterator[str]:
        """The parts of a line about one step."""
        yield f"reward {_number(logs.get(REWARD))}"
        for component in self.components:
            yield f"{component} {_number(logs.get(self.component(component)))}"
        yield f"failed {_share(logs.get(self.failed))}"
        if logs.get(self.ungradable):
            yield f"ungradable {_share(logs.get(self.ungradable))}"
        yield f"flat {_share(logs.get(self.flat))}"
        if RESAMPLED in logs:
            yield f"resampled {_number(logs.get(RESAMPLED), digits=0)}"
        yield f"length {_number(logs.get(LENGTH), digits=0)}"


def _number(value: object, *, digits: int = 3) -> str:
    return f"{value:.{digits}f}" if isinstance(value, int | float) else "none"


def _share(value: object) -> str:
    return f"{value:.0%}" if isinstance(value, int | float) else "none"
