"""The layer that answers OpenEnv's addresses, but for what is posted: pages, and sessions."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from service.answering import refusal
from service.drain import Drain
from service.settings import Settings
from service.wires.answering import NOT_FOR_US, refusal_of
from service.wires.contract import Recipe
from service.wires.openenv_pages import PAGES, page_of
from service.wires.openenv_playing import Space
from service.wires.openenv_sessions import Seats, Within, hold_session
from service.wires.openenv_turns import MOST_TRIES, code_call
from service.wires.recipes import NoRecipe, Recipes

__all__ = ["OpenEnv"]

_ROOT: Final = "/compat/openenv/"
_PLACE: Final = re.compile(
    _ROOT + r"(?P<recipe>p/[^/]+|[^/]+)(?:/turns/(?P<tries>[^/]+))?/(?P<page>[^/]+)"
)
_SOCKET: Final = "ws"
_POSTED: Final = frozenset({"mcp", "reset", "step"})
_UPGRADE_REQUIRED: Final = 426
_ANOTHER_SITE: Final = (
    "Origin: a page of another host may not open a session: leave the header out, or have the proxy"
    " between pass `Host` on as it was asked"
)


class _Place(NamedTuple):
    """What an address names: the recipe, the tries if it has them, and what is asked there."""

    recipe: str
    tries: str | None
    page: str

    @property
    def route(self) -> str:
        turns = "" if self.tries is None else "/turns/{tries}"
        return f"{_ROOT}{{recipe}}{turns}/{self.page}"


class OpenEnv:
    """Environments: every recipe is one of one step, and with `turns/N` one of up to N."""

    def __init__(self, app: ASGIApp, *, settings: Settings, recipes: Recipes, drain: Drain) -> None:
        self._app = app
        self._recipes = recipes
        self._within = Within(settings, drain, Seats(settings))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is a session or a page, and pass on what is neither."""
        place = None if scope["type"] == "lifespan" else _place_of(scope)
        if place is None:
            await self._app(scope, receive, send)
            return
        scope["state"]["route"] = place.route
        if scope["type"] == "websocket" and _is_of_another_site(scope):
            await refusal(403, _ANOTHER_SITE)(scope, receive, send)
            return
        try:
            space = self._space(place, scope["query_string"].decode("latin-1"))
        except NOT_FOR_US as error:
            await refusal_of(error)(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await hold_session(WebSocket(scope, receive, send), space, self._within)
        else:
            response = _response(scope["method"], place, space)
            await response(scope, receive, send)

    def _space(self, place: _Place, query: str) -> Space:
        recipe: Recipe = self._recipes.read(place.recipe, query, parameters=(), tries=1)
        if place.tries is None:
            return Space(recipe, None)
        code_call(recipe)
        tries = int(place.tries) if re.fullmatch(r"[0-9]{1,3}", place.tries) else 0
        if not 1 <= tries <= MOST_TRIES:
            raise NoRecipe(f"turns/{place.tries[:16]}: from 1 to {MOST_TRIES} tries")
        return Space(recipe, tries)


def _place_of(scope: Scope) -> _Place | None:
    found = _PLACE.fullmatch(scope["path"])
    if found is None:
        return None
    place = _Place(found["recipe"], found["tries"], found["page"])
    if place.page == _SOCKET:
        return place
    pages = PAGES if place.tries is None else PAGES | _POSTED
    return place if scope["type"] == "http" and place.page in pages else None


def _is_of_another_site(scope: Scope) -> bool:
    """Whether a browser asks for a page that is not of this host.

    Where no key is asked for, nothing else would keep that page out.
    """
    origins = [value for name, value in scope["headers"] if name == b"origin"]
    if not origins:
        return False
    scheme, _, site = origins[0].lower().partition(b"://")
    usual = b":443" if scheme == b"https" else b":80"
    hosts = [value.lower() for name, value in scope["headers"] if name == b"host"]
    is_ours = [host.removesuffix(usual) for host in hosts] == [site.removesuffix(usual)]
    return len(origins) > 1 or not is_ours


def _response(method: str, place: _Place, space: Space) -> Response:
    if place.page == _SOCKET:
        response = refusal(_UPGRADE_REQUIRED, "this address speaks WebSocket: ask for an upgrade")
        response.headers["Upgrade"] = "websocket"
        return response
    if place.page in _POSTED:
        return refusal(
            422, "an episode of several steps needs a session: connect to ws beside this"
        )
    if method != "GET":
        response = refusal(405, "this address takes GET alone")
        response.headers["Allow"] = "GET"
        return response
    content = page_of(place.page, recipe=place.recipe, tries=space.tries)
    return Response(content, media_type="application/json")
