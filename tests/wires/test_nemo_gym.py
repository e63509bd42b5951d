"""NeMo Gym's wire, by the clients of NeMo Gym itself, verifiers and axolotl."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from graders.registry import GRADERS
from service.wires.nemo_gym import ROUTES
from tests.live import LiveService
from tests.wires.clients import nemo_gym, verifiers
from tests.wires.clients.axolotl import Axolotl
from tests.wires.clients.verifiers import Conversation
from tests.wires.failing_worker import SLOW_S
from tests.wires.faults import BODY_BYTES, SECRET, address, faulty_service

pytestmark = pytest.mark.anyio

PROMPT = "1+1"
PARAMS = {"input": [{"role": "user", "content": PROMPT}]}
ROW: dict[str, Any] = {
    "responses_create_params": PARAMS,
    "question": PROMPT,
    "expected_answer": "2",
}
RIGHT, WRONG = r"\boxed{2}", r"\boxed{3}"
MATH = "/compat/nemo_gym/math"
EXACT = "/compat/nemo_gym/exact"
PRESETS = {
    "r1": {"graders": [{"name": "math"}, {"name": "format", "options": {"style": "think"}}]},
    "lenient": {"graders": [{"name": "exact"}], "fallback": -0.5},
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    presets = tmp_path_factory.mktemp("presets") / "presets.json"
    presets.write_text(json.dumps(PRESETS))
    with faulty_service({"PRESETS_FILE": str(presets)}) as service:
        yield service


def _key() -> dict[str, str]:
    return {"Authorization": f"Bearer {SECRET}"}


def _posted(service: LiveService, path: str, body: object) -> httpx.Response:
    return service.client.post(path, json=body, headers=_key())


def answered(*output: Mapping[str, Any]) -> dict[str, Any]:
    return ROW | {"response": {"output": list(output)}}


def message(*texts: str) -> dict[str, Any]:
    parts = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
    return {"id": "msg", "type": "message", "role": "assistant", "content": parts}


# verifiers


@pytest.mark.parametrize(("answer", "reward"), [(RIGHT, 1.0), (WRONG, 0.0)])
async def test_verifiers_gets_the_reward(service: LiveService, answer: str, reward: float) -> None:
    said = Conversation(PROMPT, f"It is {answer}.")
    scored = await verifiers.nemo_gym(service.url + MATH, ROW, said, headers=_key())
    assert scored.rewards == {"nemo_gym": reward}
    told = scored.info["nemo_gym"]
    assert (told["outcome"], told["extracted_answer"]) == ("graded", answer[7:-1])
    assert told["expected_answer"] == "2"


async def test_verifiers_gets_a_metric_of_each_grader_of_a_preset(service: LiveService) -> None:
    said = Conversation(PROMPT, RIGHT, reasoning="one and one")
    scored = await verifiers.nemo_gym(
        service.url + "/compat/nemo_gym/p/r1", ROW, said, headers=_key()
    )
    assert scored.rewards == {"nemo_gym": 2.0}
    assert scored.metrics == {"math_score": 1.0, "format_score": 1.0}


async def test_verifiers_raises_its_own_error_where_our_grader_fails(service: LiveService) -> None:
    said = Conversation(PROMPT, "fault")
    with pytest.raises(Exception, match="503") as raised:
        await verifiers.nemo_gym(service.url + EXACT, ROW, said, headers=_key())
    assert type(raised.value).__name__ == "TaskError"


async def test_verifiers_raises_its_own_error_where_it_has_waited_too_long(
    service: LiveService,
) -> None:
    said = Conversation(PROMPT, "slow")
    with pytest.raises(Exception, match="Timeout") as raised:
        await verifiers.nemo_gym(
            service.url + EXACT, ROW, said, headers=_key(), timeout_s=SLOW_S / 8
        )
    assert type(raised.value).__name__ == "TaskError"


async def test_verifiers_raises_its_own_error_without_a_credential(service: LiveService) -> None:
    with pytest.raises(Exception, match="401"):
        await verifiers.nemo_gym(service.url + MATH, ROW, Conversation(PROMPT, RIGHT))


# NeMo Gym


@pytest.mark.parametrize(("answer", "reward"), [(RIGHT, 1.0), (WRONG, 0.0)])
async def test_nemo_gym_takes_the_reply(service: LiveService, answer: str, reward: float) -> None:
    where = address(service, MATH)
    told = await nemo_gym.rollout(where, ROW, nemo_gym.response(answer))
    assert (told["reward"], told["mask_sample"]) == (reward, False)


async def test_nemo_gym_raises_where_our_grader_fails(service: LiveService) -> None:
    with pytest.raises(Exception, match="503"):
        await nemo_gym.rollout(address(service, EXACT), ROW, nemo_gym.response("fault"))


async def test_nemo_gym_leaves_a_sample_out_that_has_the_number_of_a_preset(
    service: LiveService,
) -> None:
    where = address(service, "/compat/nemo_gym/p/lenient")
    told = await nemo_gym.rollout(where, ROW, nemo_gym.response("fault"))
    assert (told["reward"], told["mask_sample"]) == (-0.5, True)
    assert told["failure_kind"] == "verifier_error"


# axolotl


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one way to give axolotl's requests a credential."""
    file = tmp_path / "netrc"
    file.write_text(f"machine 127.0.0.1 login trainer password {SECRET}\n")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))


