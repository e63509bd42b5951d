"""The routes for those who run the service: liveness, readiness, metrics."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError

from service.answering import broker_of, refusals
from service.drain import Drain
from service.lookout import look
from service.metrics import Metrics
from service.readiness import Readiness, ShortReadiness, readiness

__all__ = ["add_operations"]


def add_operations(app: FastAPI, metrics: Metrics, drain: Drain) -> None:
    """Add the routes to the application."""

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Answers while the process lives, whatever else is down."""
        return {"status": "ok"}

    @app.get(
        "/readyz",
        responses={
            200: {"model": Readiness | ShortReadiness},
            503: {"model": Readiness | ShortReadiness},
            **refusals(401),
        },
    )
    async def readyz(request: Request) -> Response:
        """Whether work would get done: Redis answers, every lane has a live worker, no draining."""
        state = await readiness(broker_of(request).redis, draining=drain.begun)
        told = None if request.state.tenant is not None else {*ShortReadiness.model_fields}
        return JSONResponse(state.model_dump(include=told), status_code=200 if state.ready else 503)

    @app.get("/metrics", responses={200: {"content": {"text/plain": {}}}, **refusals(401, 403)})
    async def prometheus(request: Request) -> Response:
        """The metrics of this process, and of the queues, in Prometheus' text format."""
        broker = broker_of(request)
        try:
            view = await look(broker.redis)
        except RedisError:
            view = None
        text = metrics.text(broker.figures, view)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
