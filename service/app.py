"""The HTTP interface."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict
from redis.exceptions import RedisError
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp, Lifespan

from graders.contract import Verdict
from service import __version__
from service.answering import (
    REFUSALS_OF_WORK,
    IdempotencyKey,
    Limits,
    answered,
    asked_of,
    bad_parameters,
    broker_of,
    errand_of,
    redis_is_away,
    refusals,
    too_much,
)
from service.auth import RequireKey
from service.bodies import BodyRefused
from service.broker import Broker
from service.catalogue import Catalogue, catalogue
from service.drain import Drain
from service.groups import GroupStats, joined
from service.intake import GradeRequest, intake_of
from service.isolation import IsolationReport, isolation_report
from service.jobs.asking import Ask, grade_once
from service.jobs.endpoints import add_jobs
from service.jobs.keeping import Kept
from service.jobs.keys import digest_of
from service.metrics import Metrics
from service.observing import Observe, on_error
from service.openapi import complete_openapi, request_body
from service.operations import add_operations
from service.rates import TooFast
from service.settings import Settings
from service.tracing import Tracing
from service.validation import ValidateRequest, ValidateResponse, summed, take_references
from service.wires.apart import Apart
from service.wires.openenv_places import OpenEnv
from service.wires.presets import read_presets
from service.wires.recipes import Recipes
from service.wires.serving import Front, Wires

__all__ = ["create_app", "create_service"]

OpenBroker = Callable[[], AbstractAsyncContextManager[Broker]]


class GradeResponse(BaseModel):
    """The body of an answer to `POST /v1/grade`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdicts: list[Verdict]
    groups: dict[str, GroupStats] | None = None


def create_service(
    settings: Settings,
    *,
    open_broker: OpenBroker,
    drain: Drain,
    tracing: Tracing | None = None,
) -> ASGIApp:
    """The application, and before it the short way of samples that come one by one."""
    metrics = Metrics()
    app = create_app(
        settings, open_broker=open_broker, metrics=metrics, drain=drain, tracing=tracing
    )
    wires = RequireKey(Wires(settings=settings, recipes=app.state.recipes), keys=settings.api_keys)
    observed = Observe(wires, routes=app.routes, metrics=metrics, drain=drain, tracing=tracing)
    return Front(app, ServerErrorMiddleware(observed, handler=on_error))


def create_app(
    settings: Settings,
    *,
    open_broker: OpenBroker,
    metrics: Metrics | None = None,
    drain: Drain | None = None,
    tracing: Tracing | None = None,
) -> FastAPI:
    """The application; its broker is opened when it starts and closed when it ends.

    Once it drains, no work is taken, and answers that come piece by piece end where they are.
    """
    metrics, drain = metrics or Metrics(), drain or Drain()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_broker() as broker:
            app.state.broker = broker
            app.state.draining = lambda: drain.begun
            yield

    app = _described(lifespan)
    app.state.limits = Limits(settings)
    _add_layers(app, settings, metrics=metrics, drain=drain, tracing=tracing)
    _add_refusals(app)
    _add_grading(app, settings)
    add_jobs(app, settings)
    _add_validation(app, settings)
    add_operations(app, metrics, drain)
    _add_isolation(app, settings)
    complete_openapi(app, GradeRequest, ValidateRequest)
    return app


def _add_layers(
    app: FastAPI, settings: Settings, *, metrics: Metrics, drain: Drain, tracing: Tracing | None
) -> None:
    file = settings.presets_file
    presets = {} if file is None else read_presets(file)
    recipes = app.state.recipes = Recipes(presets, text_chars=settings.text_chars)
    # What is added last is asked first.
    app.add_middleware(OpenEnv, settings=settings, recipes=recipes, drain=drain)
    app.add_middleware(Apart, settings=settings, recipes=recipes)
    app.add_middleware(RequireKey, keys=settings.api_keys)
    app.add_middleware(Observe, routes=app.routes, metrics=metrics, drain=drain, tracing=tracing)


def _described(lifespan: Lifespan[FastAPI]) -> FastAPI:
    return FastAPI(
        title="Touchstone",
        version=__version__,
        summary="Verifier and reward service for reinforcement learning with verifiable rewards",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        # Its own asks the environment at every request whether anybody wants it: see tracing.py.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )


def _add_refusals(app: FastAPI) -> None:
    app.add_exception_handler(RequestValidationError, bad_parameters)
    for refused in (BodyRefused, TooFast):
        app.add_exception_handler(refused, too_much)
    app.add_exception_handler(Exception, on_error)


def _add_grading(app: FastAPI, settings: Settings) -> None:
    @app.post(
        "/v1/grade",
        responses={
            200: {"model": GradeResponse},
            **refusals(*REFUSALS_OF_WORK, 409),
        },
        openapi_extra=request_body(GradeRequest),
    )
    async def grade(request: Request, idempotency_key: IdempotencyKey = None) -> Response:
        """Grade every item; the verdicts come in the order of the items."""

        async def work(body: bytes, broker: Broker) -> Response:
            asked = asked_of(request, body, settings)
            intake = intake_of(asked, settings=settings)
            errand = errand_of(request, asked, usually="interactive")
            if idempotency_key is None:
                await broker.admit(intake.works, errand)
                answers = intake.filled(await broker.submit(intake.works, errand))
            else:
                ask = Ask(intake, errand, digest_of(body), idempotency_key)
                answers = await grade_once(broker, ask, kept=Kept.by(settings))
            content = b"{%b}" % joined(answers, intake.groups)
            return Response(content, media_type="application/json")

        return await answered(request, work, goes_on=idempotency_key is not None)

    @app.get("/v1/graders", responses=refusals(401))
    async def graders() -> Catalogue:
        """Every grader: options and reference as JSON Schema, reasons, score range, version."""
        return catalogue()


def _add_validation(app: FastAPI, settings: Settings) -> None:
    @app.post(
        "/v1/validate",
        responses={
            200: {"model": ValidateResponse},
            **refusals(*REFUSALS_OF_WORK),
        },
        openapi_extra=request_body(ValidateRequest),
    )
    async def validate(request: Request) -> Response:
        """Grade every reference against itself: what is not gradable would be a wasted task."""

        async def work(body: bytes, broker: Broker) -> Response:
            asked = asked_of(request, body, settings)
            validation = take_references(asked, settings=settings)
            works = validation.intake.works
            errand = errand_of(request, asked, usually="interactive")
            await broker.admit(works, errand)
            verdicts = validation.verdicts(await broker.submit(works, errand))
            response = ValidateResponse(verdicts=verdicts, summary=summed(verdicts))
            return Response(response.model_dump_json(), media_type="application/json")

        return await answered(request, work)


def _add_isolation(app: FastAPI, settings: Settings) -> None:
    @app.get("/v1/isolation", responses={200: {"model": IsolationReport}, **refusals(401, 503)})
    async def isolation(request: Request) -> Response:
        """What the workers' sandboxes enforce, layer by layer, and whether the floor is met."""
        redis = broker_of(request).redis
        try:
            report = await isolation_report(redis, floor=settings.isolation_floor)
        except RedisError as error:
            return redis_is_away(error, "the workers cannot be asked")
        return Response(report.model_dump_json(), media_type="application/json")
