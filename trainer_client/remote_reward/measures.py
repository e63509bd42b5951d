"""Verdicts as a trainer logs them: figures of a batch, and columns of its completions table."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from math import fsum
from typing import NamedTuple, TypeAlias

from trainer_client.items import GraderCalls
from trainer_client.remote_reward.answered import Answered
from trainer_client.verdicts import Grade, GroupStats

__all__ = ["Measured", "component_names", "measured", "numbered"]

_Scores: TypeAlias = Mapping[str, float | None]


def component_names(graders: GraderCalls) -> tuple[str, ...]:
    """The names of the parts of a reward, as verdicts list them; the second `math` is `math_2`."""
    return numbered(tuple(str(call["name"]) for call in graders))


class Measured(NamedTuple):
    """One batch as a trainer logs it."""

    figures: dict[str, float]
    """The means; one that has no value in this batch is left out."""
    columns: dict[str, list[object]]
    """The same for every batch, whatever came back: a table takes no ragged ones."""


def measured(answered: Answered, components: Sequence[str]) -> Measured:
    """The figures of a batch, and the columns of its completions."""
    given = [() if verdict is None else verdict.grades for verdict in answered.verdicts]
    scores = [_scores(grades) for grades in given]
    outcomes = ["failed" if one is None else one.outcome for one in answered.verdicts]
    flags = [[flag for grade in grades for flag in grade.flags] for grades in given]
    columns: dict[str, list[object]] = {
        **{name: [known.get(name) for known in scores] for name in components},
        "outcome": [*outcomes],
        "reasons": [", ".join([grade.reason for grade in grades]) for grades in given],
        "extracted": [", ".join([g.extracted for g in grades if g.extracted]) for grades in given],
        "flags": [", ".join(found) for found in flags],
    }
    figures = {**_means(scores, components), **_group_figures(answered.groups)}
    if count := len(outcomes):
        figures["failed"] = outcomes.count("failed") / count
        figures["ungradable"] = outcomes.count("ungradable") / count
        figures["flagged"] = sum(map(bool, flags)) / count
    return Measured(figures, columns)


def _means(scores: Sequence[_Scores], components: Sequence[str]) -> dict[str, float]:
    # First those that every call logs, so that columns of logs keep their order.
    names = dict.fromkeys([*components, *(name for known in scores for name in known)])
    given = {name: [s for known in scores if (s := known.get(name)) is not None] for name in names}
    return {name: fsum(values) / len(values) for name, values in given.items() if values}


def _group_figures(groups: Sequence[GroupStats]) -> dict[str, float]:
    rates = [group.pass_rate for group in groups if group.pass_rate is not None]
    if not rates:
        return {}
    flat = [group.degenerate for group in groups if group.mean is not None]
    return {"pass_rate": fsum(rates) / len(rates), "flat_groups": sum(flat) / len(flat)}


def _scores(grades: Sequence[Grade]) -> _Scores:
    if len(grades) == 1:
        return {grades[0].grader: grades[0].score}
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
