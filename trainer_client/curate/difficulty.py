"""`difficulty`: one row per prompt with its pass rate; those that teach nothing are dropped."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from trainer_client.curate.filtering import is_right
from trainer_client.curate.inputs import Unit
from trainer_client.curate.notes import count_verdicts, percent, ungraded_lines
from trainer_client.curate.outputs import Decision
from trainer_client.curate.rows import Writer
from trainer_client.verdicts import Verdict

__all__ = ["Difficulty"]

_BAR: Final = 40
_BINS: Final = ("0 %", *(f"{low}-{low + 10} %" for low in range(0, 100, 10)), "100 %")


@dataclass(frozen=True, slots=True)
class Difficulty:
    """Rates each prompt by the share of its graded completions that are right."""

    writer: Writer
    min_reward: float = 1.0
    min_pass_rate: float = 0.01
    max_pass_rate: float = 0.95
    keep_all: bool = False

    def decide(self, unit: Unit, verdicts: Sequence[Verdict]) -> Decision:
        """The prompt's row, kept, or rejected as too hard or too easy."""
        rewards = [verdict.reward for verdict in verdicts if verdict.reward is not None]
        ungraded = ungraded_lines(unit.candidates, verdicts, self.writer)
        tally = count_verdicts(verdicts) | {"prompts": 1}
        if not rewards:
            return Decision({"ungraded": ungraded}, tally | {"unrated": 1})
        right = sum(is_right(reward, self.min_reward) for reward in rewards)
        rate = right / len(rewards)
        note = {
            "pass_rate": rate,
            "n": len(rewards),
            "right": right,
            "ungraded": len(verdicts) - len(rewards),
            "mean_reward": math.fsum(rewards) / len(rewards),
        }
        too_hard, too_easy = rate < self.min_pass_rate, rate > self.max_pass_rate
        is_kept = self.keep_all or not (too_hard or too_easy)
        line = self.writer.prompt_line(unit.candidates[0], note)
        tally |= {"kept": int(is_kept), "hard": int(too_hard), "easy": int(too_easy)}
        tally |= {f"rate/{_bin(right, len(rewards))}": 1}
        return Decision({"out" if is_kept else "rejected": line, "ungraded": ungraded}, tally)

    def report(self, tally: Mapping[str, float]) -> list[str]:
        """The counts and a histogram of the pass rates, for people."""
        prompts = tally["prompts"]
        lines = [
            f"{tally.get('kept', 0):,.0f} of {prompts:,.0f} prompts kept",
            f"  {tally.get('hard', 0):,.0f} pass below {self.min_pass_rate:g}, "
            f"{tally.get('easy', 0):,.0f} above {self.max_pass_rate:g}, "
            f"{tally.get('unrated', 0):,.0f} have no graded completion",
            "  pass rate    prompts",
        ]
        counts = [tally.get(f"rate/{name}", 0) for name in _BINS]
        most = max(*counts, 1)
        for name, count in zip(_BINS, counts, strict=True):
            bar = "#" * math.ceil(_BAR * count / most)
            lines.append(f"  {name:>8} {count:>10,.0f} {percent(count, prompts):>6} {bar}".rstrip())
        return lines


def _bin(right: int, count: int) -> str:
    if right == 0:
        return _BINS[0]
    # A rate of 0.1 stands in the bin that begins with it; only 1 has a bin of its own.
    return _BINS[-1] if right == count else _BINS[1 + 10 * right // count]
