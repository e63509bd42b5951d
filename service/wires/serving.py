"""The way of what is posted to wires; all other requests go on to the application."""

from __future__ import annotations

import asyncio
import re
import time
from functools import lru_cache, partial
from typing import Final, NamedTuple

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from service.answering import answered, refusal
from service.broker import Broker
from service.settings import Settings
from service.wires.answering import NOT_FOR_US, Asked, refusal_of, reply_to, responded
from service.wires.attempts import Attempts
from service.wires.contract import NOT_SCORED, Route
from service.wires.recipes import Recipes
from service.wires.routes import ROUTES

__all__ = ["Front", "Wires"]

_WITH_RECIPE: Final = re.compile(r"(/compat/[a-z_]+)/(p/[^/]+|[^/]+)(/.*)?")
_PLACES_KEPT: Final = 256
_PLACE: Final = "place"
_TOO_MANY: Final = 429
_PAUSE_S: Final = 0.5


class _Place(NamedTuple):
    """A route, and the recipe that an address names with it."""

    route: Route
    recipe: str


class Front:
    """What is asked first: sends what is a wire's its own way, and all else to the application.

    An application's way costs more than a sample does, and trainers send them one by one.
    """

    def __init__(self, app: FastAPI, way: ASGIApp) -> None:
        self._app = app
        self._way = way
        self._routes = {route.path: route for route in ROUTES}
        self._place = lru_cache(_PLACES_KEPT)(self._found)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        place = self._place(scope["path"]) if scope["type"] == "http" else None
        if place is None:
            await self._app(scope, receive, send)
            return
        scope["app"] = self._app
        scope["state"] = {
            **scope.get("state", {}),
            _PLACE: place,
            "route": place.route.path,
            "unscored": partial(_unscored, place.route),
        }
        await self._way(scope, receive, send)

    def _found(self, path: str) -> _Place | None:
        if (route := self._routes.get(path)) is not None:
            return _Place(route, "")
        found = _WITH_RECIPE.fullmatch(path)
        if found is None:
            return None
        route = self._routes.get(f"{found[1]}/{{recipe}}{found[3] or ''}")
        return None if route is None else _Place(route, found[2])


class Wires:
    """Answers what frameworks ask that know nothing of `/v1`, a sample a request."""

    def __init__(self, *, settings: Settings, recipes: Recipes) -> None:
        self._settings = settings
        self._recipes = recipes
        self._attempts = Attempts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what the front has found to be a wire's."""
        if scope["method"] == "POST":
            response = await self._answered(Request(scope, receive), scope["state"][_PLACE])
        else:
            response = refusal(405, "this address takes POST alone")
            response.headers["Allow"] = "POST"
        await response(scope, receive, send)

    async def _answered(self, request: Request, place: _Place) -> Response:
        route = place.route

        async def work(body: bytes, broker: Broker) -> Response:
            asked = Asked(request, route, recipe, body)
            return await reply_to(asked, broker, settings=self._settings, attempts=self._attempts)

        try:
            recipe = self._recipes.read(
                place.recipe,
                request.scope["query_string"].decode("latin-1"),
                parameters=route.parameters,
                tries=route.tries,
            )
            response = await answered(request, work, is_brief=True)
            until = time.monotonic() + (recipe.deadline_s or route.patience_s)
            # Its body waits to be read until there is a place for the request.
            while response.status_code == _TOO_MANY and time.monotonic() < until:
                request.scope["state"].pop("refused", None)
                await asyncio.sleep(_PAUSE_S)
                response = await answered(request, work, is_brief=True)
        except NOT_FOR_US as error:
            return refusal_of(error)
        if response.status_code not in {_TOO_MANY, NOT_SCORED}:
            return response
        unscored = _unscored(route, "there is no room for it here")
        # Some callers take 429 for a score.
        response.status_code = NOT_SCORED
        return unscored or response


def _unscored(route: Route, reason: str) -> Response | None:
    """How the route says so of what was not even read."""
    reply = route.unscored(None, reason)
    return None if reply is None else responded(reply)