def _axolotl(service: LiveService, answers: list[str], server: str, **row: Any) -> list[float]:
    axolotl = Axolotl()
    axolotl.verify_addresses(httpx.URL(service.url).port or 0)
    return axolotl.rewards(
        [[{"role": "assistant", "content": answer}] for answer in answers],
        prompts=[[{"role": "user", "content": PROMPT}]] * len(answers),
        servers=[server] * len(answers),
        extras=[ROW | row] * len(answers),
    )


@pytest.mark.usefixtures("netrc")
def test_axolotl_finds_every_grader_and_preset_of_our_head_server(service: LiveService) -> None:
    port = httpx.URL(service.url).port or 0
    found = Axolotl().verify_addresses(port)
    assert set(found) == {*GRADERS, "p/lenient", "p/r1"}
    assert found["math"] == f"{service.url}{MATH}/verify"
    assert _axolotl(service, [RIGHT, WRONG], "math") == [1.0, 0.0]
    assert _axolotl(service, [f"<think>so</think> {RIGHT}"], "p/r1") == [2.0]


@pytest.mark.usefixtures("netrc")
def test_the_plugin_of_axolotl_is_content_with_our_head_server(service: LiveService) -> None:
    found = Axolotl().plugin_addresses(httpx.URL(service.url).port or 0)
    assert found["exact"] == f"{service.url}{EXACT}/verify"
    chats = [[{"role": "assistant", "content": answer}] for answer in ("2", "3")]
    prompts = [[{"role": "user", "content": PROMPT}]] * 2
    rewards = Axolotl().rewards_of_plugin(
        chats, prompts=prompts, addresses=found, servers=["exact"] * 2, extras=[ROW] * 2
    )
    assert rewards == [1.0, 0.0]


@pytest.mark.usefixtures("netrc")
def test_axolotl_ends_its_step_where_our_grader_fails(service: LiveService) -> None:
    with pytest.raises(TypeError):
        _axolotl(service, ["fault"], "exact")


def test_axolotl_finds_nothing_without_a_credential(service: LiveService) -> None:
    assert Axolotl().verify_addresses(httpx.URL(service.url).port or 0) == {}


# The routes


def test_every_caller_waits_longer_than_we_do() -> None:
    assert all(route.patience_s < 30 for route in ROUTES)


@pytest.mark.parametrize(
    ("tests", "program", "reward"),
    [
        ({"inputs": ["3\n"], "outputs": ["6\n"], "fn_name": None}, "print(int(input())*2)", 1.0),
        ({"inputs": ["3\n"], "outputs": ["7\n"], "fn_name": None}, "print(int(input())*2)", 0.0),
    ],
)
def test_programs_are_run_over_the_unit_tests_of_the_row(
    service: LiveService, tests: object, program: str, reward: float
) -> None:
    body = answered(message(f"```python\n{program}\n```"))
    body["verifier_metadata"] = {"unit_tests": tests}
    told = _posted(service, "/compat/nemo_gym/code/verify", body)
    assert told.status_code == 200, told.text
    assert told.json()["reward"] == reward


def test_a_session_holds_nothing(service: LiveService) -> None:
    for path in ("seed_session", "close_session"):
        assert _posted(service, f"{MATH}/{path}", ROW).json() == {}
        body = {"resources_session_id": "s", "episode_id": "e", "task_id": "t", "task_data": {}}
        assert _posted(service, f"{MATH}/{path}", body).json() == {"resources_session_id": "s"}
    mode = service.client.get(f"{MATH}/reverify_mode", headers=_key())
    assert mode.json() == "stateless"


def test_a_body_too_large_is_413(service: LiveService) -> None:
    body = answered(message("x" * BODY_BYTES))
    assert _posted(service, f"{MATH}/verify", body).status_code == 413


def test_an_unknown_grader_is_404(service: LiveService) -> None:
    assert _posted(service, "/compat/nemo_gym/nothing/verify", ROW).status_code == 404


def test_a_row_without_an_answer_is_422_and_names_it(service: LiveService) -> None:
    body = answered(message(RIGHT))
    del body["expected_answer"]
    told = _posted(service, f"{MATH}/verify", body)
    assert told.status_code == 422
    assert "answer" in told.json()["detail"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ([], "body"),
        ({"response": {"output": []}}, "responses_create_params"),
        (ROW, "response"),
        (ROW | {"response": {}}, "response.output"),
        (answered() | {"response": {"output": ["text"]}}, "response.output[0]"),
        (answered({"type": "message", "content": [1]}), "response.output[0].content"),
        (answered({"type": "message", "content": {"text": "x"}}), "response.output[0].content"),
    ],
)
def test_what_is_no_rollout_is_422_and_names_the_field(
    service: LiveService, body: object, named: str
) -> None:
    told = _posted(service, f"{MATH}/verify", body)
    assert told.status_code == 422
    assert told.json()["detail"].startswith(f"{named}: ")
