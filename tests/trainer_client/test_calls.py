"""One call as a trainer makes it: what goes over the wire, and what comes back."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from types import MappingProxyType

import pytest

import trainer_client
from tests.trainer_client.conftest import Ask
from tests.trainer_client.stub_service import (
    Reply,
    StubService,
    grade_json,
    grader_json,
    verdict_json,
)
from trainer_client import (
    AsyncClient,
    BadResponse,
    Client,
    Grade,
    GraderInfo,
    GroupStats,
    RequestRefused,
    Verdict,
)

MATH = [{"name": "math"}]


def _items(*completions: str) -> list[dict[str, object]]:
    return [{"id": f"item-{index}", "completion": text} for index, text in enumerate(completions)]


def test_the_door_exports_what_it_says() -> None:
    named = {
        name
        for name, value in vars(trainer_client).items()
        if getattr(value, "__module__", "").startswith("trainer_client.")
        or name in {"Outcome", "ReferenceOutcome"}
    }
    assert trainer_client.__all__ == sorted(trainer_client.__all__)
    assert set(trainer_client.__all__) == named


def test_the_example_in_the_docstring_runs(service: StubService) -> None:
    text = trainer_client.__doc__ or ""
    example = "\n".join(re.findall(r"^    (.*)$", text, re.MULTILINE))
    names: dict[str, object] = {}
    exec(example.replace("http://127.0.0.1:8000", service.url), names)  # noqa: S102 - our own text
    assert names["rewards"] == [1.0, 0.0]
    assert service.seen[0].json()["items"][0]["completion"] == r"so \boxed{4}"


def test_a_batch_is_one_post_answered_in_order(ask: Ask, service: StubService) -> None:
    completions = [str(number) for number in range(50)]
    verdicts = ask(service.url, "grade", _items(*completions), MATH, deadline_s=30.0)

    assert [verdict.id for verdict in verdicts] == [f"item-{number}" for number in range(50)]
    assert [verdict.reward for verdict in verdicts] == [
        1.0 if text.endswith("4") else 0.0 for text in completions
    ]
    (seen,) = service.seen
    assert (seen.method, seen.path) == ("POST", "/v1/grade")
    assert seen.headers["content-type"] == "application/json"
    assert re.fullmatch(r"[0-9a-f]{32}", seen.headers["idempotency-key"])
    assert json.loads(seen.body) == {
        "graders": MATH,
        "items": _items(*completions),
        "deadline_s": 30.0,
    }


def test_what_is_not_given_is_not_sent(ask: Ask, service: StubService) -> None:
    ask(service.url, "grade", [{"completion": "4", "graders": MATH}])
    assert json.loads(service.seen[0].body) == {
        "graders": [],
        "items": [{"completion": "4", "graders": MATH}],
    }


def test_no_items_need_no_call(ask: Ask, service: StubService) -> None:
    assert ask(service.url, "grade", [], MATH) == []
    assert service.seen == []


def test_mappings_of_any_kind_are_items(ask: Ask, service: StubService) -> None:
    item = MappingProxyType(
        {"completion": "4", "reference": MappingProxyType({"answer": ("4", 4)})}
    )
    ask(service.url, "grade", (item,), MATH)
    assert service.seen[0].json()["items"] == [
        {"completion": "4", "reference": {"answer": ["4", 4]}}
    ]


def test_verdicts_are_typed_and_null_stays_none(ask: Ask, service: StubService) -> None:
    failed = grade_json(score=None, outcome="failed", reason="worker_died")
    verdicts = [
        verdict_json(id="a", later_field={"x": 1}),
        verdict_json(reward=None, outcome="failed", grades=[grade_json(score=0), failed]),
        verdict_json(reward=None, outcome="ungradable", grades=[]),
    ]
    service.script = [Reply(body=json.dumps({"verdicts": verdicts, "later_field": 1}).encode())]
    items = [{"id": "a", "completion": "4"}, {"completion": "4"}, {"completion": 4}]
    first, second, third = ask(service.url, "grade", items, MATH)
    right = Grade(
        grader="math",
        version="1",
        score=1.0,
        outcome="graded",
        reason="equivalent",
        extracted="4",
        flags=("last_number",),
        detail={"tier": 1},
        seconds=0.25,
        cached=False,
    )
    assert first == Verdict(id="a", reward=1.0, outcome="graded", grades=(right,))
    assert (second.reward, second.outcome) == (None, "failed")
    assert [grade.score for grade in second.grades] == [0.0, None]
    assert third == Verdict(id=None, reward=None, outcome="ungradable", grades=())


def test_groups_are_typed_and_null_stays_none(ask: Ask, service: StubService) -> None:
    figures = {
        "items": [0, 1],
        "mean": 1,
        "std": 0.0,
        "advantages": [0.0, None],
        "degenerate": True,
        "pass_rate": 1.0,
    }
    body = {"verdicts": [verdict_json(), verdict_json()], "groups": {"p": figures}}
    service.script = [Reply(body=json.dumps(body).encode())]
    result = ask(service.url, "grade_with_groups", [{"completion": "4"}] * 2, MATH)
    assert result.groups == {
        "p": GroupStats(
            items=(0, 1), mean=1.0, std=0.0, advantages=(0.0, None), degenerate=True, pass_rate=1.0
        )
    }


def test_a_grade_needs_only_its_core_fields(ask: Ask, service: StubService) -> None:
    core = ("grader", "version", "score", "outcome", "reason")
    grade = {name: value for name, value in grade_json().items() if name in core}
    body = json.dumps({"verdicts": [verdict_json(grades=[grade])]}).encode()
    service.script = [Reply(body=body)]
    ((parsed,),) = (verdict.grades for verdict in ask(service.url, "grade", _items("4")))
    assert (parsed.extracted, parsed.flags, parsed.detail) == (None, (), {})
    assert (parsed.seconds, parsed.cached) == (0.0, False)


def test_graders_lists_what_the_service_offers(ask: Ask, service: StubService) -> None:
    service.script = [Reply(body=json.dumps({"graders": [grader_json()]}).encode())]
    assert ask(service.url, "graders") == [
        GraderInfo(
            name="math",
            version="1",
            lane="light",
            score_range=(0.0, 1.0),
            reasons=("equivalent", "different"),
            options={"type": "object"},
            reference={"type": "object", "properties": {"answer": {}}, "required": ["answer"]},
        )
    ]
    assert (service.seen[0].method, service.seen[0].path) == ("GET", "/v1/graders")


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(200), True),
        (Reply(503), False),
        (Reply(404), False),
        (Reply(dropped=True), False),
    ],
)
def test_ready_is_one_attempt(ask: Ask, service: StubService, reply: Reply, expected: bool) -> None:
    service.script = [reply]
    assert ask(service.url, "ready") is expected
    assert [seen.path for seen in service.seen] == ["/readyz"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_no_service_to_wait_for(
    ask: Ask, service: StubService, status: int
) -> None:
    service.script = [Reply(status)]
    with pytest.raises(RequestRefused, match="api_key"):
        ask(service.url, "ready")


def test_a_service_below_a_path_is_reached_there(ask: Ask, service: StubService) -> None:
    ask(service.url + "/touchstone/", "grade", _items("4"))
    assert service.seen[0].path == "/touchstone/v1/grade"


def test_the_key_is_sent_as_bearer_or_as_basic(ask: Ask, service: StubService) -> None:
    ask(service.url, "grade", _items("4"), api_key="k-123")
    ask(service.url.replace("//", "//user:s3cret@"), "grade", _items("4"))
    basic = base64.b64encode(b"user:s3cret").decode()
    assert [seen.headers["authorization"] for seen in service.seen] == [
        "Bearer k-123",
        f"Basic {basic}",
    ]


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_proxies_of_the_environment_are_for_those_who_ask(
    ask: Ask, service: StubService, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for other in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(other, raising=False)
    with StubService().serving() as proxy:
        monkeypatch.setenv(name, proxy.url)
        ask(service.url, "grade", _items("4"))
        assert (len(service.seen), len(proxy.seen)) == (1, 0)
        ask("http://touchstone.invalid", "grade", _items("4"), trust_env=True)
        assert [seen.path for seen in proxy.seen] == ["http://touchstone.invalid/v1/grade"]


def test_calls_share_one_connection_and_have_their_own_keys(service: StubService) -> None:
    with Client(service.url) as client:
        client.grade(_items("4"))
        client.grade(_items("4"))
    assert len({seen.client_port for seen in service.seen}) == 1
    assert len({seen.headers["idempotency-key"] for seen in service.seen}) == 2


def test_clients_close_without_a_with(service: StubService) -> None:
    client = Client(service.url)
    client.grade(_items("4"))
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.grade(_items("4"))

    async def once() -> None:
        other = AsyncClient(service.url)
        await other.grade(_items("4"))
        await other.aclose()
        with pytest.raises(RuntimeError, match="closed"):
            await other.grade(_items("4"))

    asyncio.run(once())


def test_one_async_client_serves_many_calls_at_once(service: StubService) -> None:
    async def calls() -> list[list[Verdict]]:
        async with AsyncClient(service.url) as client:
            return await asyncio.gather(*(client.grade(_items(str(n))) for n in range(20)))

    rewards = [[verdict.reward for verdict in batch] for batch in asyncio.run(calls())]
    assert rewards == [[1.0 if n % 10 == 4 else 0.0] for n in range(20)]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"verdicts": []}, "0 verdicts came back for 1 items: none is used"),
        ({"verdicts": [{"id": None, "outcome": "graded", "grades": []}]},
         "verdicts[0].outcome is not gradable, ungradable or failed"),
        ({"verdicts": [{"id": "b", "outcome": "gradable", "grades": []}]},
         "verdicts[0].id is not the id of the item in its place"),
        ({"verdicts": [{"id": "a", "outcome": "gradable"}]}, "verdicts[0] lacks 'grades'"),
    ],
)  # fmt: skip
def test_a_wrong_shape_of_a_validation_is_named(
    ask: Ask, service: StubService, body: object, words: str
) -> None:
    service.script = [Reply(body=json.dumps(body).encode())]
    with pytest.raises(BadResponse) as caught:
        ask(service.url, "validate", [{"id": "a"}])
    assert words in str(caught.value)
