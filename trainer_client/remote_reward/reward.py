"""The reward function itself: one call of a trainer is one POST, and what comes of it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from trainer_client.errors import BadResponse, ServiceUnavailable
from trainer_client.items import GraderCalls
from trainer_client.remote_reward.answered import (
    UNSENDABLE,
    WRONG_CALLS,
    Answered,
    grade,
    unanswered,
)
from trainer_client.remote_reward.measures import component_names, measured
from trainer_client.remote_reward.pools import Pools
from trainer_client.remote_reward.references import ReferenceKeys, reference_keys
from trainer_client.remote_reward.samples import Layout, Samples, items_of
from trainer_client.remote_reward.shortfall import Shortfall
from trainer_client.wire import grade_request

__all__ = ["RemoteReward"]

_LOG: Final = logging.getLogger(__name__)

# The service answers before the client hangs up, so that what it has graded by then is not lost.
_DEADLINE_SHARE: Final = 0.9
_LONGEST_DEADLINE_S: Final = 3_600.0
_GRACE_S: Final = 1.0

_OnFailure: TypeAlias = Literal["none", "raise"]
_LogExtra: TypeAlias = Callable[[str, list[object]], object]
_LogMetric: TypeAlias = Callable[[str, float], object]


class RemoteReward:
    """A reward function for TRL's GRPOTrainer, and for trainers that call theirs alike.

        trainer = GRPOTrainer(
            reward_funcs=RemoteReward("http://127.0.0.1:8000", [{"name": "math"}]), ...
        )

    It is awaited with a batch and gives one reward per completion, in order; None is a completion
    that nobody could grade, which TRL leaves out of its group, and never a 0.
    Give it all graders of a run, with their weights: beside another reward function, a trainer
    counts a None of this one as 0.

    A grader reads its reference from the dataset's columns of the same names; `columns` names
    those that are called otherwise, `{"answer": "solution"}`.
    A text that holds JSON is read where the grader wants an object; of an object that is not such
    a text, the keys that are None are left out, for Arrow gives all objects of a column all keys
    (`drop_nulls=False` keeps them).
    `graders_column` names a column with each row's own graders, as a list or as JSON, for datasets
    of mixed tasks.
    `prefill` is what the chat template has written before the completion, such as "<think>\\n".
    Completions of one prompt are one group; `send_prompts=False` leaves the prompts themselves out.

    A call lasts at most about `timeout_s`: keep it under the trainer's own limits (`ddp_timeout`).
    Until then a service that is away is asked again, at most `max_attempts` times.
    A call that got nothing gives None for every completion (`on_failure="raise"`: it raises).
    Once more than `max_failure_rate` of a call's completions had no reward, on average over the
    last `failure_window` calls, it raises TooManyFailures; calls not made yet count as graded.
    What can never work (an unknown grader, a missing column, a wrong key) is raised at once.

    It pickles; a copy opens connections of its own.
    """

    def __init__(
        self,
        url: str,
        graders: GraderCalls = (),
        *,
        columns: Mapping[str, str] | None = None,
        graders_column: str | None = None,
        prefill: str = "",
        send_prompts: bool = True,
        drop_nulls: bool = True,
        api_key: str | None = None,
        timeout_s: float = 300.0,
        max_attempts: int = 100,
        max_failure_rate: float = 0.25,
        failure_window: int = 8,
        on_failure: _OnFailure = "none",
        name: str = "touchstone",
        trust_env: bool = False,
    ) -> None:
        _check(graders, graders_column=graders_column, on_failure=on_failure)
        self._pools = Pools(
            url,
            api_key=api_key,
            timeout_s=timeout_s,
            max_attempts=max_attempts,
            trust_env=trust_env,
        )
        self._graders = list(graders)
        self._timeout_s = timeout_s
        self._deadline_s = min(timeout_s * _DEADLINE_SHARE, _LONGEST_DEADLINE_S)
        grade_request([], self._graders, deadline_s=self._deadline_s, key="")  # raises, too
        self.components: tuple[str, ...] = component_names(self._graders)
        self.layout = Layout(dict(columns or {}), graders_column, prefill, send_prompts, drop_nulls)
        self._on_failure = on_failure
        self._shortfall = Shortfall(max_failure_rate, failure_window)
        self._keys: ReferenceKeys | None = None
        self._has_graded = False
        self.__name__ = name  # what TRL calls it in its logs

    async def __call__(
        self,
        /,
        prompts: Sequence[object] | None = None,
        completions: Sequence[object] = (),
        completion_ids: Sequence[Sequence[int]] | None = None,
        *,
        trainer_state: object = None,
        log_extra: _LogExtra | None = None,
        log_metric: _LogMetric | None = None,
        **columns: object,
    ) -> list[float | None]:
        """The rewards of the completions, in their order."""
        began = time.monotonic()
        answered = await self._answered(Samples(completions, prompts, completion_ids, columns))
        told = measured(answered, self.components)
        if log_extra is not None:
            for column, values in told.columns.items():
                log_extra(f"{self.__name__}/{column}", values)
        if log_metric is not None:
            for figure, value in told.figures.items():
                log_metric(f"{self.__name__}/{figure}", value)
            log_metric(f"{self.__name__}/seconds", time.monotonic() - began)
        self._account(answered)
        return [None if verdict is None else verdict.reward for verdict in answered.verdicts]

    async def aclose(self) -> None:
        """Close the connections of the running loop; the next call opens new ones."""
        await self._pools.aclose()

    async def _answered(self, samples: Samples) -> Answered:
        # The graders and the parts of a large batch are calls of their own, each of which ends by
        # itself; this is for all together.
        limit_s = self._timeout_s + _GRACE_S
        try:
            async with asyncio.timeout(limit_s):
                return await self._asked(samples)
        except TimeoutError:
            late = ServiceUnavailable(f"no verdict on all parts of a batch in {limit_s:g} s")
            return unanswered(len(samples.completions), late)

    async def _asked(self, samples: Samples) -> Answered:
        client = self._pools.client()
        if self._keys is None:
            named = [str(call["name"]) for call in self._graders]
            try:
                offered = await client.graders()
            except (ServiceUnavailable, BadResponse) as error:
                return unanswered(len(samples.completions), error)
            self._keys = reference_keys(offered, None if self.layout.graders_column else named)
        items = items_of(samples, self.layout, keys=self._keys)
        return await grade(client, items, self._graders, deadline_s=self._deadline_s)

    def _account(self, answered: Answered) -> None:
        if not self._has_graded:
            _refuse_unsendable(answered)
        self._has_graded = any(one is not None for one in answered.verdicts) or self._has_graded
        if self.layout.graders_column is None:
            _refuse_mistakes(answered)
        if self._on_failure == "raise" and answered.errors:
            raise answered.errors[0]
        missing, error = answered.missing(), next(iter(answered.errors), None)
        if missing:
            _LOG.warning(
                "%d of %d completions got no reward (%s)",
                missing.total(), len(answered.verdicts), error or missing.most_common(1)[0][0],
            )  # fmt: skip
        self._shortfall.add(missing, of=len(answered.verdicts), error=error)


def _check(graders: GraderCalls, *, graders_column: str | None, on_failure: str) -> None:
    if on_failure not in ("none", "raise"):
        raise ValueError(f'on_failure={on_failure!r}: give "none" or "raise"')
    if graders_column is None and all(call.get("role") == "gate" for call in graders):
        raise ValueError('graders has no term to add up: give one, such as {"name": "math"}')


def _refuse_unsendable(answered: Answered) -> None:
    """Raise what keeps the very first batch from being sent at all: a column, not a row."""
    reasons = {one.reason for verdict in answered.verdicts if verdict for one in verdict.grades}
    if reasons == {UNSENDABLE}:
        raise TypeError(f"no completion can be sent: {next(iter(answered.missing()))}")


def _refuse_mistakes(answered: Answered) -> None:
    """Raise what is wrong with the graders' calls themselves, whatever the completions."""
    first = next((verdict for verdict in answered.verdicts if verdict is not None), None)
    for one in () if first is None else first.grades:
        if one.reason in WRONG_CALLS:
            raise ValueError(f"graders: {one.told()}")
