"""Holding a caller's request until its items have rewards, or its patience ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final

import orjson

from service.broker import Broker, QueueFull, QueueUnavailable
from service.intake import take_items
from service.items import Answer, Errand, Work
from service.rates import Rates, TooFast
from service.settings import Settings
from service.wires.contract import Question, Recipe

__all__ = ["Holding", "NotScored", "Unusable"]

_PAUSE_S: Final = 0.5
# Who comes back at a better time is the caller's affair from then on.
_LONGEST_PAUSE_S: Final = 5.0
# What has failed so often by our fault fails by more than chance.
_ROUNDS: Final = 3
_RETRY_AFTER_S: Final = 2


class NotScored(Exception):
    """There is no score in time, through no fault of the caller's; the message says why."""

    def __init__(self, why: str, *, retry_after_s: int = _RETRY_AFTER_S) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s


class Unusable(Exception):
    """An item cannot be graded, now or later: 422 with the field and what to do."""

    def __init__(self, why: str, answers: Sequence[Answer] = ()) -> None:
        super().__init__(why)
        self.answers = answers


class Holding:
    """Gets answers for questions: what is full, away or failed is tried again meanwhile."""

    def __init__(self, broker: Broker, rates: Rates, settings: Settings) -> None:
        self._broker = broker
        self._rates = rates
        self._settings = settings

    async def answers(self, question: Question, recipe: Recipe, errand: Errand) -> Sequence[Answer]:
        """An answer with a reward for each item, within the errand's deadline.

        Raises NotScored or Unusable.
        """
        until = time.monotonic() + errand.deadline_s
        usual = question.graders is None
        intake = take_items(
            question.items,
            recipe.graders if question.graders is None else question.graders,
            deadline_s=errand.deadline_s,
            settings=self._settings,
            desk=recipe.desk if usual else None,
        )
        answers = intake.filled(await self._graded(intake.works, errand, until=until))
        for number, answer in enumerate(answers):
            if answer.reward is None:
                raise Unusable(_why(answer, number=number, items=len(answers)), answers)
        return answers

    async def _graded(self, works: Sequence[Work], errand: Errand, *, until: float) -> list[Answer]:
        """The answers to the works, none of them by our fault."""
        answers: list[Answer] = []
        failed, rounds, pause_s, why = [*range(len(works))], 0, 0.0, "deadline"
        while failed:
            if pause_s:
                await asyncio.sleep(min(pause_s, max(0.0, until - time.monotonic())))
            left_s = until - time.monotonic()
            if left_s <= 0 or rounds >= _ROUNDS:
                raise NotScored(f"not scored ({why}): send it again")
            try:
                found = await self._once([works[p] for p in failed], errand, left_s=left_s)
            except (QueueFull, TooFast) as error:
                pause_s, why = min(error.retry_after_s, _LONGEST_PAUSE_S), str(error)
                continue
            except QueueUnavailable as error:
                pause_s, why = _PAUSE_S, str(error)
                continue
            answers = _merged(answers, failed, found)
            failed = [place for place, answer in enumerate(answers) if answer.mark == "f"]
            if failed:
                why = _reason(answers[failed[0]])
                rounds, pause_s = rounds + 1, _PAUSE_S * 2**rounds
        return answers

    async def _once(
        self, works: Sequence[Work], errand: Errand, *, left_s: float
    ) -> Sequence[Answer]:
        errand = errand._replace(deadline_s=left_s)
        self._rates.charge(errand.tenant, len(works))
        try:
            await self._broker.admit(works, errand)
        except (QueueFull, QueueUnavailable):
            self._rates.give_back(errand.tenant, len(works))
            raise
        return await self._broker.submit(works, errand)


def _merged(answers: list[Answer], places: Sequence[int], found: Sequence[Answer]) -> list[Answer]:
    """The answers with those found in their places; at first, those found are all."""
    if not answers:
        return [*found]
    newer = dict(zip(places, found, strict=True))
    return [newer.get(place, answer) for place, answer in enumerate(answers)]


def _reason(answer: Answer) -> str:
    """What our failure is called, by the first grade that has none."""
    grades = orjson.loads(answer.verdict)["grades"]
    return next((str(g["reason"]) for g in grades if g["outcome"] == "failed"), "failed")


def _why(answer: Answer, *, number: int, items: int) -> str:
    place = f"sample {number}: " if items > 1 else ""
    grades = orjson.loads(answer.verdict)["grades"]
    for grade in grades:
        if grade["outcome"] == "ungradable":
            detail = grade["detail"]
            said = ": ".join(str(detail[k]) for k in ("field", "message") if detail.get(k))
            return f"{place}{grade['grader']}: {grade['reason']}{f' ({said})' if said else ''}"
    return f"{place}not gradable"
