"""What completions are worth to a framework that takes numbers only: one recipe, asked for by any.

All shims (`trainer_client.verl`, `.slime` and so on) are this with the framework's own signature.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import json
import logging
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, TypedDict

import httpx

from trainer_client.background import awaited, wait_for
from trainer_client.client import AsyncClient
from trainer_client.endpoint import socket_options
from trainer_client.errors import BadResponse, ServiceUnavailable, TooManyFailures
from trainer_client.items import GraderCalls
from trainer_client.remote_reward.answered import WRONG_CALLS, Answered, grade
from trainer_client.remote_reward.references import ReferenceKeys, reference_keys
from trainer_client.remote_reward.samples import Layout, Samples, items_of
from trainer_client.verdicts import GraderInfo, Verdict

__all__ = ["DEFAULT_URL", "LABEL", "Options", "Recipe", "Worth", "recipe", "worths", "worths_now"]

_LOG: Final = logging.getLogger(__name__)

DEFAULT_URL: Final = "http://127.0.0.1:8000"
LABEL: Final = "ground_truth"
"""The column of a framework that has one label for each sample, whatever a grader calls it."""

_MAX_ATTEMPTS: Final = 100
# The service answers before the client hangs up, so that what it has graded by then is not lost.
_DEADLINE_SHARE: Final = 0.9
_LONGEST_DEADLINE_S: Final = 3_600.0
_GRACE_S: Final = 1.0
_CLOSING_S: Final = 2.0
# Callers that bring one sample at a time bring hundreds of them at once, and httpx looks at each
# connection for each request: 20 ms of CPU with 500 of them, 4 ms with 32.
_AT_ONCE: Final = 32


class Options(TypedDict, total=False):
    """What a shim takes besides the graders; README.md says what each means."""

    url: str
    label: str | None
    columns: Mapping[str, str]
    prefill: str
    api_key: str | None
    api_key_file: str | None
    timeout_s: float
    fallback: float | None


@dataclass(frozen=True, slots=True)
class Recipe:
    """Where to ask, with which graders, how long, and what stands in for no answer."""

    graders: str  # as JSON, so that equal ones are one recipe
    url: str = field(default=DEFAULT_URL, repr=False)  # may hold a key
    label: str | None = None
    columns: tuple[tuple[str, str], ...] = ()
    prefill: str = ""
    api_key: str | None = field(default=None, repr=False)
    api_key_file: str | None = None
    timeout_s: float = 300.0
    fallback: float | None = None


def recipe(graders: object, options: Options, *, timeout_s: float = 300.0) -> Recipe:
    """A recipe of `"math"`, of a list of grader calls or of its JSON, and of a shim's options.

    `timeout_s` is the shim's own default.
    """
    given: dict[str, object] = {"timeout_s": timeout_s, **options}
    columns = given.pop("columns", None) or {}
    if not isinstance(columns, Mapping):
        raise TypeError(f'columns={columns!r}: give a mapping such as {{"answer": "solution"}}')
    fallback = given.get("fallback")
    if fallback is not None and not (isinstance(fallback, int | float) and math.isfinite(fallback)):
        raise ValueError(f"fallback={fallback!r}: give a finite number, or leave it out")
    calls = json.dumps(_calls(graders))
    return Recipe(calls, columns=tuple(columns.items()), **given)  # type: ignore[arg-type]  # by name


class Worth(NamedTuple):
    """What one completion is worth."""

    reward: float
    score: float
    """That of the first grader alone, such as 1.0 for a right answer with a wrong format."""
    is_scored: bool
    """False where the reward is the recipe's fallback, since nobody could grade it."""
    extracted: str


async def worths(asked: Recipe, samples: Samples) -> list[Worth]:
    """What the completions are worth, in order; raises TooManyFailures where nobody can say it.

    It also raises what can never work: ValueError for wrong graders or columns, RequestRefused for
    a wrong key.
    """
    return await awaited(_asked(asked, samples))


def worths_now(asked: Recipe, samples: Samples) -> list[Worth]:
    """As `worths`, for callers that do not await; from any thread."""
    return wait_for(_asked(asked, samples))


async def _asked(asked: Recipe, samples: Samples) -> list[Worth]:
    return _worths(await _assayer(asked, os.getpid()).answered(samples), asked.fallback)


def _worths(answered: Answered, fallback: float | None) -> list[Worth]:
    missing = answered.missing()
    if missing:
        error = next(iter(answered.errors), None)
        reasons = "; ".join(f"{count} x {reason}" for reason, count in missing.most_common(3))
        told = f"{missing.total()} of {len(answered.verdicts)} completions got no reward: {reasons}"
        if fallback is None:
            raise TooManyFailures(
                f"{told}. None of them was scored 0. Mend the cause and go on from the last "
                "checkpoint, or give fallback=<number> to go on with that."
                + (f" The last error: {error}" if error else "")
            ) from error
        _LOG.warning("%s; they get fallback=%g (%s)", told, fallback, error or "no error")
    instead = math.nan if fallback is None else float(fallback)
    return [_worth(verdict, instead) for verdict in answered.verdicts]


