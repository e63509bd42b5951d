"""From a question to the response: the score, or in which words there is none."""

from __future__ import annotations

import logging
from collections.abc import Coroutine, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final, NamedTuple

from fastapi import Request, Response

from service.answering import limits_of, refusal
from service.broker import Broker
from service.items import Answer, Errand, unanswered
from service.settings import Settings
from service.strict_json import loads
from service.wires.attempts import Attempt, Attempts
from service.wires.contract import NOT_SCORED, NotForUs, Recipe, Reply, Route
from service.wires.holding import Holding, NotScored, Unusable
from service.wires.recipes import NoRecipe

__all__ = ["NOT_FOR_US", "Asked", "errand_for", "refusal_of", "reply_to", "responded"]

_LOG: Final = logging.getLogger(__name__)
_UNUSABLE: Final = 422
_UNSCORED: Final = unanswered(None, "deadline")
NOT_FOR_US: Final = (NoRecipe, NotForUs, NotScored, Unusable)
"""What a request on a wire may end with in place of a score."""


class Asked(NamedTuple):
    """A request on a wire whose body is read."""

    request: Request
    route: Route
    recipe: Recipe
    body: bytes


async def reply_to(
    asked: Asked, broker: Broker, *, settings: Settings, attempts: Attempts
) -> Response:
    """The answer in the wire's words; raises what is in NOT_FOR_US."""
    request, route, recipe = asked.request, asked.route, asked.recipe
    value = loads(asked.body, nesting=settings.nesting)
    question = route.read(value, recipe)
    patience_s = recipe.deadline_s or question.patience_s or route.patience_s
    errand = errand_for(request, min(patience_s, settings.max_deadline_s))
    request.state.items = len(question.items)
    holding = Holding(broker, limits_of(request).rates, settings)
    try:
        with _try_of(asked, attempts) as attempt:
            answers = await _answers(holding.answers(question, recipe, errand), asked, attempt)
        return responded(Reply(question.tell(answers)))
    except (Unusable, NotScored) as error:
        said = route.unusable if isinstance(error, Unusable) else route.unscored
        reply = said(value, str(error))
        if reply is None:
            raise
        return responded(reply)


def _try_of(asked: Asked, attempts: Attempts) -> AbstractContextManager[Attempt]:
    """Which try of its caller the request is, where that matters."""
    if asked.recipe.fallback is None:
        return nullcontext(Attempt(1))
    tenant, path = asked.request.state.tenant, asked.request.scope["path"]
    return attempts.asked(f"{tenant} {path}", asked.body)


async def _answers(
    grading: Coroutine[None, None, Sequence[Answer]], asked: Asked, attempt: Attempt
) -> Sequence[Answer]:
    """The answers, or the number that is chosen for what has none; that is counted."""
    fallback = asked.recipe.fallback
    try:
        answers = await grading
    except Unusable as error:
        if fallback is None:
            raise
        # It can never be graded, so it is not waited for; but somebody has to hear of it.
        _LOG.warning("what cannot be graded gets the fallback: %s", error)
        answers = error.answers
    except NotScored:
        if fallback is None or attempt.number < asked.route.tries:
            raise
        answers = [_UNSCORED] * asked.request.state.items
    else:
        attempt.in_vain = False
        return answers
    asked.request.state.fallbacks = sum(answer.reward is None for answer in answers)
    return [a if a.reward is not None else a._replace(reward=fallback, mark="f") for a in answers]


def errand_for(request: Request, patience_s: float) -> Errand:
    """On whose behalf the request is graded, and for how long it is tried."""
    return Errand(patience_s, tenant=request.state.tenant, origin=request.state.origin)


def responded(reply: Reply) -> Response:
    """The reply as a response."""
    response = Response(reply.content, reply.status, media_type="application/json")
    if reply.retry_after_s is not None:
        response.headers["Retry-After"] = str(reply.retry_after_s)
    return response


def refusal_of(error: Exception) -> Response:
    """The response to what is in NOT_FOR_US."""
    if isinstance(error, NotScored):
        return refusal(NOT_SCORED, str(error), retry_after_s=error.retry_after_s)
    return refusal(404 if isinstance(error, NoRecipe) else _UNUSABLE, str(error))
