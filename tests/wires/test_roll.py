"""ROLL's wire, by recorded requests: it is not on PyPI."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
import torch

from service.embedded_redis import EmbeddedRedis
from service.wires.contract import NotForUs, Recipe
from service.wires.recipes import Recipes
from service.wires.roll import TRIES
from service.wires.roll_tasks import Task, task_of
from tests.live import LiveService, start_service
from tests.wires.clients import roll
from tests.wires.clients.roll import RECORDED_HEADERS, RECORDED_TASK
from tests.wires.faults import BODY_BYTES, SECRET, address, faulty_service

pytestmark = pytest.mark.anyio

KEY = {**RECORDED_HEADERS, "XRL-Authorization": f"Bearer {SECRET}"}
RIGHT, WRONG = r"\boxed{2}", r"\boxed{3}"
# ROLL's least, over in a second here; and time for a try to fail by itself, even if kept waiting.
SHORT, ENOUGH = {"timeout": 2}, {"timeout": 20}


@pytest.fixture(scope="module")
def service() -> Iterator[LiveService]:
    with faulty_service() as service:
        yield service


def _task(**changes: object) -> dict[str, object]:
    return {**RECORDED_TASK, **changes}


def _exact(response: str, **changes: object) -> dict[str, object]:
    return _task(response=response, reward_manager=[{"plugin_name": "exact"}], **changes)


async def _scored(
    service: LiveService, task: Mapping[str, object], name: str = "/math"
) -> roll.TaskResult:
    where = f"{service.url}/compat/roll{name}"
    return await roll.get_reward(f"{where}/submit_task", f"{where}/task_result", task, headers=KEY)


def _submitted(service: LiveService, task: object, query: str = "") -> httpx.Response:
    return service.client.post(f"/compat/roll/math/submit_task{query}", json=task, headers=KEY)


def _polled(service: LiveService, body: object, query: str = "") -> httpx.Response:
    where = f"/compat/roll/math/task_result{query}"
    return service.client.request("GET", where, json=body, headers=KEY)


def _ended(service: LiveService, task: object, query: str = "") -> dict[str, Any]:
    """What a task comes to that is submitted once."""
    submitted = _submitted(service, task).raise_for_status().json()
    while True:
        asked = {"reward_request_id": submitted["reward_request_id"]}
        told: dict[str, Any] = _polled(service, asked, query).raise_for_status().json()
        if told["errcode"] != 1:
            return told


@pytest.mark.parametrize(("answer", "score"), [(RIGHT, 1.0), (WRONG, 0.0)])
async def test_a_recorded_task_gets_its_score(
    service: LiveService, answer: str, score: float
) -> None:
    result = await _scored(service, _task(response=answer))
    assert result.reward_score == score
    part = result.dimention_reward_score["math"]
    assert part["score"] == score
    assert part["debug_info"]["math"]["time_cost"] >= 0


async def test_a_recorded_task_is_graded_as_its_plugin_says(service: LiveService) -> None:
    by_plugin = await _scored(service, _exact("2"))
    assert [*by_plugin.dimention_reward_score] == ["exact"]
    nowhere_else = await _scored(service, _exact("2"), name="")
    assert nowhere_else.reward_score == 1.0
    both = _task(reward_manager=[{"plugin_name": "math"}, {"plugin_name": "format"}])
    assert {*(await _scored(service, both, name="")).dimention_reward_score} == {"math", "format"}


@pytest.mark.parametrize(
    ("kind", "cases", "score"),
    [
        ("input", [{"stdin": "3\n", "expected_stdout": "6\n"}], 1.0),
        ("input", json.dumps([{"stdin": "3\n", "expected_stdout": "7\n"}]), 0.0),
        ("assert", [{"assert_code": "assert double(3) == 6"}], 1.0),
        ("pytest", ["def test_double():\n    assert double(3) == 7\n"], 0.0),
        (
            "check_based",
            [{"assert_code": "def check(f):\n    assert f(3) == 6\n", "entry_point": "double"}],
            1.0,
        ),
    ],
)
async def test_recorded_cases_of_a_program_are_run(
    service: LiveService, kind: str, cases: object, score: float
) -> None:
    program = "def double(x):\n    return x * 2\n"
    reads = "print(double(int(input())))\n" if kind == "input" else ""
    task = _task(
        response=f"```python\n{program}{reads}```",
        reward_info={"case_type": kind, "test_cases": cases},
        reward_manager=[{"plugin_name": "code"}],
    )
    assert (await _scored(service, task)).reward_score == score


async def test_a_recorded_task_submitted_again_is_the_same_one(service: LiveService) -> None:
    first = _submitted(service, _task(rollout_id="twice")).json()
    assert _submitted(service, _task(rollout_id="twice")).json() == first
    other = _submitted(service, _task(rollout_id="other")).json()
    assert other["reward_request_id"] != first["reward_request_id"]


def test_after_the_last_recorded_try_there_is_no_number_that_could_be_taken_for_one(
    service: LiveService,
) -> None:
    task = _exact("fault", **ENOUGH)
    for _ in range(TRIES - 1):
        told = _ended(service, task)
        assert (told["errcode"], told["reward_score"]) == (0, None)
        assert "internal_error" in told["errmsg"]
    told = _ended(service, task)
    assert "internal_error" in told["reward_score"]
    # As ROLL makes its batch of rewards.
    with pytest.raises((TypeError, ValueError)):
        torch.tensor([1.0, told["reward_score"]], dtype=torch.float16)


def test_after_the_last_recorded_try_the_number_is_told_that_was_chosen_for_it(
    service: LiveService,
) -> None:
    task = _exact("fault", rollout_id="falls back", **ENOUGH)
    told = [_ended(service, task, "?fallback=-0.5")["reward_score"] for _ in range(TRIES)]
    assert told == [*[None] * (TRIES - 1), -0.5]


def test_a_recorded_task_that_no_try_can_grade_says_so_at_once(service: LiveService) -> None:
    told = _ended(service, _task(reward_info={}))
    assert "ungradable" in told["reward_score"]
    assert "answer" in told["reward_score"]


def test_a_recorded_task_that_nobody_gets_to_is_to_be_submitted_again(
    redis_server: EmbeddedRedis,
) -> None:
    with start_service({"REDIS_URL": redis_server.url}, ("api",)) as service:
        told = _ended(service, _task(**SHORT))
    assert (told["errcode"], told["reward_score"]) == (0, None)
    assert "deadline" in told["errmsg"]


def test_a_recorded_task_that_is_not_known_is_to_be_submitted_again(service: LiveService) -> None:
    told = _polled(service, {"reward_request_id": "0123-1"}).json()
    assert (told["errcode"], told["reward_score"]) == (0, None)


def test_a_job_of_several_items_is_no_recorded_task(service: LiveService) -> None:
    item = {"completion": RIGHT, "reference": {"answer": "2"}}
    shown = {"Authorization": f"Bearer {SECRET}"}
    asked = {"graders": [{"name": "math"}], "items": [item, item]}
    job = service.client.post("/v1/jobs", json=asked, headers=shown).json()["id"]
    told = _polled(service, {"reward_request_id": f"{job}-1"})
    assert (told.status_code, told.json()["reward_score"]) == (200, None)


async def test_a_recorded_task_without_a_credential_is_refused(service: LiveService) -> None:
    where = "/compat/roll/math/submit_task"
    headers = dict(RECORDED_HEADERS)
    assert service.client.post(where, json=RECORDED_TASK, headers=headers).status_code == 401
    # Its own header says something in any case; a credential in the URL goes before it.
    by_url = f"{address(service, '/compat/roll/math')}"
    result = await roll.get_reward(
        f"{by_url}/submit_task", f"{by_url}/task_result", RECORDED_TASK, headers=headers
    )
    assert result.reward_score == 1.0


def test_the_header_of_roll_is_a_credential_nowhere_else(service: LiveService) -> None:
    assert service.client.get("/v1/graders", headers=KEY).status_code == 401


def test_a_recorded_task_too_large_is_413(service: LiveService) -> None:
    assert _submitted(service, _task(response="x" * BODY_BYTES)).status_code == 413


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"response": None}, "response"),
        ({"reward_info": "2"}, "reward_info"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": "300"}, "timeout"),
    ],
)
def test_what_is_no_recorded_task_is_422_and_names_the_field(
    service: LiveService, changes: Mapping[str, object], named: str
) -> None:
    told = _submitted(service, _task(**changes))
    assert told.status_code == 422
    assert told.json()["detail"].startswith(named)


def test_a_poll_without_an_id_is_422_and_other_methods_405(service: LiveService) -> None:
    told = _polled(service, {})
    assert told.status_code == 422
    assert "reward_request_id" in told.json()["detail"]
    refused = service.client.get("/compat/roll/math/submit_task", headers=KEY)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")


# The mapping

RECIPES = Recipes({}, text_chars=1_000)


def _read(info: object, *plugins: object, grader: str | None = "math", **more: object) -> Task:
    managers = [{"plugin_name": plugin} for plugin in plugins]
    recipe = Recipe()
    if grader is not None:
        recipe = RECIPES.read(grader, "", parameters=(), tries=1)
    body = _task(reward_info=info, reward_manager=managers, **more)
    return task_of(body, recipe, RECIPES)


STDIO = [{"stdin": "1", "expected_stdout": "2"}]


@pytest.mark.parametrize(
    ("grader", "info", "reference"),
    [
        ("math", {"ground_truth": "2"}, {"answer": "2"}),
        ("math", {"answer": "2", "source": "aime"}, {"answer": "2"}),
        ("format", None, {}),
        (
            "code",
            {"case_type": "input", "test_cases": STDIO},
            {"tests": {"mode": "stdio", "hidden": [{"stdin": "1", "stdout": "2"}]}},
        ),
        ("code", {"test_cases": {"inputs": ["1"]}}, {"tests": {"inputs": ["1"]}}),
        (
            "code",
            {
                "case_type": "check_based",
                "test_cases": [{"assert_code": "s", "entry_point": "f", "import_prefix": "p"}],
            },
            {"tests": {"mode": "asserts", "setup": "p", "source": "s", "entry": "f"}},
        ),
    ],
)
def test_what_a_reward_is_told_of_is_the_reference(
    grader: str, info: object, reference: Mapping[str, Any]
) -> None:
    assert _read(info, grader=grader).item["reference"] == reference


@pytest.mark.parametrize(
    ("grader", "plugins", "graders"),
    [
        ("math", [], ["math"]),
        ("math", ["some_plugin", None], ["math"]),
        ("math", ["exact"], ["exact"]),
        ("math", ["exact", "math"], ["math"]),
        (None, ["math", "format", "some_plugin"], ["math", "format"]),
    ],
)
def test_plugins_with_the_name_of_a_grader_are_that_grader(
    grader: str | None, plugins: list[object], graders: list[str]
) -> None:
    task = _read({"ground_truth": "2"}, *plugins, grader=grader)
    assert [call.name for call in task.graders] == graders


@pytest.mark.parametrize(
    ("info", "grader", "message"),
    [
        ({"ground_truth": "2"}, None, "plugin_name"),
        ({"case_type": "text", "test_cases": ["x"]}, "code", "case_type"),
        ({"case_type": "input", "test_cases": "x"}, "code", "test_cases"),
        ({"case_type": "input", "test_cases": "2"}, "code", "test_cases"),
        ({"case_type": "input", "test_cases": ["x"]}, "code", "test_cases"),
        ({"case_type": "check_based", "test_cases": [{}, {}]}, "code", "test_cases"),
    ],
)
def test_what_is_not_offered_says_which_field_it_is(
    info: object, grader: str | None, message: str
) -> None:
    with pytest.raises(NotForUs, match=message):
        _read(info, grader=grader)