def _worth(verdict: Verdict | None, instead: float) -> Worth:
    if verdict is None or verdict.reward is None:
        return Worth(instead, instead, is_scored=False, extracted="")
    first = verdict.grades[0]
    score = verdict.reward if first.score is None else first.score
    return Worth(verdict.reward, score, is_scored=True, extracted=first.extracted or "")


class _Reading(NamedTuple):
    """What the graders read of a row, and what they call its label."""

    keys: ReferenceKeys
    label: str | None


class _Assayer:
    """The connections of one recipe, and what the service has told of its graders."""

    def __init__(self, asked: Recipe) -> None:
        self._recipe = asked
        self._graders: GraderCalls = json.loads(asked.graders)
        self._client = AsyncClient(
            asked.url,
            api_key=asked.api_key if asked.api_key_file is None else _key_in(asked.api_key_file),
            timeout_s=asked.timeout_s,
            max_attempts=_MAX_ATTEMPTS,
            transport=httpx.AsyncHTTPTransport(
                trust_env=False, limits=httpx.Limits(), socket_options=socket_options()
            ),
        )
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._offered: asyncio.Task[list[GraderInfo]] | None = None
        self._reading: _Reading | None = None

    async def answered(self, samples: Samples) -> Answered:
        """The verdicts; a service that is away is asked again until the time is over."""
        deadline_s = min(self._recipe.timeout_s * _DEADLINE_SHARE, _LONGEST_DEADLINE_S)
        try:
            async with asyncio.timeout(self._recipe.timeout_s + _GRACE_S):
                items = self._items(samples, await self._learned())
                async with self._turns:
                    answered = await grade(
                        self._client, items, self._graders, deadline_s=deadline_s
                    )
        except TimeoutError:
            late = ServiceUnavailable(f"no verdict in {self._recipe.timeout_s + _GRACE_S:g} s")
            return Answered([None] * len(samples.completions), [], [late])
        except (ServiceUnavailable, BadResponse) as error:
            return Answered([None] * len(samples.completions), [], [error])
        _refuse_mistakes(answered)
        return answered

    async def _learned(self) -> _Reading:
        """What the graders read; hundreds of first calls at once ask for it together."""
        if self._reading is None:
            if self._offered is None or self._offered.done():
                self._offered = asyncio.create_task(self._client.graders())
            self._reading = self._laid_out(await asyncio.shield(self._offered))
        return self._reading

    def _laid_out(self, offered: Sequence[GraderInfo]) -> _Reading:
        keys = reference_keys(offered, [str(call["name"]) for call in self._graders])
        # They stand in the order in which the graders were named.
        first = next((key for key in keys.readers if key in keys.required), None)
        return _Reading(keys, self._recipe.label or first)

    def _items(self, samples: Samples, reading: _Reading) -> list[dict[str, object]]:
        columns = dict(self._recipe.columns)
        if reading.label is not None and LABEL in samples.columns:
            columns.setdefault(reading.label, LABEL)
        layout = Layout(columns, None, self._recipe.prefill)
        return items_of(samples, layout, keys=reading.keys)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


@functools.cache  # a fork has the parent's, whose loop does not run there
def _assayer(asked: Recipe, process: int) -> _Assayer:
    assayer = _Assayer(asked)
    atexit.register(_close, assayer, process)
    return assayer


def _close(assayer: _Assayer, process: int) -> None:
    if process == os.getpid():
        wait_for(assayer.aclose(), _CLOSING_S)


def _refuse_mistakes(answered: Answered) -> None:
    """Raise what is wrong with the graders' calls themselves, whatever the completions."""
    for verdict in answered.verdicts:
        for one in () if verdict is None else verdict.grades:
            if one.reason in WRONG_CALLS:
                raise ValueError(f"graders: {one.told()}")


def _calls(graders: object) -> list[object]:
    """The calls of `"math"`, `["math", {...}]`, of one mapping, or of the JSON of any of them."""
    if isinstance(graders, str):
        if graders.replace("_", "").isalnum():
            return [{"name": graders}]
        try:
            graders = json.loads(graders)
        except ValueError as error:
            raise ValueError(
                f'graders={graders!r}: give "math", or [{{"name": "math"}}], or its JSON'
            ) from error
    plain = _plain(graders)
    calls = plain if isinstance(plain, list) else [plain]
    named = [{"name": call} if isinstance(call, str) else call for call in calls]
    if not named or not all(isinstance(c, dict) and isinstance(c.get("name"), str) for c in named):
        raise ValueError(f'graders={graders!r}: each is a name or has one, {{"name": "math"}}')
    return named


def _plain(value: object) -> object:
    """Mappings and sequences of any kind, such as omegaconf's, as JSON has them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(part) for part in value]
    return value


def _key_in(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"api_key_file={path!r} cannot be read: {error}") from error
