"""Reading a request body without trusting its length, its speed or its encoding."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

__all__ = ["BodyRefused", "read_body"]


class BodyRefused(Exception):
    """The body is not read further: answer with this status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def read_body(request: Request, *, limit_bytes: int, limit_s: float) -> bytes:
    """The body, cut off at the byte limit whether or not a length was announced."""
    encoding = request.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise BodyRefused(415, "compressed bodies are not accepted: send it as it is")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit_bytes:
        raise _too_large(limit_bytes)
    try:
        async with asyncio.timeout(limit_s):
            return await _collect(request, limit_bytes)
    except TimeoutError:
        raise BodyRefused(408, f"the body did not arrive in {limit_s:g} s") from None
    except ClientDisconnect:
        raise BodyRefused(400, "the client left before its body was complete") from None


async def _collect(request: Request, limit_bytes: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit_bytes:
            raise _too_large(limit_bytes)
        parts.append(part)
    return b"".join(parts)


def _too_large(limit_bytes: int) -> BodyRefused:
    return BodyRefused(
        413,
        f"the body is over {limit_bytes} bytes: send fewer items, or raise TOUCHSTONE_BODY_BYTES",
    )
