"""ROLL's reward system: a sample is submitted, and its reward polled for, at any replica.

A sample is a job of one item, under a key that the sample itself gives: what is submitted again
because a reply was lost is graded once, and what is submitted again for want of a score is a try.

ROLL counts a sample as 0 once five tries have brought no score, and only its log says so. After
the last of them the reward is a text: ROLL takes it, can make no tensor of it, and ends the step.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson
from pydantic import JsonValue
from redis.asyncio import Redis
from redis.exceptions import RedisError

from service.broker import Broker, QueueFull, QueueUnavailable
from service.intake import take_items
from service.items import Answer, Errand
from service.jobs.asking import Ask, begin
from service.jobs.following import JobGone, all_answers, follow
from service.jobs.keeping import Kept
from service.jobs.keys import new_job_id
from service.jobs.records import JobState, state_of
from service.rates import Rates, TooFast
from service.settings import Settings
from service.wires.contract import NotForUs, Recipe, Reply
from service.wires.holding import NotScored
from service.wires.recipes import Recipes
from service.wires.roll_tasks import Task, task_of

__all__ = ["POLL_PATHS", "SUBMIT_PATHS", "TRIES", "Desk", "poll", "submit"]

_ROOT: Final = "/compat/roll"
SUBMIT_PATHS: Final = (f"{_ROOT}/{{recipe}}/submit_task", f"{_ROOT}/submit_task")
"""`POST`; where the URL names no recipe, the reward manager's plugins must."""
POLL_PATHS: Final = (f"{_ROOT}/{{recipe}}/task_result", f"{_ROOT}/task_result")
"""`GET` with a body, as ROLL does, or `POST`."""

TRIES: Final = 5
"""How often ROLL submits a sample before it counts it as 0."""

# Each of its requests gives up after 20 s, and two seconds pass between its polls.
_SUBMIT_S: Final = 15.0
_POLL_S: Final = 10.0
_LONGEST_PAUSE_S: Final = 8.0
# ROLL submits anew at once: its tries are spread over some of the time that it has.
_PAUSE_SHARE: Final = 1 / 30
_AGAIN_S: Final = 1.0
# So much sooner than ROLL gives up it is over here.
_MARGIN_S: Final = 5.0
_SHORTEST_S: Final = 1.0

_RUNNING: Final = 1


class Desk(NamedTuple):
    """What a request of ROLL's is answered with, and for whom."""

    broker: Broker
    rates: Rates
    settings: Settings
    recipes: Recipes
    errand: Errand
    """Its deadline is not looked at."""
    fell_back: Callable[[], None] = lambda: None
    """Told of a sample that is answered with the number chosen for what has no score."""


class _Try(NamedTuple):
    """A try that ROLL makes with a sample, and the key of its job; the last one may have none."""

    number: int
    key: str | None


# Any: the JSON of a request.
async def submit(body: Any, recipe: Recipe, desk: Desk) -> Reply:
    """Begin the job, or find it begun; raises NotForUs, and NotScored where it cannot begin."""
    task = task_of(body, recipe, desk.recipes)
    digest = hashlib.sha256(_content(body, task)).hexdigest()
    until = time.monotonic() + _SUBMIT_S
    while True:
        try:
            return await _begun(task, digest, desk)
        except (QueueFull, TooFast) as error:
            pause_s, why = float(error.retry_after_s), str(error)
        except (QueueUnavailable, RedisError) as error:
            pause_s, why = _AGAIN_S, f"not submitted ({error}): send it again"
        if time.monotonic() + pause_s > until:
            raise NotScored(why)
        await asyncio.sleep(pause_s)


def _content(body: JsonValue, task: Task) -> bytes:
    graders = [call.model_dump() for call in task.graders]
    return orjson.dumps([body, graders], option=orjson.OPT_SORT_KEYS)


async def _begun(task: Task, digest: str, desk: Desk) -> Reply:
    settings, tenant = desk.settings, desk.errand.tenant
    deadline_s = min(max(task.timeout_s - _MARGIN_S, _SHORTEST_S), settings.max_deadline_s)
    made = await _next_try(desk.broker.redis, tenant, digest)
    intake = take_items([task.item], task.graders, deadline_s=deadline_s, settings=settings)
    ask = Ask(intake, desk.errand._replace(deadline_s=deadline_s), digest, made.key)
    desk.rates.charge(tenant, 1)
    try:
        job = await begin(desk.broker, ask, kept=Kept.by(settings))
    except (QueueFull, QueueUnavailable, RedisError):
        desk.rates.give_back(tenant, 1)
        raise
    told = {"errcode": 0, "errmsg": "", "reward_request_id": f"{job}-{made.number}"}
    return Reply(orjson.dumps(told))


