"""The routes of jobs: what is asked is graded without waiting, and any replica tells of it."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from redis.exceptions import RedisError

from graders.contract import Verdict
from service.answering import (
    REFUSALS_OF_WORK,
    IdempotencyKey,
    answered,
    asked_of,
    broker_of,
    errand_of,
    held_until_sent,
    redis_is_away,
    refusal,
    refusals,
    sent_slowly,
)
from service.broker import Broker, QueueUnavailable
from service.groups import GroupStats, joined
from service.intake import GradeRequest, intake_of
from service.jobs.asking import Ask, begin
from service.jobs.events import LastEventId, events_of
from service.jobs.following import JobGone, all_answers
from service.jobs.keeping import Kept, cancel_job
from service.jobs.keys import digest_of
from service.jobs.records import JobState, Status, state_of, status_of
from service.jobs.routes import JobRun
from service.openapi import request_body
from service.settings import Settings

__all__ = ["JobStatus", "add_jobs"]


class JobStatus(BaseModel):
    """How it stands with a job; what it earned is told once it is over."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    status: Status
    items: int
    finished: int = Field(description="items that have their verdicts")
    created_at: float = Field(description="seconds since 1970")
    deadline_at: float
    verdicts: list[Verdict] | None = Field(
        default=None, description="in the order of the items; null while the job is running"
    )
    groups: dict[str, GroupStats] | None = None


def add_jobs(app: FastAPI, settings: Settings) -> None:
    """Add the routes to the application."""
    _add_asking(app, settings)
    _add_telling(app)


def _add_asking(app: FastAPI, settings: Settings) -> None:
    @app.post(
        "/v1/jobs",
        status_code=202,
        responses={202: {"model": JobStatus}, **refusals(*REFUSALS_OF_WORK, 409)},
        openapi_extra=request_body(GradeRequest),
    )
    async def ask(request: Request, idempotency_key: IdempotencyKey = None) -> Response:
        """Have every item graded, and do not wait; the answer names the job."""

        async def work(body: bytes, broker: Broker) -> Response:
            asked = asked_of(request, body, settings)
            intake = intake_of(asked, settings=settings)
            errand = errand_of(request, asked, usually="batch")
            ask = Ask(intake, errand, digest_of(body), idempotency_key)
            return await _begun(request, broker, ask, kept=Kept.by(settings))

        return await answered(request, work, goes_on=True)

    @app.delete(
        "/v1/jobs/{job}",
        responses={200: {"model": JobStatus}, **refusals(401, 403, 404, 503)},
    )
    async def cancel(request: Request, job: str) -> Response:
        """Take the job back: what is not graded yet is `failed`, with reason `cancelled`."""
        broker = broker_of(request)
        try:
            state = await _own(broker, job, request.state.tenant)
            if state is not None:
                await cancel_job(broker.redis, JobRun(job, state.run), kept=Kept.by(settings))
            return await _told(request, job)
        except RedisError as error:
            return redis_is_away(error, "the job goes on")


def _add_telling(app: FastAPI) -> None:
    @app.get(
        "/v1/jobs/{job}",
        responses={200: {"model": JobStatus}, **refusals(401, 403, 404, 429, 503)},
    )
    async def tell(request: Request, job: str) -> Response:
        """How it stands with the job, and its verdicts once it is over."""
        held_until_sent(request)
        try:
            return await _told(request, job)
        except RedisError as error:
            return redis_is_away(error, "the job goes on")

    @app.get(
        "/v1/jobs/{job}/events",
        responses={
            200: {"content": {"text/event-stream": {}}},
            **refusals(401, 403, 404, 422, 429, 503),
        },
    )
    async def events(request: Request, job: str, last_event_id: LastEventId = None) -> Response:
        """Each verdict as it lands, as server-sent events; goes on after `Last-Event-ID`."""
        held_until_sent(request)
        broker = broker_of(request)
        try:
            state = await _own(broker, job, request.state.tenant)
        except RedisError as error:
            return redis_is_away(error, "the job goes on")
        if state is None:
            return _no_job(job)
        stream = events_of(broker, job, after=last_event_id, draining=request.app.state.draining)
        return StreamingResponse(
            stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )


async def _own(broker: Broker, job: str, tenant: str) -> JobState | None:
    """The job, if it is this tenant's; another's is as unknown as one that never was."""
    state = await state_of(broker.redis, job)
    return state if state is not None and state.tenant == tenant else None


async def _begun(request: Request, broker: Broker, ask: Ask, *, kept: Kept) -> Response:
    try:
        job = request.state.job = await begin(broker, ask, kept=kept)
    except (QueueUnavailable, RedisError) as error:
        return redis_is_away(error, "the job may have begun")
    try:
        return await _told(request, job, status=202)
    except RedisError as error:
        return redis_is_away(error, f"job {job} is begun", do=f"ask for /v1/jobs/{job}")


async def _told(request: Request, job: str, *, status: int = 200) -> Response:
    broker = broker_of(request)
    state = await _own(broker, job, request.state.tenant)
    if state is None:
        return _gone(job, status)
    told = JobStatus(
        id=job,
        status=status_of(state),
        items=state.items,
        finished=state.done,
        created_at=state.created_ms / 1000,
        deadline_at=state.deadline_ms / 1000,
    )
    content = told.model_dump_json(exclude={"verdicts", "groups"}).encode()
    if state.is_over:
        try:
            answers = await all_answers(broker.redis, job, state)
        except JobGone:
            return _gone(job, status)
        content = content[:-1] + b"," + joined(answers, state.head.groups) + b"}"
    response = sent_slowly(request, content, status)
    if status == 202:
        response.headers["Location"] = f"/v1/jobs/{job}"
    return response


def _gone(job: str, status: int) -> Response:
    # Gone while it began: under the same key it begins anew.
    return redis_is_away(None, "the job is lost") if status == 202 else _no_job(job)


def _no_job(job: str) -> Response:
    message = f"no job is called {job[:64]!r}: it never was, or its results are not kept any more"
    return refusal(404, message)
