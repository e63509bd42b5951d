"""open-instruct's wire, by recorded requests: it is not on PyPI."""

from __future__ import annotations

import base64
import json
import pickle
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest

from service.items import Answer
from service.wires.contract import Recipe
from service.wires.open_instruct import ROUTES
from tests.live import LiveService
from tests.wires.boxless import boxless_service
from tests.wires.clients import open_instruct
from tests.wires.clients.open_instruct import RECORDED_ASSERTS, RECORDED_STDIO
from tests.wires.faults import BODY_BYTES, address, faulty_service

pytestmark = pytest.mark.anyio

ASSERTS, STDIO = "/test_program", "/test_program_stdio"
ADD = "def add(a, b):\n    return a + b"


@pytest.fixture(scope="module")
def service() -> Iterator[LiveService]:
    with faulty_service() as service:
        yield service


# Any: JSON, here and below.
def _told(service: LiveService, path: str, body: object) -> Any:
    response = service.client.post(address(service, path), json=body)
    assert response.status_code == 200, response.text
    return response.json()


def _asserts(*tests: str, program: str = ADD, **more: object) -> dict[str, object]:
    return {"program": program, "tests": list(tests), **more}


@pytest.mark.parametrize("prefix", ["", "/compat/open_instruct"])
async def test_recorded_requests_get_the_share_that_passes(
    service: LiveService, prefix: str
) -> None:
    asserts, stdio = (address(service, prefix + path) for path in (ASSERTS, STDIO))
    assert await open_instruct.code_score(asserts, RECORDED_ASSERTS) == 0.5
    assert await open_instruct.code_score(stdio, RECORDED_STDIO) == 1.0
    penalised = await open_instruct.code_score(stdio, RECORDED_STDIO, has_perf_penalty=True)
    assert 0.5 < penalised < 1


@pytest.mark.parametrize(
    ("body", "results"),
    [
        (_asserts("assert add(1, 2) == 3", "assert add(1, 2) == 4"), [1, 0]),
        (_asserts("assert add(1, 2) == 3\nassert add(1, 2) == 4"), [0]),
        (_asserts("assert add(1, 2) == 3", program="def add(a, b):"), [0]),
        (_asserts("assert add(1, 2) == 3", program="exit(0)"), [0]),
        (_asserts("assert add(1, 2) == 3", program=""), [0]),
        (
            _asserts(
                "assert loop(1)", "assert loop(0)", "assert loop(1)",
                program="def loop(n):\n    while n: pass\n    return True", max_execution_time=1.0,
            ),
            [0, 1, 0],
        ),
    ],
)  # fmt: skip
def test_each_assert_is_told_by_itself(service: LiveService, body: Any, results: list[int]) -> None:
    told = _told(service, ASSERTS, body)
    assert told["results"] == results
    assert [runtime > 0 for runtime in told["runtimes"]] == [bool(one) for one in results]


def test_each_of_many_cases_is_told_by_itself(service: LiveService) -> None:
    cases = [{"input": f"{n}\n", "output": f"{min(2 * n, 40)}\n"} for n in range(25)]
    body = {"program": "print(int(input()) * 2)", "tests": cases, "max_execution_time": 6.0}
    assert _told(service, STDIO, body)["results"] == [1] * 21 + [0] * 4


def test_tests_may_be_json_text(service: LiveService) -> None:
    body = {**RECORDED_ASSERTS, "tests": json.dumps(RECORDED_ASSERTS["tests"])}
    assert _told(service, ASSERTS, body)["results"] == [1, 0]


def test_pickled_tests_are_refused_unread(service: LiveService) -> None:
    packed = base64.b64encode(zlib.compress(pickle.dumps(["assert add(1, 2) == 3"]))).decode()
    response = service.client.post(address(service, ASSERTS), json=_asserts() | {"tests": packed})
    assert response.status_code == 422
    assert "json.dumps" in response.json()["detail"]


async def test_a_fault_of_ours_is_503_and_no_score() -> None:
    with boxless_service() as service, pytest.raises(httpx.HTTPStatusError) as raised:
        await open_instruct.code_score(service.url + ASSERTS, RECORDED_ASSERTS)
    assert raised.value.response.status_code == 503


def test_its_clock_is_kept() -> None:
    for most_s, clock_s in ((1.0, 30), (6.0, 60), (100.0, 300)):
        question = ROUTES[0].read(_asserts("assert 1", max_execution_time=most_s), Recipe())
        assert question.patience_s is not None
        assert clock_s - 5 < question.patience_s < clock_s


def test_a_body_too_large_is_413(service: LiveService) -> None:
    body = _asserts("assert 1", program="#" * BODY_BYTES)
    assert service.client.post(address(service, ASSERTS), json=body).status_code == 413


def test_no_credential_is_401(service: LiveService) -> None:
    assert service.client.post(ASSERTS, json=RECORDED_ASSERTS).status_code == 401


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        (ASSERTS, [], "program"),
        (ASSERTS, {"tests": ["assert 1"]}, "program"),
        (ASSERTS, {"program": ""}, "tests"),
        (ASSERTS, {"program": "", "tests": []}, "tests"),
        (ASSERTS, {"program": "", "tests": "{}"}, "tests"),
        (ASSERTS, {"program": "", "tests": [1]}, "tests.0"),
        (ASSERTS, {"program": "", "tests": [""] * 1_001}, "1001"),
        (ASSERTS, {"program": "", "tests": ["assert 1"], "max_execution_time": 0}, "max_exec"),
        (ASSERTS, _asserts("assert ("), "bad_tests"),
        (ASSERTS, _asserts("assert add(1, 2) == 3", "x = 1"), "sample 1: code: bad_tests"),
        (STDIO, {"program": "", "tests": ["1"]}, "tests.0"),
        (STDIO, {"program": "", "tests": [{"input": "1"}]}, "tests.0.output"),
    ],
)
def test_what_cannot_be_tested_is_422_and_names_the_field(
    service: LiveService, path: str, body: object, named: str
) -> None:
    response = service.client.post(address(service, path), json=body)
    assert response.status_code == 422
    assert named in response.json()["detail"]


def test_what_a_verdict_does_not_tell_has_not_passed() -> None:
    grade = {"detail": {"results": [{"case": "loading", "outcome": "passed", "cpu_s": 0.1}]}}
    question = ROUTES[0].read(_asserts("assert 1"), Recipe())
    told = question.tell([Answer(orjson.dumps({"grades": [grade]}), 1.0, "g")])
    assert json.loads(told) == {"results": [0], "runtimes": [-1.0]}
