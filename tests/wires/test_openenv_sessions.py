"""OpenEnv's sessions under clients that break the rules, and where they have to end."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from types import SimpleNamespace

import httpx
import pytest
from starlette.types import Message
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed, InvalidStatus

from service.answering import Limits
from service.drain import Drain
from service.settings import Settings
from service.wires import openenv_sessions
from service.wires.contract import Recipe
from service.wires.openenv_playing import Space
from service.wires.openenv_sessions import Seats, Within, hold_session
from tests.live import LiveService, start_service, wait_until
from tests.wires.clients import openenv
from tests.wires.openenv_service import SLOW, address_of, guarded_service, sleeping, socket_at


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    with guarded_service(tmp_path_factory.mktemp("presets")) as service:
        yield service


FRAMES: list[tuple[str | bytes, str, str]] = [
    ("{", "INVALID_JSON", "not JSON"),
    ('{"type": "reset", "type": "reset"}', "INVALID_JSON", "same key twice"),
    ('{"type": "step", "data": {"completion": NaN}}', "INVALID_JSON", "NaN"),
    (b"\x00\x01", "INVALID_JSON", "text"),
    ("[]", "VALIDATION_ERROR", "an object with type and data"),
    ("{}", "UNKNOWN_TYPE", "reset, step, state, close"),
    ('{"type": ["step"]}', "UNKNOWN_TYPE", "reset, step, state, close"),
    ('{"type": "mcp", "data": {}}', "UNKNOWN_TYPE", "reset, step, state, close"),
    ('{"type": "step"}', "VALIDATION_ERROR", "data: Field required"),
    ('{"type": "step", "data": "\\\\boxed{2}"}', "VALIDATION_ERROR", "data: "),
    ('{"type": "state", "more": 1}', "VALIDATION_ERROR", "more: unknown field"),
    (
        '{"type": "step", "data": {"completion": "", "more": 1}}',
        "VALIDATION_ERROR",
        "data.more: unknown field",
    ),
]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 101),
        ("http://{host}", 101),
        ("http://evil.example", 403),
        ("http://evil.example:80", 403),
        ("http://127.0.0.1:1", 403),
        ("http://{host}.evil.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_a_page_of_another_host_opens_no_session(
    service: LiveService, origin: str | None, status: int
) -> None:
    host = service.url.partition("://")[2]
    upgrade = {
        "Authorization": "Bearer a-secret",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    named = {} if origin is None else {"Origin": origin.format(host=host)}
    address = f"{service.url}/compat/openenv/exact/ws"
    with httpx.stream("GET", address, headers=upgrade | named, timeout=60, trust_env=False) as told:
        assert told.status_code == status
        if status != 101:
            assert "Origin: a page of another host" in json.loads(told.read())["detail"]


def test_a_frame_that_is_none_is_told_why_and_the_session_goes_on(service: LiveService) -> None:
    with socket_at(address_of(service, "exact")) as client:
        client.send(json.dumps({"type": "reset", "data": {"reference": "a"}}))
        assert json.loads(client.recv())["type"] == "observation"
        for frame, code, words in FRAMES:
            client.send(frame)
            told = json.loads(client.recv())
            assert (told["type"], told["data"]["code"]) == ("error", code), frame
            assert words in told["data"]["message"], frame
        client.send(json.dumps({"type": "step", "data": {"completion": "a"}}))
        assert json.loads(client.recv())["data"]["reward"] == 1.0
        client.send(json.dumps({"type": "close"}))
        with pytest.raises(ConnectionClosed) as closed:
            client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1000


@pytest.mark.anyio
async def test_what_is_too_large_ends_the_session_and_is_no_reward(service: LiveService) -> None:
    async with openenv.environment(address_of(service, "exact")) as client:
        await client.reset(reference="a")
        assert (await client.step({"completion": "x" * 199_000})).reward == 0.0
        await client.reset(reference="a")
        with pytest.raises(ConnectionClosed, match="1009"):
            await client.step({"completion": "x" * 200_000})
        await client.reset(reference="a")
        assert (await client.step({"completion": "a"})).reward == 1.0


@pytest.mark.parametrize(
    ("secret", "status"), [("", 401), ("none", 401), ("a-secret", 101), ("w-secret", 403)]
)
@pytest.mark.anyio
async def test_a_handshake_needs_a_key_as_bearer_or_as_basic(
    service: LiveService, secret: str, status: int
) -> None:
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    bare = f"{service.url}/compat/openenv/exact"
    ways: list[tuple[str, dict[str, str]]] = [(bare, headers)]
    ways += [(address_of(service, "exact", secret), {})] if secret else []
    for address, shown in ways:
        if status == 101:
            async with openenv.environment(address, headers=shown) as client:
                assert (await client.reset(reference="a")).done is False
            continue
        with pytest.raises(ConnectionError, match=f"HTTP {status}"):
            async with openenv.environment(address, headers=shown):
                pass
    with httpx.Client(timeout=60, trust_env=False) as client:
        for page in ("schema", "health", "metadata", "state", "openapi.json"):
            answer = client.get(f"{bare}/{page}", headers=headers)
            assert answer.status_code == (200 if status == 101 else status)


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("nothing", 404, "no grader is called 'nothing'"),
        ("p/nothing", 404, "no preset is called 'nothing'"),
        ("math/turns/4", 422, "name the grader `code`"),
        ("code/turns/0", 404, "from 1 to 16 tries"),
        ("code/turns/17", 404, "from 1 to 16 tries"),
        ("code/turns/x", 404, "from 1 to 16 tries"),
    ],
)
def test_an_address_that_is_none_is_refused_at_the_handshake(
    service: LiveService, path: str, status: int, words: str
) -> None:
    with pytest.raises(InvalidStatus) as refused, socket_at(address_of(service, path)):
        pass
    assert refused.value.response.status_code == status
    assert words in json.loads(refused.value.response.body)["detail"]


@pytest.mark.anyio
async def test_a_session_too_many_is_told_so_and_ends_with_its_connection(
    service: LiveService,
) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(4):
            client = await stack.enter_async_context(
                openenv.environment(address_of(service, "exact"))
            )
            await client.reset(reference="a")
        with socket_at(address_of(service, "exact")) as late:
            told = json.loads(late.recv())["data"]
            assert (told["code"], told["active_sessions"], told["max_sessions"]) == (
                *("CAPACITY_REACHED", 4),
                4,
            )
        async with openenv.environment(address_of(service, "exact")) as refused:
            with pytest.raises(RuntimeError, match="CAPACITY_REACHED"):
                await refused.reset(reference="a")
        async with openenv.environment(address_of(service, "exact", "b-secret")) as other:
            await other.reset(reference="a")
            assert (await other.step({"completion": "a"})).reward == 1.0
    wait_until(lambda: _may_reset(service))


def _may_reset(service: LiveService) -> bool:
    with socket_at(address_of(service, "exact")) as client:
        # Who is told that there is no seat may be gone by now.
        with suppress(ConnectionClosed):
            client.send(json.dumps({"type": "reset", "data": {"reference": "a"}}))
        told: bool = json.loads(client.recv())["type"] == "observation"
        return told


def test_who_does_not_wait_for_answers_is_not_served(service: LiveService) -> None:
    with socket_at(address_of(service, "code")) as client:
        client.send(json.dumps({"type": "reset", "data": {"reference": SLOW}}))
        client.recv()
        for _ in range(2):
            client.send(json.dumps({"type": "step", "data": {"completion": sleeping(5)}}))
        with pytest.raises(ConnectionClosed, match="one frame at a time"):
            client.recv()


@pytest.mark.anyio
async def test_a_client_that_gives_up_leaves_nothing_behind(service: LiveService) -> None:
    async with openenv.environment(address_of(service, "code")) as client:
        await client.reset(reference=SLOW)
        with openenv.impatient(client), pytest.raises(TimeoutError):
            await client.step({"completion": sleeping(5)})
        # On a connection that is made anew, which has no episode and is no policy's fault.
        with pytest.raises(RuntimeError, match="EXECUTION_ERROR"):
            await client.step({"completion": sleeping(5)})
    wait_until(lambda: _running(service) == 1)


def _running(service: LiveService) -> float:
    with httpx.Client(base_url=service.url, timeout=60, trust_env=False) as client:
        text = client.get("/metrics", headers={"Authorization": "Bearer w-secret"}).text
    (line,) = [
        line for line in text.splitlines() if line.startswith("touchstone_requests_running ")
    ]
    return float(line.split()[1])


def test_a_process_that_may_not_wait_ends_sessions_with_steps_under_way() -> None:
    with start_service({"WORKERS": "1"}) as service:
        service.await_ready()
        with socket_at(f"{service.url}/compat/openenv/code") as busy:
            busy.send(json.dumps({"type": "reset", "data": {"reference": SLOW}}))
            busy.recv()
            step = {"type": "step", "data": {"completion": sleeping(30)}}
            busy.send(json.dumps(step))
            wait_until(lambda: _sent(service) == 1)
            service.process.send_signal(signal.SIGTERM)
            service.await_said("draining")
            service.process.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed, match="1012"):
                busy.recv()
        assert service.process.wait(60) == 0
        assert "Exception in ASGI" not in "".join(service.log)


@pytest.mark.anyio
async def test_a_process_that_stops_finishes_the_step_and_ends_its_sessions() -> None:
    with start_service({"WORKERS": "1"}) as service:
        service.await_ready()
        address = f"{service.url}/compat/openenv/code"
        body = json.dumps({"type": "step", "data": {"completion": sleeping(10)}})
        with socket_at(address) as idle, socket_at(address) as busy:
            busy.send(json.dumps({"type": "reset", "data": {"reference": SLOW}}))
            busy.recv()
            busy.send(body)
            wait_until(lambda: _sent(service) == 1)
            service.process.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed, match="1012"):
                idle.recv()
            with pytest.raises(ConnectionError, match="HTTP 503"):
                async with openenv.environment(address):
                    pass
            assert json.loads(busy.recv())["data"]["reward"] == 1.0
            with pytest.raises(ConnectionClosed, match="1012"):
                busy.recv()
        assert service.process.wait(60) == 0
        assert "Exception in ASGI" not in "".join(service.log)


def _sent(service: LiveService) -> float:
    """The items that workers hold."""
    text = service.client.get("/metrics").text
    lines = [line for line in text.splitlines() if line.startswith("touchstone_pending_chunks{")]
    return sum(float(line.split()[1]) for line in lines)


@pytest.mark.anyio
async def test_a_session_in_which_nothing_happens_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openenv_sessions, "_IDLE_S", 0.01)
    settings, sent = Settings(), []
    coming = asyncio.Queue[Message]()
    coming.put_nowait({"type": "websocket.connect"})

    async def send(message: Message) -> None:
        sent.append(message)

    app = SimpleNamespace(state=SimpleNamespace(limits=Limits(settings), broker=None))
    scope = {"type": "websocket", "app": app, "headers": [], "state": {"tenant": "anybody"}}
    within = Within(settings, Drain(), Seats(settings))
    await hold_session(WebSocket(scope, coming.get, send), Space(Recipe(), None), within)
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
    assert sent[1]["code"] == 1001
