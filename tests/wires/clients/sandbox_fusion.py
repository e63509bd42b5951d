"""SandboxFusion's own Python SDK: `run_code`, `submit`, and both of them many at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any

import tenacity

from tests.wires.peers import hurried, loaded, peer

__all__ = ["impatient", "run_code", "run_code_async", "run_codes", "submit", "submit_safe"]


@cache
def _sdk() -> ModuleType:
    return loaded(peer("sandbox-fusion") / "sandbox_fusion" / "__init__.py", "sandbox_fusion")


def run_code(
    endpoint: str,
    request: Mapping[str, object],
    *,
    max_attempts: int = 5,
    client_timeout_s: float | None = None,
) -> dict[str, Any]:
    """`run_code`: its answer as read by the SDK's own model.

    It raises a bare `Exception` when every try got another status than 200, or `SandboxError`.
    """
    sdk = _sdk()
    result = sdk.run_code(
        sdk.RunCodeRequest(**request), endpoint, max_attempts, client_timeout=client_timeout_s
    )
    return _plain(result)


async def run_code_async(
    endpoint: str, request: Mapping[str, object], *, max_attempts: int = 5
) -> dict[str, Any]:
    """The same, of the SDK's client for asyncio."""
    sdk = _sdk()
    result = await sdk.run_code_async(sdk.RunCodeRequest(**request), endpoint, max_attempts)
    return _plain(result)


def run_codes(
    endpoint: str, requests: Sequence[Mapping[str, object]], *, concurrency: int = 20
) -> list[dict[str, Any]]:
    """`run_concurrent(run_code)`: that many at a time in threads, answers in order."""
    sdk = _sdk()
    args = [[sdk.RunCodeRequest(**request), endpoint] for request in requests]
    return [_plain(result) for result in sdk.run_concurrent(sdk.run_code, args, None, concurrency)]


def submit(
    endpoint: str,
    request: Mapping[str, object],
    *,
    max_attempts: int = 5,
    client_timeout_s: float | None = None,
) -> dict[str, Any]:
    """`submit`: a completion to a data set's own tests."""
    sdk = _sdk()
    result = sdk.submit(
        sdk.SubmitRequest(**request), endpoint, max_attempts, client_timeout=client_timeout_s
    )
    return _plain(result)


def submit_safe(
    endpoint: str, request: Mapping[str, object], *, max_attempts: int = 5
) -> dict[str, Any]:
    """The same; what `submit` would raise is a rejected completion here."""
    sdk = _sdk()
    return _plain(sdk.submit_safe(sdk.SubmitRequest(**request), endpoint, max_attempts))


@contextmanager
def impatient() -> Iterator[list[float]]:
    """No time passes between two tries of the clients that are not async; yields the waits."""
    with hurried(tenacity.nap, "time") as slept:
        yield slept


def _plain(result: Any) -> dict[str, Any]:  # a pydantic model of theirs
    fields: dict[str, Any] = result.dict()
    return fields
