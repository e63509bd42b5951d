"""OpenEnv's own client, and those of verifiers and ms-swift around it, against a real service."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any

import pytest

from service.wires.openenv import PATIENCE_S
from tests.live import LiveService
from tests.wires.clients import openenv, swift, verifiers
from tests.wires.faults import address, faulty_service
from tests.wires.openenv_service import ADDS, CASES, SLOW, address_of, guarded_service, sleeping


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    with guarded_service(tmp_path_factory.mktemp("presets")) as service:
        yield service


REWARDS: list[tuple[str, dict[str, Any], str, float]] = [
    ("math", {"prompt": "1+1", "reference": "2"}, "so \\boxed{2}", 1.0),
    ("math", {"prompt": "1+1", "reference": "2"}, "so \\boxed{3}", 0.0),
    ("math", {"prompt": "1+1", "reference": {"answer": "2"}}, "\\boxed{2}", 1.0),
    ("math", {"question": "1+1", "answer": "2", "seed": 7}, "\\boxed{2}", 1.0),
    ("math", {"prompt": [{"role": "user", "content": "1+1"}], "reference": 2}, "\\boxed{2}", 1.0),
    ("p/strict", {"prompt": "1+1", "reference": "2"}, "\\boxed{2}", 1.0),
    ("p/strict", {"prompt": "1+1", "reference": "2"}, "the answer is 2", 0.0),
    ("code", {"reference": {"tests": CASES}}, f"```python\n{ADDS}\n```", 1.0),
    ("code", {"reference": {"tests": json.dumps(CASES)}}, ADDS, 1.0),
    ("code", {"tests": CASES}, "I do not know.", 0.0),
]


@pytest.mark.parametrize(("path", "reset", "completion", "reward"), REWARDS)
@pytest.mark.anyio
async def test_a_completion_is_paid_what_it_is_worth(
    service: LiveService, path: str, reset: dict[str, Any], completion: str, reward: float
) -> None:
    async with openenv.environment(address_of(service, path)) as client:
        begun = await client.reset(**reset)
        assert begun.observation["prompt"] == reset.get("prompt")
        assert (begun.reward, begun.done) == (None, False)
        stepped = await client.step({"completion": completion})
        assert (stepped.reward, stepped.done) == (reward, True)
        assert stepped.observation["status"] == "graded"
        assert set(stepped.observation["reasons"]) == set((stepped.metadata or {})["scores"])


@pytest.mark.anyio
async def test_a_session_tells_its_state_and_begins_anew_at_every_reset(
    service: LiveService,
) -> None:
    async with openenv.environment(address_of(service, "exact")) as client:
        assert await client.state() == {"episode_id": None, "step_count": 0}
        await client.reset(reference="a", episode_id="mine")
        await client.reset(reference="b")
        began = await client.state()
        assert (began["step_count"], len(began["episode_id"])) == (0, 32)
        assert (await client.step({"completion": "b", "metadata": {}})).reward == 1.0
        assert await client.state() == {**began, "step_count": 1}
        with pytest.raises(RuntimeError, match=r"reset first \(code: EXECUTION_ERROR\)"):
            await client.step({"completion": "b"})
        await client.reset(reference="c", episode_id="again")
        assert await client.state() == {"episode_id": "again", "step_count": 0}
        assert (await client.step({"completion": "b"})).reward == 0.0


@pytest.mark.anyio
async def test_whose_fault_it_is_decides_the_code_of_an_error(service: LiveService) -> None:
    """A client that takes VALIDATION_ERROR at a step for the policy's fault pays 0 for it."""
    async with openenv.environment(address_of(service, "math")) as client:
        with pytest.raises(RuntimeError, match=r"reset first .*\(code: EXECUTION_ERROR\)"):
            await client.step({"completion": "\\boxed{2}"})
        with pytest.raises(RuntimeError, match=r"reference\.answer: .*VALIDATION_ERROR"):
            await client.reset(prompt="1+1")
        with pytest.raises(RuntimeError, match=r"prompt: .*VALIDATION_ERROR"):
            await client.reset(prompt=7, reference="2")
        with pytest.raises(RuntimeError, match=r"episode_id: .*VALIDATION_ERROR"):
            await client.reset(reference="2", episode_id="x" * 256)
        await client.reset(reference="2")
        with pytest.raises(RuntimeError, match=r"data\.completion: .*VALIDATION_ERROR"):
            await client.step({"answer": "\\boxed{2}"})
        assert (await client.step({"completion": "\\boxed{2}"})).reward == 1.0
        await client.reset(reference="\\frac{1}{")
        with pytest.raises(RuntimeError, match=r"math: unparsed_gold.*EXECUTION_ERROR"):
            await client.step({"completion": "\\boxed{2}"})


