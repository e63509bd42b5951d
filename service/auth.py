"""Who may ask what: API keys as bearer tokens, or as HTTP Basic where no header can be set."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from service.keys import Key, name_of
from service.keys import Scope as KeyScope
from service.queues import ANYBODY

__all__ = ["RequireKey"]

_OPEN: Final = frozenset({"/healthz"})
# Load balancers show no key; whoever shows a wrong one is told so.
_OPEN_WITHOUT_A_KEY: Final = frozenset({"/readyz"})
_ANY_KEY: Final = frozenset({"/openapi.json", "/readyz", "/v1/graders", "/v1/isolation"})
_ADMIN: Final = ("/metrics", "/v1/audit")
# Its trainers have a header of their own, and no way to set another.
_ROLL: Final = "/compat/roll/"


class RequireKey:
    """Answers 401 on every route but liveness and readiness to whoever shows none of the keys.

    A WebSocket is refused in the same words, before it is one.
    A key without the scope that the route asks for gets 403.
    The others are known by the names of their keys; where there are no keys, all are `anybody`.
    """

    def __init__(self, app: ASGIApp, *, keys: Mapping[str, Key]) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it before its body is read."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        name = self._name(scope)
        refusal = None if _is_open(scope) else self._refusal(name, scope["path"])
        if refusal is None:
            scope.setdefault("state", {})["tenant"] = name
            await self._app(scope, receive, send)
        else:
            await refusal(scope, receive, send)

    def _name(self, scope: Scope) -> str | None:
        if not self._keys:
            return ANYBODY
        shown = _shown(scope, b"authorization")
        if not any(shown) and scope["path"].startswith(_ROLL):
            shown = _shown(scope, b"xrl-authorization")
        # Of two, somebody on the way may have looked at the other.
        return name_of(_secret(shown[0]), self._keys) if len(shown) == 1 else None

    def _refusal(self, name: str | None, path: str) -> JSONResponse | None:
        if name is None:
            return JSONResponse(
                {
                    "detail": "no valid API key: send `Authorization: Bearer <secret>`, or the"
                    " secret as the password of Basic"
                },
                status_code=401,
                headers={"WWW-Authenticate": 'Bearer, Basic realm="touchstone"'},
            )
        needed = _scope_for(path)
        if needed is None or not self._keys or needed in self._keys[name].scopes:
            return None
        return JSONResponse(
            {"detail": f"the key {name!r} lacks the scope `{needed}`: ask with a key that has it"},
            status_code=403,
        )


def _shown(scope: Scope, header: bytes) -> list[bytes]:
    """What the header says, each time; a client that has nothing to show may send it empty."""
    return [value.strip() for name, value in scope["headers"] if name == header]


def _is_open(scope: Scope) -> bool:
    if scope["path"] in _OPEN_WITHOUT_A_KEY:
        return not any(name == b"authorization" for name, _ in scope["headers"])
    return scope["path"] in _OPEN


def _scope_for(path: str) -> KeyScope | None:
    """What a key must be good for there; what is not known here is work."""
    # The router takes `/metrics` with a line feed behind it for `/metrics`, too.
    path = path.rstrip("/\n")
    if path in _ANY_KEY:
        return None
    is_admin = any(path == root or path.startswith(f"{root}/") for root in _ADMIN)
    return "admin" if is_admin else "grade"


def _secret(header: bytes) -> bytes:
    scheme, _, credential = header.partition(b" ")
    if scheme.lower() == b"bearer":
        return credential.strip()
    if scheme.lower() == b"basic":
        try:
            return base64.b64decode(credential, validate=True).partition(b":")[2]
        except binascii.Error:
            return b""
    return b""
