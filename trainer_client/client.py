"""The two clients: `Client` waits, `AsyncClient` is awaited; both keep the same promises."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import httpx

from trainer_client.answers import (
    read_grade_answer,
    read_graders_answer,
    read_ready_answer,
    read_validate_answer,
)
from trainer_client.attempts import SYSTEM_TIMING, Answer, Attempts, Timing
from trainer_client.endpoint import Endpoint, socket_options
from trainer_client.errors import TouchstoneError
from trainer_client.items import GraderCalls, Items
from trainer_client.verdicts import GradeResult, GraderInfo, ReferenceVerdict, Verdict
from trainer_client.wire import GRADERS, READY, Body, Request

__all__ = ["AsyncClient", "Client"]


class Client:
    """A connection pool to one Touchstone service; safe to share between threads.

    `url` is the service's root.
    A key goes into `api_key` (sent as a bearer token) or into the URL as `user:secret@` (sent as
    HTTP Basic), not into both.

    A call is tried up to `max_attempts` times within `timeout_s`: after connection errors,
    time-outs, 429, 502, 503 and 504, and once more after a 500.
    Each attempt sends the same bytes under the same `Idempotency-Key`, so that the service can
    attach a repeated call to the work it already has.
    `timeout_s` bounds the call: no attempt or pause begins after it, and no single wait for the
    network outlasts what is left of it.

    `trust_env=False` leaves HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and their like
    unread: clusters set proxies for the internet, and a proxy cannot reach a service on localhost.
    For a private certificate authority or another way to connect, pass an httpx `transport`.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        timeout_s: float = 600.0,
        max_attempts: int = 10,
        transport: httpx.BaseTransport | None = None,
        trust_env: bool = False,
        timing: Timing = SYSTEM_TIMING,
    ) -> None:
        self._endpoint = Endpoint.of(
            url, api_key, timeout_s=timeout_s, max_attempts=max_attempts, timing=timing
        )
        if transport is None and not trust_env:
            transport = httpx.HTTPTransport(trust_env=False, socket_options=socket_options())
        self._http = httpx.Client(
            base_url=self._endpoint.url,
            headers=self._endpoint.headers,
            transport=transport,
            trust_env=trust_env,
        )

    def grade(
        self, items: Items, graders: GraderCalls | None = None, *, deadline_s: float | None = None
    ) -> list[Verdict]:
        """The verdicts on the items, in their order, from one POST.

        `graders` apply to each item that names none of its own.
        The service gives up on what is not graded after `deadline_s` (its own default if None) and
        answers "failed" for it.
        A lone surrogate in any string is sent as U+FFFD, and a large reference that several items
        carry is sent once.

        Raises ValueError or TypeError, before anything is sent, for what JSON cannot hold (NaN,
        Infinity, foreign objects), and a TouchstoneError where no verdicts came.
        """
        return list(self.grade_with_groups(items, graders, deadline_s=deadline_s).verdicts)

    def grade_with_groups(
        self, items: Items, graders: GraderCalls | None = None, *, deadline_s: float | None = None
    ) -> GradeResult:
        """As `grade`, with the figures of each group that the items name."""
        if not items:
            return GradeResult((), {})
        request = self._endpoint.grade_request(items, graders, deadline_s=deadline_s)
        return read_grade_answer(self._exchange(request), items)

    def validate(
        self, items: Items, graders: GraderCalls | None = None, *, deadline_s: float | None = None
    ) -> list[ReferenceVerdict]:
        """Whether each item's reference can be graded with, in their order, from one POST.

        Of the items, only `id`, `reference` and `graders` are looked at; otherwise as `grade`.
        """
        if not items:
            return []
        request = self._endpoint.grade_request(
            items, graders, deadline_s=deadline_s, task="validate"
        )
        return read_validate_answer(self._exchange(request), items)

    def graders(self) -> list[GraderInfo]:
        """What the service can grade with."""
        return read_graders_answer(self._exchange(GRADERS))

    def ready(self) -> bool:
        """Whether the service can grade now; one short attempt, and an error where none can help.

        Raises RequestRefused for a wrong key, and ServiceUnavailable for a connection that cannot
        be made safe.
        """
        attempts = self._endpoint.single_attempt(READY)
        try:
            answer = self._attempt(READY, attempts)
        except (httpx.HTTPError, TouchstoneError) as error:
            attempts.check_tls(error)
            return False
        return read_ready_answer(answer)

    def close(self) -> None:
        """Close the pooled connections; the client cannot be used again."""
        self._http.close()

    def __enter__(self) -> Self:
        self._http.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self._http.__exit__(kind, error, traceback)

    def _exchange(self, request: Request) -> Answer:
        attempts = self._endpoint.attempts(request)
        while True:
            try:
                answer = self._attempt(request, attempts)
            except httpx.RequestError as error:
                pause_s = attempts.pause_after_error(error)
            else:
                asked_s = attempts.pause_after_answer(answer)
                if asked_s is None:
                    return answer
                pause_s = asked_s
            self._endpoint.timing.sleep(pause_s)

    def _attempt(self, request: Request, attempts: Attempts) -> Answer:
        with self._http.stream(
            request.method,
            request.path,
            content=request.content,
            headers=request.headers,
            timeout=attempts.begin(),
        ) as response:
            chunks = []
            for chunk in response.iter_bytes():
                chunks.append(chunk)
                attempts.check_time()
        return Answer(response.status_code, response.headers, b"".join(chunks))


