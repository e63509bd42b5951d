"""The HTTP interface."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from redis.exceptions import RedisError

from graders.contract import Verdict
from service import __version__
from service.auth import RequireKey
from service.bodies import BodyRefused, read_body
from service.broker import Broker, QueueFull, QueueUnavailable
from service.catalogue import Catalogue, catalogue
from service.groups import GroupStats, group_stats
from service.intake import BadRequest, GradeRequest, TooManyItems, read_asked, read_request
from service.isolation import IsolationReport, isolation_report
from service.items import Answer
from service.metrics import Metrics
from service.openapi import complete_openapi, request_body
from service.readiness import Readiness, readiness
from service.settings import Settings
from service.strict_json import BadJson
from service.validation import ValidateRequest, ValidateResponse, summed, take_references

__all__ = ["create_app"]

_RETRY_AFTER_S: Final = 2
_REFUSALS_OF_WORK: Final = (400, 401, 408, 413, 415, 422, 429, 503)

OpenBroker = Callable[[], AbstractAsyncContextManager[Broker]]
_Work = Callable[[bytes, Broker], Awaitable[bytes]]


class GradeResponse(BaseModel):
    """The body of an answer to `POST /v1/grade`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdicts: list[Verdict]
    groups: dict[str, GroupStats] | None = None


class Problem(BaseModel):
    """The body of every refusal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    detail: str


def create_app(settings: Settings, *, open_broker: OpenBroker) -> FastAPI:
    """The application; its broker is opened when it starts and closed when it ends."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_broker() as broker:
            app.state.broker = broker
            yield

    app = FastAPI(
        title="Touchstone",
        version=__version__,
        summary="Verifier and reward service for reinforcement learning with verifiable rewards",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(RequireKey, keys=settings.api_keys)
    _add_grading(app, settings, metrics)
    _add_validation(app, settings)
    _add_operations(app, metrics)
    _add_isolation(app, settings)
    complete_openapi(app, GradeRequest, ValidateRequest)
    return app


def _broker(request: Request) -> Broker:
    broker: Broker = request.app.state.broker
    return broker


def _add_grading(app: FastAPI, settings: Settings, metrics: Metrics) -> None:
    @app.post(
        "/v1/grade",
        responses={
            200: {"model": GradeResponse},
            **_refusals(*_REFUSALS_OF_WORK),
        },
        openapi_extra=request_body(GradeRequest),
    )
    async def grade(request: Request) -> Response:
        """Grade every item; the verdicts come in the order of the items."""

        async def work(body: bytes, broker: Broker) -> bytes:
            intake = read_request(body, settings=settings)
            metrics.items.inc(len(intake.answers))
            graded = await broker.submit(intake.works, deadline_s=intake.deadline_s)
            return _join(intake.filled(graded), intake.groups)

        started = time.perf_counter()
        response = await _worked(request, settings, work)
        metrics.requests.labels(str(response.status_code)).inc()
        metrics.seconds.observe(time.perf_counter() - started)
        return response

    @app.get("/v1/graders", responses=_refusals(401))
    async def graders() -> Catalogue:
        """Every grader: options and reference as JSON Schema, reasons, score range, version."""
        return catalogue()


def _add_validation(app: FastAPI, settings: Settings) -> None:
    async def work(body: bytes, broker: Broker) -> bytes:
        validation = take_references(read_asked(body, settings=settings), settings=settings)
        intake = validation.intake
        answers = await broker.submit(intake.works, deadline_s=intake.deadline_s)
        verdicts = validation.verdicts(answers)
        response = ValidateResponse(verdicts=verdicts, summary=summed(verdicts))
        return response.model_dump_json().encode()

    @app.post(
        "/v1/validate",
        responses={
            200: {"model": ValidateResponse},
            **_refusals(*_REFUSALS_OF_WORK),
        },
        openapi_extra=request_body(ValidateRequest),
    )
    async def validate(request: Request) -> Response:
        """Grade every reference against itself: what is not gradable would be a wasted task."""
        return await _worked(request, settings, work)


async def _worked(request: Request, settings: Settings, work: _Work) -> Response:
    try:
        body = await read_body(request, limit_bytes=settings.body_bytes, limit_s=settings.body_s)
        answer = await work(body, _broker(request))
    except BodyRefused as error:
        return _refusal(error.status, str(error))
    except BadJson as error:
        return _refusal(400, str(error))
    except BadRequest as error:
        return _refusal(422, str(error))
    except TooManyItems as error:
        return _refusal(413, str(error))
    except QueueFull as error:
        return _refusal(429, str(error), retry_after_s=error.retry_after_s)
    except QueueUnavailable:
        message = "Redis is away, nothing was graded: send the request again"
        return _refusal(503, message, retry_after_s=_RETRY_AFTER_S)
    return Response(answer, media_type="application/json")


def _join(answers: Sequence[Answer], named: Sequence[str | None]) -> bytes:
    verdicts = b",".join(answer.verdict for answer in answers)
    if all(group is None for group in named):
        return b'{"verdicts":[%b]}' % verdicts
    stats = group_stats(named, [a.reward for a in answers], [a.mark for a in answers])
    groups = orjson.dumps({name: entry.model_dump() for name, entry in stats.items()})
    return b'{"verdicts":[%b],"groups":%b}' % (verdicts, groups)


def _refusal(status: int, detail: str, *, retry_after_s: int | None = None) -> Response:
    headers = None if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return JSONResponse({"detail": detail}, status_code=status, headers=headers)


def _add_operations(app: FastAPI, metrics: Metrics) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Answers while the process lives, whatever else is down."""
        return {"status": "ok"}

    @app.get(
        "/readyz",
        responses={200: {"model": Readiness}, 503: {"model": Readiness}, **_refusals(401)},
    )
    async def readyz(request: Request) -> Response:
        """Whether Redis answers and every lane has a live worker."""
        state = await readiness(_broker(request).redis)
        return JSONResponse(state.model_dump(), status_code=200 if state.ready else 503)

    @app.get("/metrics", responses={200: {"content": {"text/plain": {}}}, **_refusals(401)})
    async def prometheus(request: Request) -> Response:
        """The metrics of this process in Prometheus' text format."""
        broker = _broker(request)
        metrics.count_grades(broker.tally)
        metrics.items_shared.inc(broker.take_items_shared())
        state = await readiness(broker.redis)
        for lane, lane_state in state.lanes.items():
            metrics.queued.labels(lane).set(lane_state.chunks)
            metrics.workers.labels(lane).set(lane_state.workers)
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _add_isolation(app: FastAPI, settings: Settings) -> None:
    @app.get("/v1/isolation", responses={200: {"model": IsolationReport}, **_refusals(401, 503)})
    async def isolation(request: Request) -> Response:
        """What the workers' sandboxes enforce, layer by layer, and whether the floor is met."""
        redis = _broker(request).redis
        try:
            report = await isolation_report(redis, floor=settings.isolation_floor)
        except RedisError:
            message = "Redis is away, the workers cannot be asked: send the request again"
            return _refusal(503, message, retry_after_s=_RETRY_AFTER_S)
        return Response(report.model_dump_json(), media_type="application/json")


def _refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    # Any: FastAPI's own type of a table of responses.
    return {status: {"model": Problem} for status in statuses}
