"""`best-of`: one completion per prompt, by reward or by vote, and pass@k over all prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from trainer_client.curate.estimates import Vote, ballot, majority, pass_at_k
from trainer_client.curate.filtering import Preference, is_right, preferred
from trainer_client.curate.inputs import Unit
from trainer_client.curate.notes import (
    count_verdicts,
    extracted_of,
    note_of,
    percent,
    ungraded_lines,
)
from trainer_client.curate.outputs import Decision
from trainer_client.curate.rows import Candidate, Writer
from trainer_client.verdicts import Verdict

__all__ = ["BestOf", "Strategy"]

Strategy: TypeAlias = Literal["reward", "majority"]
_Pair: TypeAlias = tuple[Candidate, Verdict, float]


@dataclass(frozen=True, slots=True)
class BestOf:
    """Chooses the completion with the best reward, or one with the answer that most give."""

    writer: Writer
    min_reward: float = 1.0
    strategy: Strategy = "reward"
    prefer: Preference = "first"
    ks: tuple[int, ...] = (1,)
    votes: bool = True

    def decide(self, unit: Unit, verdicts: Sequence[Verdict]) -> Decision:
        """The chosen row; none where nothing is graded, or nothing to vote on."""
        pairs = [
            (candidate, verdict, verdict.reward)
            for candidate, verdict in zip(unit.candidates, verdicts, strict=True)
            if verdict.reward is not None
        ]
        ungraded = ungraded_lines(unit.candidates, verdicts, self.writer)
        tally = count_verdicts(verdicts) | {"prompts": 1}
        if not pairs:
            return Decision({"ungraded": ungraded}, tally | {"unrated": 1})
        vote = majority([extracted_of(verdict) for _, verdict, _ in pairs]) if self.votes else None
        note = self._note(pairs, vote, tally)
        chosen = self._chosen(pairs, vote)
        if chosen is None:
            return Decision({"ungraded": ungraded}, tally | {"voteless": 1})
        candidate, verdict, reward = chosen
        tally |= {"written": 1, "chosen right": int(is_right(reward, self.min_reward))}
        line = self.writer.line(candidate, {**note_of(verdict), "best_of": note})
        return Decision({"out": line, "ungraded": ungraded}, tally)

    def report(self, tally: Mapping[str, float]) -> list[str]:
        """The counts and the means over prompts, for people."""
        rated = tally["prompts"] - tally.get("unrated", 0)
        written, right = tally.get("written", 0), tally.get("chosen right", 0)
        lines = [
            f"{written:,.0f} of {tally['prompts']:,.0f} prompts have a completion chosen",
            f"  by {self.strategy}: {right:,.0f} of {written:,.0f} chosen are right "
            f"({percent(right, written)})",
        ]
        if self.votes:
            won, held = tally.get("majority right", 0), tally.get("majorities", 0)
            lines.append(f"  majority vote: {won:,.0f} of {held:,.0f} right ({percent(won, held)})")
        for k in self.ks:
            count = tally.get(f"pass@{k} prompts", 0)
            mean = f"{tally[f'pass@{k}'] / count:.4f}" if count else "none"
            lines.append(
                f"  pass@{k}: {mean} over {count:,.0f} of {rated:,.0f} prompts "
                f"(those with {k} graded completions or more)"
            )
        return lines

    def _note(
        self, pairs: Sequence[_Pair], vote: Vote | None, tally: dict[str, float]
    ) -> dict[str, object]:
        right = sum(is_right(reward, self.min_reward) for _, _, reward in pairs)
        estimates = {k: pass_at_k(len(pairs), right, k) for k in self.ks}
        for k, estimate in estimates.items():
            if estimate is not None:
                tally |= {f"pass@{k}": estimate, f"pass@{k} prompts": 1}
        note: dict[str, object] = {"n": len(pairs), "right": right}
        note["pass_at"] = {str(k): one for k, one in estimates.items() if one is not None}
        if vote is not None:
            won = is_right(pairs[vote.first][2], self.min_reward)
            note["majority"] = {"answer": vote.answer, "votes": vote.votes, "right": won}
            tally |= {"majorities": 1, "majority right": int(won)}
        return note

    def _chosen(self, pairs: Sequence[_Pair], vote: Vote | None) -> _Pair | None:
        if self.strategy == "reward":
            best = max(reward for _, _, reward in pairs)
            tied = [pair for pair in pairs if pair[2] == best]
        elif vote is None:
            return None
        else:
            name = ballot(vote.answer)
            tied = [pair for pair in pairs if _votes_for(pair, name)]
        (place,) = preferred([candidate.text for candidate, _, _ in tied], 1, self.prefer)
        return tied[place]


def _votes_for(pair: _Pair, name: str) -> bool:
    answer = extracted_of(pair[1])
    return answer is not None and ballot(answer) == name