def test_our_patience_ends_before_that_of_the_client() -> None:
    asked = inspect.signature(openenv.environment).parameters["message_timeout_s"].default
    assert asked == 60.0
    assert asked - 10 < PATIENCE_S < asked


def test_a_step_over_http_brings_its_task_along(service: LiveService) -> None:
    post = service.client.post
    body = {"action": {"completion": "\\boxed{2}"}, "reference": "2", "request_id": "7"}
    answer = post("/compat/openenv/math/step", json=body)
    assert answer.status_code == 200
    told = answer.json()
    assert (told["reward"], told["done"]) == (1.0, True)
    assert set(told) == {"observation", "reward", "done", "metadata"}
    begun = post("/compat/openenv/math/reset", json={"prompt": "1+1", "reference": "2"}).json()
    assert begun == {
        "observation": {"prompt": "1+1", "metadata": {}},
        "reward": None,
        "done": False,
    }
    for wrong, words in (
        ({"reference": "2"}, "action: Field required"),
        ({"action": {"text": "2"}, "reference": "2"}, "action.completion: Field required"),
        ({"action": {"completion": "2"}}, "reference.answer: Field required"),
        (body | {"timeout_s": 0}, "timeout_s: "),
    ):
        refused = post("/compat/openenv/math/step", json=wrong)
        assert (refused.status_code, refused.json()["detail"][: len(words)]) == (422, words)
    large = post("/compat/openenv/math/step", json=body | {"prompt": "x" * 200_000})
    assert large.status_code == 413


def test_a_step_over_http_that_is_not_scored_in_time_has_no_number(service: LiveService) -> None:
    body = {"action": {"completion": sleeping(5)}, "reference": SLOW, "timeout_s": 1}
    answer = service.client.post("/compat/openenv/code/step", json=body)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1
    assert "reward" not in answer.json()


@pytest.mark.parametrize("path", ["math", "p/strict", "code/turns/4"])
def test_its_own_check_of_an_environment_passes(service: LiveService, path: str) -> None:
    report = openenv.report(address_of(service, path))
    assert report["passed"] is (path != "code/turns/4"), report["summary"]
    schema = service.client.get(f"/compat/openenv/{path}/schema").json()
    assert schema["action"]["required"] == ["completion"]


@pytest.mark.anyio
async def test_verifiers_is_paid_for_what_its_model_answers(service: LiveService) -> None:
    reset = {"prompt": "What is 1+1?", "reference": "2"}
    reward, (asked, *_) = await verifiers.openenv(
        address_of(service, "math"), ["\\boxed{2}"], reset
    )
    assert reward == 1.0
    assert "What is 1+1?" in str(asked)
    assert (await verifiers.openenv(address_of(service, "math"), ["2"], reset))[0] == 1.0
    # It takes the fence off, and makes an action of an object.
    program = {"reference": {"tests": CASES}}
    answer = f"```python\n{ADDS}\n```"
    assert (await verifiers.openenv(address_of(service, "code"), [answer], program))[0] == 1.0
    answer, wanted = '{"a": 1}', {"reference": {"answer": {"a": 1}}}
    assert (await verifiers.openenv(address_of(service, "json"), [answer], wanted))[0] == 1.0


@pytest.mark.anyio
async def test_ms_swift_is_paid_for_its_action(service: LiveService) -> None:
    reset = {"prompt": "1+1", "reference": "2"}
    for answer, reward in (("\\boxed{2}", 1.0), ("\\boxed{3}", 0.0)):
        action = {"completion": answer}
        assert swift.openenv(address_of(service, "math"), action, reset) == (reward, True)


@pytest.mark.anyio
async def test_after_a_reset_that_failed_no_step_is_graded_by_the_task_before(
    service: LiveService,
) -> None:
    async with openenv.environment(address_of(service, "exact")) as client:
        await client.reset(reference="a")
        with pytest.raises(RuntimeError, match="VALIDATION_ERROR"):
            await client.reset(reference={"answer": None})
        with pytest.raises(RuntimeError, match=r"reset first .*EXECUTION_ERROR"):
            await client.step({"completion": "a"})


@pytest.mark.anyio
async def test_a_fault_of_ours_is_an_error_and_the_step_may_be_taken_again() -> None:
    with faulty_service() as service:
        async with openenv.environment(address(service, "/compat/openenv/exact")) as client:
            await client.reset(reference="a")
            with pytest.raises(RuntimeError, match=r"internal_error.*EXECUTION_ERROR"):
                await client.step({"completion": "fault"})
            assert (await client.state())["step_count"] == 0
            stepped = await client.step({"completion": "a"})
            assert (stepped.reward, stepped.done) == (1.0, True)
