"""What a session's client asks, and what it is answered: its episodes."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Final, NamedTuple, Self, assert_never

from pydantic import JsonValue
from redis.exceptions import RedisError
from starlette.websockets import WebSocket

from service.answering import Limits
from service.bodies import BodyRefused
from service.broker import Broker
from service.items import Answer, Errand
from service.rates import TooFast
from service.settings import Settings
from service.wires.contract import NotForUs, Question, Recipe
from service.wires.holding import Holding, NotScored, Unusable
from service.wires.openenv import PATIENCE_S
from service.wires.openenv_episodes import (
    Episode,
    GradingEpisode,
    OpenEnvTask,
    completion_of,
    task_of,
)
from service.wires.openenv_frames import (
    AskClose,
    AskReset,
    AskState,
    AskStep,
    BadFrame,
    EpisodeState,
    Frame,
    Observed,
    checked,
    error_frame,
    observation_frame,
    read_frame,
    state_frame,
)
from service.wires.openenv_turns import CodeTurns

__all__ = ["Play", "Space"]

_BEGIN: Final = "there is no episode: reset first (a connection made anew has none)"
_OVER: Final = "the episode is over: reset first"


class Space(NamedTuple):
    """What episodes are like at an address."""

    recipe: Recipe
    tries: int | None

    def episode(self, task: OpenEnvTask) -> Episode:
        """An episode of the task; raises NotForUs."""
        if self.tries is None:
            return GradingEpisode(task, self.recipe)
        return CodeTurns(task, self.recipe, tries=self.tries)


class _NoEpisode(Exception):
    """There is nothing to take a step in; the message says what to do."""


class Play:
    """The episodes of one session, one at a time; what the last one holds counts as a body does."""

    def __init__(self, socket: WebSocket, space: Space, settings: Settings) -> None:
        self._state = socket.state
        self._space = space
        self._settings = settings
        self._limits: Limits = socket.app.state.limits
        self._broker: Broker = socket.app.state.broker
        self._held = ExitStack()
        self._episode: Episode | None = None
        self._why_none = _BEGIN
        self._at = EpisodeState()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    async def answer(self, text: str | None) -> str | None:
        """The frame that answers this one; None where the client is done."""
        try:
            if text is None:
                raise BadFrame("INVALID_JSON", "a frame is JSON as text, and never bytes")
            body = text.encode()
            with ExitStack() as held:
                held.enter_context(self._limits.bodies.answer(self._state.tenant, len(body)))
                frame = read_frame(body, nesting=self._settings.nesting)
                return await self._answered(frame, held)
        except BadFrame as error:
            return error_frame(error.code, str(error))
        except NotForUs as error:
            return error_frame("VALIDATION_ERROR", str(error))
        except (_NoEpisode, NotScored, Unusable, BodyRefused, TooFast) as error:
            return error_frame("EXECUTION_ERROR", str(error))
        except RedisError:
            return error_frame("EXECUTION_ERROR", "Redis is away, nothing was graded: try again")

    async def _answered(self, frame: Frame, held: ExitStack) -> str | None:
        match frame:
            case AskReset(data=row):
                observed = self._reset(row)
                self._held.close()
                self._held = held.pop_all()
                return observation_frame(observed)
            case AskStep(data=action):
                return observation_frame(await self._step(action))
            case AskState():
                return state_frame(self._at)
            case AskClose():
                return None
            case _:
                assert_never(frame)

    def _reset(self, row: Mapping[str, JsonValue]) -> Observed:
        # A reset that fails leaves none behind, lest a step be graded by the task before.
        self._episode, self._why_none, self._at = None, _BEGIN, EpisodeState()
        named = {"episode_id": row.get("episode_id") or uuid.uuid4().hex}
        at = checked(EpisodeState, named, within="data")
        episode = self._space.episode(task_of(row, self._space.recipe))
        self._episode, self._at = episode, at
        return episode.begun()

    async def _step(self, data: Mapping[str, JsonValue]) -> Observed:
        if self._episode is None:
            raise _NoEpisode(self._why_none)
        completion = completion_of(data, self._space.recipe, within="data")
        with self._limits.rates.request(self._state.tenant):
            # A step may ask more than once, and the client waits no longer for that.
            patience_s = self._space.recipe.deadline_s or PATIENCE_S
            until = time.monotonic() + min(patience_s, self._settings.max_deadline_s)
            observed = await self._episode.step(completion, partial(self._graded, until=until))
        self._at = self._at.model_copy(update={"step_count": self._at.step_count + 1})
        if observed.done:
            self._episode, self._why_none = None, _OVER
        return observed

    async def _graded(self, question: Question, *, until: float) -> Sequence[Answer]:
        left_s = max(0.0, until - time.monotonic())
        errand = Errand(left_s, tenant=self._state.tenant, origin=self._state.origin)
        holding = Holding(self._broker, self._limits.rates, self._settings)
        answers = await holding.answers(question, self._space.recipe, errand)
        self._state.items = getattr(self._state, "items", 0) + len(answers)
        return answers
