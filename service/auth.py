"""Who may ask: API keys as bearer tokens, or as HTTP Basic for callers that send no headers."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Final

from pydantic import SecretStr
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["RequireKey"]

_OPEN_PATHS: Final = frozenset({"/healthz"})


class RequireKey:
    """Answers 401 on every route but liveness to whoever shows none of the keys."""

    def __init__(self, app: ASGIApp, *, keys: Mapping[str, SecretStr]) -> None:
        self._app = app
        self._secrets = [secret.get_secret_value().encode() for secret in keys.values()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it before its body is read."""
        guarded = self._secrets and scope["type"] == "http" and scope["path"] not in _OPEN_PATHS
        if not guarded or self._knows(_secret(dict(scope["headers"]).get(b"authorization", b""))):
            await self._app(scope, receive, send)
            return
        refusal = JSONResponse(
            {"detail": "no valid API key: send `Authorization: Bearer <secret>`"},
            status_code=401,
            headers={"WWW-Authenticate": "Bearer"},
        )
        await refusal(scope, receive, send)

    def _knows(self, secret: bytes) -> bool:
        # Every key is compared, so that the time taken tells nothing about which came close.
        return any([hmac.compare_digest(secret, known) for known in self._secrets])


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