class AsyncClient:
    """`Client` for asyncio: the same arguments, promises and errors, with awaited methods.

    One client serves any number of calls at once, all on the event loop of its first call.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        timeout_s: float = 600.0,
        max_attempts: int = 10,
        transport: httpx.AsyncBaseTransport | None = None,
        trust_env: bool = False,
        timing: Timing = SYSTEM_TIMING,
    ) -> None:
        self._endpoint = Endpoint.of(
            url, api_key, timeout_s=timeout_s, max_attempts=max_attempts, timing=timing
        )
        if transport is None and not trust_env:
            transport = httpx.AsyncHTTPTransport(trust_env=False, socket_options=socket_options())
        self._http = httpx.AsyncClient(
            base_url=self._endpoint.url,
            headers=self._endpoint.headers,
            transport=transport,
            trust_env=trust_env,
        )

    async def grade(
        self, items: Items, graders: GraderCalls | None = None, *, deadline_s: float | None = None
    ) -> list[Verdict]:
        """As `Client.grade`."""
        return list((await self.grade_with_groups(items, graders, deadline_s=deadline_s)).verdicts)

    async def grade_with_groups(
        self, items: Items, graders: GraderCalls | None = None, *, deadline_s: float | None = None
    ) -> GradeResult:
        """As `grade`, with the figures of each group that the items name."""
        if not items:
            return GradeResult((), {})
        request = self._endpoint.grade_request(items, graders, deadline_s=deadline_s)
        return read_grade_answer(await self._exchange(request), items)

    async def validate(
        self, items: Items, graders: GraderCalls | None = None, *, deadline_s: float | None = None
    ) -> list[ReferenceVerdict]:
        """As `Client.validate`."""
        if not items:
            return []
        request = self._endpoint.grade_request(
            items, graders, deadline_s=deadline_s, task="validate"
        )
        return read_validate_answer(await self._exchange(request), items)

    async def graders(self) -> list[GraderInfo]:
        """What the service can grade with."""
        return read_graders_answer(await self._exchange(GRADERS))

    async def ready(self) -> bool:
        """As `Client.ready`."""
        attempts = self._endpoint.single_attempt(READY)
        try:
            answer = await self._attempt(READY, attempts)
        except (httpx.HTTPError, TouchstoneError) as error:
            attempts.check_tls(error)
            return False
        return read_ready_answer(answer)

    async def aclose(self) -> None:
        """Close the pooled connections; the client cannot be used again."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self._http.__aexit__(kind, error, traceback)

    async def _exchange(self, request: Request) -> Answer:
        attempts = self._endpoint.attempts(request)
        while True:
            try:
                answer = await self._attempt(request, attempts)
            except httpx.RequestError as error:
                pause_s = attempts.pause_after_error(error)
            else:
                asked_s = attempts.pause_after_answer(answer)
                if asked_s is None:
                    return answer
                pause_s = asked_s
            await self._endpoint.timing.sleep_async(pause_s)

    async def _attempt(self, request: Request, attempts: Attempts) -> Answer:
        content = request.content
        async with self._http.stream(
            request.method,
            request.path,
            content=aiter(content) if isinstance(content, Body) else content,
            headers=request.headers,
            timeout=attempts.begin(),
        ) as response:
            chunks = []
            async for chunk in response.aiter_bytes():
                chunks.append(chunk)
                attempts.check_time()
        return Answer(response.status_code, response.headers, b"".join(chunks))
