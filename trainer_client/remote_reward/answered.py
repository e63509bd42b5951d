"""One batch sent and answered, in parts where the service asks for smaller ones."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from trainer_client.client import AsyncClient
from trainer_client.errors import BadResponse, RequestRefused, ServiceUnavailable, TouchstoneError
from trainer_client.items import GraderCalls
from trainer_client.verdicts import Grade, GroupStats, Verdict
from trainer_client.wire import can_send

__all__ = ["UNSENDABLE", "WRONG_CALLS", "Answered", "grade", "unanswered"]

_Items: TypeAlias = Sequence[Mapping[str, object]]

WRONG_CALLS: Final = frozenset({"bad_options", "no_graders", "no_terms", "unknown_grader"})
"""The reasons that say that the graders are called wrongly, whatever the completion."""
UNSENDABLE: Final = "unsendable"
"""The reason of a verdict on an item that JSON cannot hold, so that nobody was asked."""

_TOO_SLOW: Final = 408
# Too much in all; or JSON that the service does not read, an integer beyond 64 bits perhaps.
_SPOILED_BY_AN_ITEM: Final = frozenset({413, 400})


class Answered(NamedTuple):
    """What came back for a batch: a verdict for each item, or None and the errors instead."""

    verdicts: list[Verdict | None]
    groups: list[GroupStats]
    errors: list[TouchstoneError]

    def missing(self) -> Counter[str]:
        """How many items have no reward, by reason."""
        why = Counter(_why(v) for v in self.verdicts if v is not None and v.reward is None)
        if unanswered := self.verdicts.count(None):
            why[f"no answer: {type(self.errors[0]).__name__}"] = unanswered
        return why


def unanswered(count: int, error: TouchstoneError) -> Answered:
    """A batch that got no answer."""
    return Answered([None] * count, [], [error])


async def grade(
    client: AsyncClient, items: _Items, graders: GraderCalls, *, deadline_s: float
) -> Answered:
    """The verdicts on the items, None for those that got none; a wrong request is raised."""
    try:
        result = await client.grade_with_groups(items, graders, deadline_s=deadline_s)
    except (ServiceUnavailable, BadResponse) as error:
        return unanswered(len(items), error)
    except RequestRefused as error:
        if error.status == _TOO_SLOW:
            return unanswered(len(items), error)
        if error.status not in _SPOILED_BY_AN_ITEM:
            raise
        if len(items) == 1:
            return Answered([_ungradable("refused", str(error))], [], [])
        return await _halves(client, items, graders, deadline_s=deadline_s)
    except (TypeError, ValueError):
        places = [place for place, item in enumerate(items) if can_send(item)]
        if len(places) == len(items):
            raise
    else:
        return Answered(list(result.verdicts), list(result.groups.values()), [])
    rest = await grade(client, [items[n] for n in places], graders, deadline_s=deadline_s)
    found = dict(zip(places, rest.verdicts, strict=True))
    verdicts = [found[n] if n in found else _unsent(item) for n, item in enumerate(items)]
    return rest._replace(verdicts=verdicts)


async def _halves(
    client: AsyncClient, items: _Items, graders: GraderCalls, *, deadline_s: float
) -> Answered:
    cut = _cut(items)
    parts = await asyncio.gather(
        *(
            grade(client, part, graders, deadline_s=deadline_s)
            for part in (items[:cut], items[cut:])
        )
    )
    return Answered(
        [verdict for part in parts for verdict in part.verdicts],
        [group for part in parts for group in part.groups],
        [error for part in parts for error in part.errors],
    )


def _cut(items: _Items) -> int:
    """The place between two groups that is nearest to the middle, or the middle itself."""
    middle = len(items) // 2
    between = (
        n for n in range(1, len(items)) if items[n].get("group") != items[n - 1].get("group")
    )
    return min(between, key=lambda place: abs(place - middle), default=middle)


def _unsent(item: Mapping[str, object]) -> Verdict:
    """The verdict on an item that JSON cannot hold; it names the part at fault."""
    where = next((key for key, part in item.items() if not can_send(part)), "the item")
    inside = item.get(where)
    if isinstance(inside, Mapping):
        named = (key for key, part in inside.items() if not can_send(part))
        where += "".join(f".{key}" for key in [*named][:1])
    return _ungradable(UNSENDABLE, f"{where} holds what JSON cannot, such as NaN or an object")


def _ungradable(reason: str, message: str) -> Verdict:
    """The verdict on a row that is not fit to be graded."""
    grade = Grade(
        grader="service",
        version="",
        score=None,
        outcome="ungradable",
        reason=reason,
        extracted=None,
        flags=(),
        detail={"message": message},
        seconds=0.0,
        cached=False,
    )
    return Verdict(id=None, reward=None, outcome="ungradable", grades=(grade,))


def _why(verdict: Verdict) -> str:
    grade = next((grade for grade in verdict.grades if grade.score is None), None)
    return verdict.outcome if grade is None else f"{verdict.outcome}: {grade.told()}"