async def _next_try(redis: Redis, tenant: str, digest: str) -> _Try:
    """The first try that is not made yet, is under way, or has brought a score."""
    for number in range(1, TRIES + 1):
        key = f"roll {digest} {number}"
        job = new_job_id(tenant, key)
        state = await state_of(redis, job)
        if state is None or not state.is_over:
            return _Try(number, key)
        try:
            answers = await all_answers(redis, job, state)
        except JobGone:
            return _Try(number, key)
        if answers[0].mark != "f":
            return _Try(number, key)
    return _Try(TRIES, None)


# Any: the JSON of a request.
async def poll(body: Any, recipe: Recipe, desk: Desk) -> Reply:
    """How it stands with a job; waits a moment for its end. Raises NotForUs and NotScored."""
    request_id = body.get("reward_request_id") if isinstance(body, dict) else None
    if not isinstance(request_id, str):
        raise NotForUs("reward_request_id: the string that submit_task has answered is expected")
    job, _, number = request_id.rpartition("-")
    try:
        state = await _state_soon(desk, job)
        if not state.is_over:
            return _told(request_id, state, errcode=_RUNNING, errmsg="running")
        (answer,) = await all_answers(desk.broker.redis, job, state)
    except JobGone:
        return _told(request_id, None, errmsg="no such task is kept: submit it again")
    except RedisError as error:
        raise NotScored(f"Redis is away ({error}), the task goes on: ask again") from None
    if answer.reward is not None:
        return _told(request_id, state, score=answer.reward, parts=_parts(answer))
    why = _why(answer)
    if answer.mark == "f" and number != str(TRIES):
        await asyncio.sleep(_pause_s(state))
        return _told(request_id, state, errmsg=f"not scored, {why}: submit it again")
    if recipe.fallback is None:
        return _told(request_id, state, score=f"not scored, {why}", errmsg=why)
    desk.fell_back()
    return _told(request_id, state, score=recipe.fallback, errmsg=why)


async def _state_soon(desk: Desk, job: str) -> JobState:
    """How it stands once the job is over, or after a while; raises JobGone."""
    redis, landings = desk.broker.redis, desk.broker.landings
    state = await state_of(redis, job)
    # Of several items it is no task of ROLL's.
    if state is None or state.tenant != desk.errand.tenant or state.items != 1:
        raise JobGone(job)
    with suppress(TimeoutError):
        async with asyncio.timeout(_POLL_S):
            async for news in follow(redis, landings, job):
                state = news if isinstance(news, JobState) else state
    return state


def _pause_s(state: JobState) -> float:
    given_s = (state.deadline_ms - state.created_ms) / 1000
    return min(given_s * _PAUSE_SHARE, _LONGEST_PAUSE_S)


def _told(
    request_id: str,
    state: JobState | None,
    *,
    score: float | str | None = None,
    parts: Mapping[str, JsonValue] | None = None,
    errcode: int = 0,
    errmsg: str = "",
) -> Reply:
    told = {
        "errcode": errcode,
        "errmsg": errmsg,
        "reward_request_id": request_id,
        "reward_score": score,
        # Their spelling.
        "dimention_reward_score": parts or {},
    }
    if state is not None and state.ended_ms is not None:
        told |= {"start_time": _iso(state.created_ms), "end_time": _iso(state.ended_ms)}
    return Reply(orjson.dumps(told))


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


def _parts(answer: Answer) -> dict[str, JsonValue]:
    """By grader; ROLL looks for the time of each plugin, and for nothing else."""
    return {
        grade["grader"]: {
            "score": grade["score"],
            "reason": grade["reason"],
            "extracted": grade["extracted"],
            "debug_info": {grade["grader"]: {"time_cost": grade["seconds"]}},
        }
        for grade in orjson.loads(answer.verdict)["grades"]
    }


def _why(answer: Answer) -> str:
    """The first part that has no score: its outcome, its reason and the field at fault."""
    for grade in orjson.loads(answer.verdict)["grades"]:
        if grade["outcome"] != "graded":
            detail = (str(grade["detail"][k]) for k in ("field", "message") if k in grade["detail"])
            said = ": ".join((grade["reason"], *detail))
            return f"{grade['outcome']} by {grade['grader']} ({said})"
    return "failed"
