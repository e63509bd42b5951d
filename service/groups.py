"""Per-group statistics of a batch: what a GRPO step computes from the rewards of one prompt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import orjson
from pydantic import BaseModel, ConfigDict

from service.items import Answer
from service.streams import Mark

__all__ = ["GroupStats", "group_stats", "joined"]

# As TRL divides: the sample's deviation, kept off zero.
_EPSILON: Final = 1e-4


class GroupStats(BaseModel):
    """One group; what is null among the rewards is left out of every figure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    items: list[int]
    """The places of the group's items in the request."""
    mean: float | None
    std: float | None
    advantages: list[float | None]
    degenerate: bool
    """Whether all rewards are equal, so that the group gives no gradient."""
    pass_rate: float | None
    """The share that earned full marks from every grader."""


def joined(answers: Sequence[Answer], groups: Sequence[str | None]) -> bytes:
    """The fields of a JSON object that holds the verdicts, and the groups if any is named."""
    verdicts = b",".join(answer.verdict for answer in answers)
    if all(group is None for group in groups):
        return b'"verdicts":[%b]' % verdicts
    stats = group_stats(groups, [a.reward for a in answers], [a.mark for a in answers])
    told = orjson.dumps({name: entry.model_dump() for name, entry in stats.items()})
    return b'"verdicts":[%b],"groups":%b' % (verdicts, told)


def group_stats(
    groups: Sequence[str | None], rewards: Sequence[float | None], marks: Sequence[Mark]
) -> dict[str, GroupStats]:
    """The statistics of every named group, in the order of first appearance."""
    places: dict[str, list[int]] = {}
    for place, group in enumerate(groups):
        if group is not None:
            places.setdefault(group, []).append(place)
    return {
        group: _stats(members, [rewards[p] for p in members], [marks[p] for p in members])
        for group, members in places.items()
    }


def _stats(places: list[int], rewards: Sequence[float | None], marks: Sequence[Mark]) -> GroupStats:
    known = [reward for reward in rewards if reward is not None]
    if not known:
        return GroupStats(
            items=places,
            mean=None,
            std=None,
            advantages=[None] * len(rewards),
            degenerate=True,
            pass_rate=None,
        )
    mean = math.fsum(known) / len(known)
    squares = math.fsum((reward - mean) ** 2 for reward in known)
    std = math.sqrt(squares / (len(known) - 1)) if len(known) > 1 else 0.0
    return GroupStats(
        items=places,
        mean=mean,
        std=std,
        advantages=[None if r is None else (r - mean) / (std + _EPSILON) for r in rewards],
        degenerate=min(known) == max(known),
        pass_rate=list(marks).count("p") / len(known),
    )
