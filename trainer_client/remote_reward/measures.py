"""Verdicts as a trainer logs them: figures of a batch, and columns of its completions table."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean

from trainer_client.items import GraderCalls
from trainer_client.remote_reward.answered import Answered
from trainer_client.verdicts import Grade, Verdict

__all__ = ["columns_of", "component_names", "metrics_of", "numbered"]


def component_names(graders: GraderCalls) -> tuple[str, ...]:
    """The names of the parts of a reward, as verdicts list them; the second `math` is `math_2`."""
    return numbered(tuple(str(call["name"]) for call in graders))


def metrics_of(answered: Answered, components: Sequence[str]) -> dict[str, float]:
    """The figures of one batch; one that has no value in this batch is left out."""
    verdicts, count = answered.verdicts, len(answered.verdicts)
    given = [_scores(verdict) for verdict in verdicts]
    # First those that every call logs, so that columns of logs keep their order.
    names = dict.fromkeys([*components, *(name for scores in given for name in scores)])
    figures: dict[str, float] = {}
    for name in names:
        known = [score for scores in given if (score := scores.get(name)) is not None]
        if known:
            figures[name] = fmean(known)
    if count:
        outcomes = [_outcome(verdict) for verdict in verdicts]
        figures["failed"] = outcomes.count("failed") / count
        figures["ungradable"] = outcomes.count("ungradable") / count
        figures["flagged"] = sum(bool(_flags(verdict)) for verdict in verdicts) / count
    if rates := [g.pass_rate for g in answered.groups if g.pass_rate is not None]:
        figures["pass_rate"] = fmean(rates)
        known_groups = [group for group in answered.groups if group.mean is not None]
        figures["flat_groups"] = fmean(group.degenerate for group in known_groups)
    return figures


def columns_of(answered: Answered, components: Sequence[str]) -> dict[str, list[object]]:
    """The same columns for every batch, whatever came back: a table takes no ragged ones."""
    verdicts = answered.verdicts
    given = [_scores(verdict) for verdict in verdicts]
    columns: dict[str, list[object]] = {
        name: [scores.get(name) for scores in given] for name in components
    }
    columns["outcome"] = [_outcome(verdict) for verdict in verdicts]
    columns["reasons"] = [", ".join([g.reason for g in _grades(v)]) for v in verdicts]
    columns["extracted"] = [
        ", ".join([g.extracted for g in _grades(v) if g.extracted]) for v in verdicts
    ]
    columns["flags"] = [", ".join(_flags(verdict)) for verdict in verdicts]
    return columns


def _scores(verdict: Verdict | None) -> Mapping[str, float | None]:
    grades = _grades(verdict)
    names = numbered(tuple([grade.grader for grade in grades]))
    return {name: grade.score for name, grade in zip(names, grades, strict=True)}


@functools.lru_cache  # the graders of one verdict are those of the next
def numbered(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names, with the second `math` as `math_2`."""
    seen: Counter[str] = Counter()
    numbered = []
    for name in names:
        seen[name] += 1
        numbered.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return tuple(numbered)


def _grades(verdict: Verdict | None) -> tuple[Grade, ...]:
    return () if verdict is None else verdict.grades


def _outcome(verdict: Verdict | None) -> str:
    return "failed" if verdict is None else verdict.outcome


def _flags(verdict: Verdict | None) -> list[str]:
    return [flag for grade in _grades(verdict) for flag in grade.flags]
