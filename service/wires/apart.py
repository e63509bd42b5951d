"""The addresses of wires where no score is waited for: ROLL's tasks, and NeMo Gym's head server."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from service.answering import answered, limits_of, refusal
from service.broker import Broker
from service.settings import Settings
from service.strict_json import loads
from service.wires import nemo_gym, roll
from service.wires.answering import NOT_FOR_US, errand_for, refusal_of, responded
from service.wires.contract import Recipe, Reply
from service.wires.recipes import Recipes

__all__ = ["Apart"]

_RECIPE: Final = "(?P<recipe>p/[^/]+|[^/]+)"

# Any: the JSON of a request.
_Asked: TypeAlias = Callable[[Any, Recipe, roll.Desk], Awaitable[Reply]]


class _Place(NamedTuple):
    """An address, what it takes, and either what it asks or what it says at once."""

    path: str
    methods: Sequence[str]
    asks: _Asked | None = None
    says: Callable[[Request, Recipes], bytes] = lambda _request, _recipes: b""
    tries: int = 1


def _head(request: Request, recipes: Recipes) -> bytes:
    return nemo_gym.head_config(request.headers.get("host", ""), recipes.names)


def _mode(_: Request, __: Recipes) -> bytes:
    return nemo_gym.REVERIFY_MODE


_PLACES: Final = (
    *(_Place(path, ["POST"], roll.submit) for path in roll.SUBMIT_PATHS),
    *(_Place(path, ["GET", "POST"], roll.poll, tries=roll.TRIES) for path in roll.POLL_PATHS),
    *(_Place(path, ["GET"], says=_head) for path in nemo_gym.HEAD_PATHS),
    _Place(nemo_gym.REVERIFY_PATH, ["GET"], says=_mode),
)
_PATTERNS: Final = [
    (re.compile(re.escape(place.path).replace(r"\{recipe\}", _RECIPE)), place) for place in _PLACES
]


class Apart:
    """The layer that answers these addresses; all other requests go on to the application."""

    def __init__(self, app: ASGIApp, *, settings: Settings, recipes: Recipes) -> None:
        self._app = app
        self._settings = settings
        self._recipes = recipes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is one of these, and pass on what is none."""
        for pattern, place in _PATTERNS if scope["type"] == "http" else ():
            if (found := pattern.fullmatch(scope["path"])) is not None:
                scope["state"]["route"] = place.path
                name = found.groupdict().get("recipe") or ""
                response = await self._answer(Request(scope, receive), place, name)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _answer(self, request: Request, place: _Place, name: str) -> Response:
        if request.method not in place.methods:
            allowed = ", ".join(place.methods)
            response = refusal(405, f"this address takes {allowed}")
            response.headers["Allow"] = allowed
            return response
        try:
            query = request.scope["query_string"].decode("latin-1")
            recipe = self._recipes.read(name, query, parameters=(), tries=place.tries)
            if place.asks is None:
                return responded(Reply(place.says(request, self._recipes)))
            return await self._worked(request, place.asks, recipe)
        except NOT_FOR_US as error:
            return refusal_of(error)

    async def _worked(self, request: Request, asks: _Asked, recipe: Recipe) -> Response:
        async def work(body: bytes, broker: Broker) -> Response:
            desk = roll.Desk(
                broker,
                limits_of(request).rates,
                self._settings,
                self._recipes,
                errand_for(request, 0.0),
                fell_back=lambda: setattr(request.state, "fallbacks", 1),
            )
            value = loads(body, nesting=self._settings.nesting)
            request.state.items = int(asks is roll.submit)
            return responded(await asks(value, recipe, desk))

        return await answered(request, work, goes_on=True)
