"""Roads on which nobody gets a reward, shared by the tests of all shims."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest

from tests.live import LiveService, start_service
from tests.trainer_client.stub_service import Reply, StubService, grade_json, verdict_json

KEY = "s3cret"
_FEW_BYTES = 65_536
_ENDS = {"Connection": "close"}  # so that the stub need not wait for one that is kept


class Road(NamedTuple):
    """A service that gives no reward: a shim's options, the answer, and a part of the error."""

    # Any: the options of a shim.
    options: dict[str, Any]
    says: str
    answer: str = r"so \boxed{4}"


ROADS = ["away", "failed", "silent", "oversize", "no credential", "wrong credential"]


@pytest.fixture(scope="session")
def guarded() -> Iterator[LiveService]:
    """A service that wants a key and takes small requests."""
    settings = {"API_KEYS": f"trainer:{KEY}", "WORKERS": "1", "BODY_BYTES": str(_FEW_BYTES)}
    with start_service(settings) as service:
        service.client.headers["Authorization"] = f"Bearer {KEY}"
        service.await_ready()
        yield service


class _Failing(StubService):
    """Knows its graders, and fails every item."""

    def __init__(self) -> None:
        grade = grade_json(outcome="failed", score=None, reason="worker_lost")
        verdict = verdict_json(outcome="failed", reward=None, grades=[grade])
        body = json.dumps({"verdicts": [verdict]}).encode()
        super().__init__(script=_Script(Reply(body=body, headers=_ENDS)))


class _Script(list[Reply]):
    """The list of graders first, then the same for ever."""

    def __init__(self, last: Reply) -> None:
        super().__init__([Reply(headers=_ENDS), last])

    def pop(self, place: Any = -1) -> Reply:  # a SupportsIndex, which is 0
        return super().pop(place) if len(self) > 1 else self[0]


@pytest.fixture(params=ROADS)
def road(request: pytest.FixtureRequest) -> Iterator[Road]:
    """Each of the roads in turn."""
    with ExitStack() as stack:
        yield _road(str(request.param), request, stack)


def _road(name: str, request: pytest.FixtureRequest, stack: ExitStack) -> Road:
    if name in {"away", "silent"}:
        # Nobody listens, or the kernel takes the connection and nobody reads from it.
        deaf = stack.enter_context(socket.socket())
        deaf.bind(("127.0.0.1", 0))
        if name == "silent":
            deaf.listen(64)
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        return Road({"url": url, "timeout_s": 0.5}, "ServiceUnavailable")
    if name == "failed":
        url = stack.enter_context(_Failing().serving()).url
        return Road({"url": url}, "failed: math worker_lost")
    service: LiveService = request.getfixturevalue("guarded")
    url = service.url
    if name == "oversize":
        too_much = "x" * _FEW_BYTES + r" so \boxed{4}"
        return Road({"url": url, "api_key": KEY}, "HTTP 413", too_much)
    key = None if name == "no credential" else "wrong"
    return Road({"url": url, "api_key": key}, "HTTP 401")
