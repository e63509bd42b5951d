"""Reading request bodies without trusting their length, their speed, their encoding or number."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from starlette.requests import Request

from service.settings import Settings

__all__ = ["Bodies", "Body", "BodyRefused"]

_PATIENCE_S: Final = 2.0
_RETRY_AFTER_S: Final = 2


class BodyRefused(Exception):
    """The body is not read further: answer with this status and message."""

    def __init__(self, status: int, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s


class Bodies:
    """All bodies that one API process holds, in a memory that is limited for all together.

    Where there are several keys, one of them may have half of it, or one body.
    """

    def __init__(self, settings: Settings) -> None:
        self._body_bytes = settings.body_bytes
        self._body_s = settings.body_s
        self._most_bytes = settings.bodies_bytes
        several = len(settings.api_keys) > 1
        self._most_of_one = (
            max(self._most_bytes // 2, self._body_bytes) if several else self._most_bytes
        )
        self._held: Counter[str] = Counter()
        self._freed = asyncio.Event()

    def body(self, request: Request) -> Body:
        """The body, cut off at the byte limit whether or not a length was announced.

        Its memory counts until the end of the block. Raises BodyRefused.
        """
        return Body(self, request)

    @contextmanager
    def answer(self, tenant: str, size_bytes: int) -> Iterator[None]:
        """Count the memory of an answer, too, as long as it is being sent. Raises BodyRefused."""
        if self._held[tenant] and not self._has_room(tenant, size_bytes):
            raise _no_room()
        with self.counted(tenant, size_bytes):
            yield

    @contextmanager
    def counted(self, tenant: str, size_bytes: int) -> Iterator[None]:
        """The same for an answer that there has to be room for."""
        self._held[tenant] += size_bytes
        try:
            yield
        finally:
            self._held[tenant] -= size_bytes
            self._freed.set()

    async def read(self, request: Request, parts: list[bytes], tenant: str) -> bytes:
        """The body, in the first of the parts once it is complete; the memory of all is counted."""
        for name, value in request.scope["headers"]:
            if name == b"content-encoding" and value != b"identity":
                raise BodyRefused(415, "compressed bodies are not accepted: send it as it is")
            # Of more digits int() would have none.
            is_length = name == b"content-length" and value.isdigit()
            if is_length and (len(value) > 20 or int(value) > self._body_bytes):
                raise self._too_large()
        try:
            async with asyncio.timeout(self._body_s):
                await self._collect(request, parts, tenant)
        except TimeoutError:
            raise BodyRefused(408, f"the body did not arrive in {self._body_s:g} s") from None
        if len(parts) != 1:
            parts[:] = [b"".join(parts)]
        return parts[0]

    def let_go(self, parts: Sequence[bytes], tenant: str) -> None:
        """The memory of these is free again."""
        self._held[tenant] -= sum(map(len, parts))
        self._freed.set()

    async def _collect(self, request: Request, parts: list[bytes], tenant: str) -> None:
        size_bytes, is_more = 0, True
        while is_more:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                raise BodyRefused(400, "the client left before its body was complete")
            part, is_more = message.get("body", b""), message.get("more_body", False)
            size_bytes += len(part)
            if size_bytes > self._body_bytes:
                raise self._too_large()
            if not self._has_room(tenant, len(part)):
                await self._await_room(tenant, len(part))
            self._held[tenant] += len(part)
            parts.append(part)

    def _has_room(self, tenant: str, size_bytes: int) -> bool:
        # What one has beyond his part, in answers that he does not take, is no one else's loss.
        held_bytes = sum(min(held, self._most_of_one) for held in self._held.values())
        return (
            self._held[tenant] + size_bytes <= self._most_of_one
            and held_bytes + size_bytes <= self._most_bytes
        )

    async def _await_room(self, tenant: str, size_bytes: int) -> None:
        limit = asyncio.get_running_loop().time() + _PATIENCE_S
        while not self._has_room(tenant, size_bytes):
            self._freed.clear()
            try:
                async with asyncio.timeout_at(limit):
                    await self._freed.wait()
            except TimeoutError:
                raise _no_room() from None

    def _too_large(self) -> BodyRefused:
        return BodyRefused(
            413,
            f"the body is over {self._body_bytes} bytes:"
            " send fewer items, or raise TOUCHSTONE_BODY_BYTES",
        )


class Body:
    """One body, held from the beginning of a block to its end."""

    def __init__(self, bodies: Bodies, request: Request) -> None:
        self._bodies = bodies
        self._request = request
        self._tenant: str = request.scope["state"]["tenant"]
        self._parts: list[bytes] = []

    async def __aenter__(self) -> bytes:
        try:
            return await self._bodies.read(self._request, self._parts, self._tenant)
        except BaseException:
            self._bodies.let_go(self._parts, self._tenant)
            raise

    async def __aexit__(self, *_: object) -> None:
        self._bodies.let_go(self._parts, self._tenant)


def _no_room() -> BodyRefused:
    return BodyRefused(
        503,
        f"too many bodies are held here (TOUCHSTONE_BODIES_BYTES): try again in {_RETRY_AFTER_S} s",
        retry_after_s=_RETRY_AFTER_S,
    )
