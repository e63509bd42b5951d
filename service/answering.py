"""What all routes that take work share: the body is read, and every refusal has its status."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import ExitStack
from typing import Annotated, Any, Final

from fastapi import Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, StringConstraints
from redis.exceptions import RedisError

from service.bodies import Bodies, BodyRefused
from service.broker import Broker, QueueFull, QueueUnavailable
from service.intake import Asked, BadRequest, TooManyItems, read_asked
from service.items import Errand
from service.jobs.asking import KeyTaken
from service.listening import listened_later, listened_to
from service.outage import FULL, is_full
from service.queues import Priority
from service.rates import Rates, TooFast
from service.settings import Settings
from service.strict_json import BadJson

__all__ = [
    "REFUSALS_OF_WORK",
    "IdempotencyKey",
    "Limits",
    "Problem",
    "Work",
    "answered",
    "asked_of",
    "bad_parameters",
    "broker_of",
    "errand_of",
    "held_until_sent",
    "limits_of",
    "redis_is_away",
    "refusal",
    "refusals",
    "sent_slowly",
    "too_much",
]

_RETRY_AFTER_S: Final = 2
_TOO_SLOW: Final = 408
# What is written at once; the next is when the client has taken most of that.
_PIECE_BYTES: Final = 2**18

REFUSALS_OF_WORK: Final = (400, 401, 403, 408, 413, 415, 422, 429, 503)

IdempotencyKey = Annotated[
    Annotated[str, StringConstraints(min_length=1, max_length=256)] | None,
    Header(description="the same key and body again give the same answer, graded once"),
]

Work = Callable[[bytes, Broker], Coroutine[Any, Any, Response]]


class Problem(BaseModel):
    """The body of every refusal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    detail: str


class Limits:
    """What the requests of one API process share: the memory of bodies, and the rates of keys."""

    def __init__(self, settings: Settings) -> None:
        self.bodies = Bodies(settings)
        self.rates = Rates(settings)


def broker_of(request: Request) -> Broker:
    """The broker of the process that the request came to."""
    broker: Broker = request.app.state.broker
    return broker


def errand_of(request: Request, asked: Asked, *, usually: Priority) -> Errand:
    """On whose behalf and how urgently the request's items are graded."""
    return Errand(
        deadline_s=asked.deadline_s,
        tenant=request.state.tenant,
        priority=asked.priority or usually,
        origin=request.state.origin,
    )


def asked_of(request: Request, body: bytes, settings: Settings) -> Asked:
    """What the body asks for, counted as what the request's key has sent."""
    asked = read_asked(body, settings=settings)
    request.state.items = len(asked.items)
    limits_of(request).rates.charge(request.state.tenant, len(asked.items))
    request.state.charged = len(asked.items)
    return asked


async def answered(
    request: Request, work: Work, *, goes_on: bool = False, is_brief: bool = False
) -> Response:
    """The answer to a request with work in its body, or the refusal.

    A client that leaves gives up the work, unless it `goes_on`, and in any case what it held here;
    of what `is_brief` nobody looks at once whether he has left. Until the answer is taken, the
    request counts among its key's, and the answer as a body.
    """
    limits = limits_of(request)
    try:
        held_until_sent(request)
        async with limits.bodies.body(request) as body:
            working = work(body, broker_of(request))
            if is_brief:
                response = await listened_later(request, working)
            else:
                response = await listened_to(request, working, goes_on=goes_on)
        return _counted_until_sent(request, response)
    except (BodyRefused, TooFast) as error:
        return await too_much(request, error)
    except BadJson as error:
        return refusal(400, str(error))
    except KeyTaken as error:
        return refusal(409, str(error))
    except BadRequest as error:
        return refusal(422, str(error))
    except TooManyItems as error:
        return refusal(413, str(error))
    except QueueFull as error:
        request.state.refused = error.reason
        limits.rates.give_back(request.state.tenant, request.state.charged)
        return refusal(429, str(error), retry_after_s=error.retry_after_s)
    except (QueueUnavailable, RedisError) as error:
        return redis_is_away(error, "nothing was graded")


def held_until_sent(request: Request) -> None:
    """Count a request among its key's until its answer is sent; raise TooFast."""
    request.state.held.enter_context(limits_of(request).rates.request(request.state.tenant))


def sent_slowly(request: Request, content: bytes, status: int) -> Response:
    """JSON that may be large: its memory counts until the client has taken it.

    Raises BodyRefused where there is no room for it.
    """
    held: ExitStack | None = request.state.held
    # Who began the work and has left gets no answer.
    if len(content) <= _PIECE_BYTES or held is None:
        return Response(content, status, media_type="application/json")
    held.enter_context(limits_of(request).bodies.answer(request.state.tenant, len(content)))
    return _in_pieces(content, status)


def _counted_until_sent(request: Request, response: Response) -> Response:
    """What was graded just now is never refused for want of room; it is taken from what comes."""
    held: ExitStack | None = request.state.held
    is_counted = isinstance(response, StreamingResponse)
    if is_counted or len(response.body) <= _PIECE_BYTES or held is None:
        return response
    content = bytes(response.body)
    held.enter_context(limits_of(request).bodies.counted(request.state.tenant, len(content)))
    return _in_pieces(content, response.status_code)


def _in_pieces(content: bytes, status: int) -> Response:
    headers = {"Content-Length": str(len(content))}
    return StreamingResponse(_pieces(content), status, headers, media_type="application/json")


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _PIECE_BYTES):
        yield content[start : start + _PIECE_BYTES]


async def too_much(request: Request, error: Exception) -> Response:
    """The refusal of what a key, or this process, has too much of already."""
    if isinstance(error, TooFast):
        request.state.refused = error.reason
        return refusal(429, str(error), retry_after_s=error.retry_after_s)
    if not isinstance(error, BodyRefused):
        raise error
    response = refusal(error.status, str(error), retry_after_s=error.retry_after_s)
    if error.status == _TOO_SLOW:
        response.headers["Connection"] = "close"
    return response


def limits_of(request: Request) -> Limits:
    """The limits of the process that the request came to."""
    limits: Limits = request.app.state.limits
    return limits


def redis_is_away(
    error: Exception | None, so: str, *, do: str = "send the request again"
) -> Response:
    """The refusal of what Redis could not be had for, and what to do."""
    message = f"{FULL if is_full(error) else 'Redis is away'}, {so}: {do}"
    return refusal(503, message, retry_after_s=_RETRY_AFTER_S)


async def bad_parameters(_: Request, error: Exception) -> Response:
    """The refusal of headers and other parameters: which one and why, without what was sent."""
    if not isinstance(error, RequestValidationError):
        raise error
    said = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return refusal(422, "; ".join(said))


def refusal(status: int, detail: str, *, retry_after_s: int | None = None) -> Response:
    """A refusal as a response."""
    headers = None if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return JSONResponse({"detail": detail}, status_code=status, headers=headers)


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route, for its documentation."""
    # Any: FastAPI's own type of a table of responses.
    return {status: {"model": Problem} for status in statuses}
