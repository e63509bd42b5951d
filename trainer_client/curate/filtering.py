"""`filter`: rejection sampling; right completions are kept, those without a reward set aside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Literal, NamedTuple, TypeAlias, TypeVar, assert_never

from trainer_client.curate.inputs import Unit
from trainer_client.curate.notes import count_verdicts, note_of, percent, ungraded_lines
from trainer_client.curate.outputs import Decision
from trainer_client.curate.rows import Candidate, Writer
from trainer_client.curate.shingles import shingles, similarity
from trainer_client.verdicts import Verdict

__all__ = ["Filtering", "Kept", "Preference", "is_right", "keep_right", "preferred"]

T = TypeVar("T")
Preference: TypeAlias = Literal["first", "shortest", "diverse"]

_ROUNDING: Final = 1e-9  # 0.7 + 0.2 + 0.1 is a little less than 1
_NGRAM: Final = 3


class Kept(NamedTuple, Generic[T]):
    """Items by what their verdicts say; what has no reward is neither right nor wrong."""

    right: list[T]
    wrong: list[T]
    ungraded: list[T]


def keep_right(
    items: Sequence[T], verdicts: Sequence[Verdict], *, min_reward: float = 1.0
) -> Kept[T]:
    """The items sorted by their rewards, each list in the items' order."""
    kept: Kept[T] = Kept([], [], [])
    for item, verdict in zip(items, verdicts, strict=True):
        if verdict.reward is None:
            kept.ungraded.append(item)
        elif is_right(verdict.reward, min_reward):
            kept.right.append(item)
        else:
            kept.wrong.append(item)
    return kept


def is_right(reward: float, min_reward: float) -> bool:
    """Whether the reward is enough; sums of weights may fall short by rounding."""
    return reward >= min_reward - _ROUNDING


def preferred(texts: Sequence[str], most: int, preference: Preference) -> list[int]:
    """The places of at most so many texts, in order; ties go to the first."""
    places = range(len(texts))
    match preference:
        case "first":
            chosen = list(places)
        case "shortest":
            chosen = sorted(places, key=lambda place: len(texts[place]))
        case "diverse":
            chosen = _spread(texts, most)
        case _:
            assert_never(preference)
    return sorted(chosen[:most])


@dataclass(frozen=True, slots=True)
class Filtering:
    """Keeps what is right, and of each prompt at most so many."""

    writer: Writer
    min_reward: float = 1.0
    max_per_prompt: int | None = None
    prefer: Preference = "first"

    def decide(self, unit: Unit, verdicts: Sequence[Verdict]) -> Decision:
        """The rows to keep, to reject and to set aside."""
        pairs = list(zip(unit.candidates, verdicts, strict=True))
        kept = keep_right(pairs, verdicts, min_reward=self.min_reward)
        right = kept.right
        if self.max_per_prompt is not None:
            texts = [candidate.text for candidate, _ in right]
            right = [right[at] for at in preferred(texts, self.max_per_prompt, self.prefer)]
        tally = count_verdicts(verdicts) | {
            "right": len(kept.right),
            "kept": len(right),
            "surplus": len(kept.right) - len(right),
            "prompts": 1,
            "prompts with a right one": min(len(kept.right), 1),
        }
        return Decision(
            {
                "out": self._lines(right),
                "rejected": self._lines(kept.wrong),
                "ungraded": ungraded_lines(unit.candidates, verdicts, self.writer),
            },
            tally,
        )

    def report(self, tally: Mapping[str, float]) -> list[str]:
        """What was kept, for people."""
        graded = tally["completions"] - tally.get("ungradable", 0) - tally.get("failed", 0)
        lines = [f"{tally['kept']:,.0f} of {tally['completions']:,.0f} completions kept"]
        if self.max_per_prompt is not None:
            lines.append(
                f"  {tally['prompts with a right one']:,.0f} of {tally['prompts']:,.0f} prompts "
                f"have a right one, at most {self.max_per_prompt} of each is kept: "
                f"{tally['surplus']:,.0f} more right ones are left out"
            )
        share = percent(tally["right"], graded)
        return [*lines, f"  {tally['right']:,.0f} of {graded:,.0f} graded are right ({share})"]

    def _lines(self, pairs: Sequence[tuple[Candidate, Verdict]]) -> bytes:
        return b"".join(
            self.writer.line(candidate, note_of(verdict)) for candidate, verdict in pairs
        )


def _spread(texts: Sequence[str], most: int) -> list[int]:
    """The first text, then each time the one that is least like any that is chosen."""
    sets = [shingles(text, ngram=_NGRAM) for text in texts]
    nearest = [0.0] * len(texts)
    left = list(range(len(texts)))
    chosen: list[int] = []
    take: Callable[[int], float] = nearest.__getitem__
    while left and len(chosen) < most:
        best = min(left, key=take)
        left.remove(best)
        chosen.append(best)
        for place in left:
            nearest[place] = max(nearest[place], similarity(sets[place], sets[best]))
    return chosen
