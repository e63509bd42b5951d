"""Where the service is and what a client may spend on a call to it: checked once."""

from __future__ import annotations

import math
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import httpx

from trainer_client.attempts import Attempts, Timing
from trainer_client.items import GraderCalls, Items
from trainer_client.wire import Request, Task, grade_request

__all__ = ["Endpoint", "socket_options"]

_READY_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A service's address and the limits of a call to it."""

    url: httpx.URL
    headers: Mapping[str, str] = field(repr=False)  # holds the key
    timeout_s: float
    max_attempts: int
    timing: Timing

    @classmethod
    def of(
        cls, url: str, api_key: str | None, *, timeout_s: float, max_attempts: int, timing: Timing
    ) -> Endpoint:
        """The endpoint, or a ValueError that names what is wrong with it and shows no secret."""
        if not 0 < timeout_s < math.inf:
            raise ValueError(f"timeout_s={timeout_s!r}: give a finite number of seconds above 0")
        if max_attempts < 1:
            raise ValueError(f"max_attempts={max_attempts!r}: give at least 1")
        address = _address(url)
        headers = {"User-Agent": "touchstone-rewards"}
        if api_key is not None:
            if address.userinfo:
                raise ValueError("a key in api_key and another in url: give one of them")
            headers["Authorization"] = f"Bearer {_checked_key(api_key)}"
        return cls(address, headers, timeout_s, max_attempts, timing)

    def attempts(self, request: Request) -> Attempts:
        """The attempts that one call of this request may take."""
        root = f"{self.url.scheme}://{self.url.netloc.decode()}{self.url.path.rstrip('/')}"
        return Attempts(
            f"{request.method} {root}{request.path}",
            max_attempts=self.max_attempts,
            timeout_s=self.timeout_s,
            timing=self.timing,
        )

    def single_attempt(self, request: Request) -> Attempts:
        """One attempt of a few seconds, for a question that is asked again anyway."""
        brief = replace(self, max_attempts=1, timeout_s=min(_READY_S, self.timeout_s))
        return brief.attempts(request)

    def grade_request(
        self,
        items: Items,
        graders: GraderCalls | None,
        *,
        deadline_s: float | None,
        task: Task = "grade",
    ) -> Request:
        """The request of one call about a batch, under a key of its own."""
        if deadline_s is not None and deadline_s > self.timeout_s:
            raise ValueError(
                f"deadline_s={deadline_s!r} is over timeout_s={self.timeout_s!r}, "
                "so the client would hang up first: raise timeout_s"
            )
        key = uuid.uuid4().hex
        return grade_request(items, graders or (), deadline_s=deadline_s, key=key, task=task)


def socket_options() -> list[tuple[int, int, int]]:
    """Keep-alive probes, so that a call held for minutes notices a host that is gone."""
    probes = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 6}
    return [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)] + [
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in probes.items()
        if hasattr(socket, name)  # not on each platform
    ]


def _address(url: str) -> httpx.URL:
    remedy = "give the service's root, such as http://127.0.0.1:8000"
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as error:
        # The text of a URL that cannot be read may hold a secret: it is not quoted.
        raise ValueError(f"url cannot be read: {remedy}") from error
    if address.scheme not in {"http", "https"} or not address.host:
        raise ValueError(f"url has no http:// or https:// with a host: {remedy}")
    if address.query or address.fragment:
        raise ValueError(f"url has a query or a fragment: {remedy}")
    return address


def _checked_key(key: str) -> str:
    if not key or not all("!" <= character <= "~" for character in key):
        raise ValueError(
            "api_key is empty or holds a space, a line break or a non-ASCII character: "
            "strip it, as keys read from a file end in a line break"
        )
    return key
