"""What is written beside a row about its verdict, and what is counted over all rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from trainer_client.curate.rows import Candidate, Writer
from trainer_client.remote_reward.measures import numbered
from trainer_client.verdicts import Verdict

__all__ = ["count_verdicts", "extracted_of", "note_of", "percent", "ungraded_lines", "why_lines"]

_WHY = "why/"


def note_of(verdict: Verdict) -> dict[str, object]:
    """A verdict as it stands in a row."""
    note: dict[str, object] = {"reward": verdict.reward, "outcome": verdict.outcome}
    if verdict.grades:
        names = numbered(tuple([grade.grader for grade in verdict.grades]))
        grades = list(zip(names, verdict.grades, strict=True))
        note["scores"] = {name: grade.score for name, grade in grades}
        note["reasons"] = {name: grade.reason for name, grade in grades}
        note["extracted"] = extracted_of(verdict)
        if why := {name: grade.told() for name, grade in grades if grade.score is None}:
            note["why"] = why
    return note


def extracted_of(verdict: Verdict) -> str | None:
    """The answer that the first grader to read one has read."""
    return next((g.extracted for g in verdict.grades if g.extracted is not None), None)


def count_verdicts(verdicts: Iterable[Verdict]) -> dict[str, float]:
    """How many completions there are, and of those without a reward, why."""
    tally: dict[str, float] = {"completions": 0}
    for verdict in verdicts:
        tally["completions"] += 1
        if verdict.reward is None:
            blamed = next((grade for grade in verdict.grades if grade.score is None), None)
            why = "no reward" if blamed is None else f"{blamed.grader} {blamed.reason}"
            for name in (verdict.outcome, f"{_WHY}{verdict.outcome}: {why}"):
                tally[name] = tally.get(name, 0) + 1
    return tally


def ungraded_lines(
    candidates: Sequence[Candidate], verdicts: Sequence[Verdict], writer: Writer
) -> bytes:
    """The rows of the completions that have no reward."""
    return b"".join(
        writer.line(candidate, note_of(verdict))
        for candidate, verdict in zip(candidates, verdicts, strict=True)
        if verdict.reward is None
    )


def why_lines(tally: Mapping[str, float]) -> list[str]:
    """A line for each reason for which completions have no reward."""
    found = sorted((name, count) for name, count in tally.items() if count)
    return [
        f"  {count:,.0f} {name.removeprefix(_WHY)}"
        for name, count in found
        if name.startswith(_WHY)
    ]


def percent(part: float, whole: float) -> str:
    """A share, for people."""
    return f"{part / whole:.1%}" if whole else "none"
