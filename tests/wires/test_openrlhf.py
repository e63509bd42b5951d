"""OpenRLHF's wire, by OpenRLHF's own client: `SingleTurnAgentExecutor`, as `execute` calls it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.wires.presets import read_presets
from tests.live import LiveService
from tests.wires.clients.openrlhf import fetch_rewards, impatient
from tests.wires.faults import BODY_BYTES, SECRET, address, faulty_service

pytestmark = pytest.mark.anyio

PROMPT = "<|im_start|>user\n1+1<|im_end|>\n<|im_start|>assistant\n"
RIGHT, WRONG = r"It is \boxed{2}.<|im_end|>", r"It is \boxed{3}.<|im_end|>"
MATH = "/compat/openrlhf/math/get_reward"
EXACT = "/compat/openrlhf/exact/get_reward"
PRESETS = {
    "think": {
        "graders": [{"name": "math"}, {"name": "format", "options": {"style": "think"}}],
        "prefill": "<think>\n",
    }
}
FAILED = "Request error for 5 times"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    presets = tmp_path_factory.mktemp("presets") / "presets.json"
    presets.write_text(json.dumps(PRESETS))
    keys = f"tests+grade+admin:{SECRET}"
    with faulty_service({"PRESETS_FILE": str(presets), "API_KEYS": keys}) as service:
        yield service


async def _fetched(url: str, response: str, *, label: str | None = "2") -> dict[str, Any]:
    with impatient():
        found = await fetch_rewards([url], PROMPT + response, prompt=PROMPT, label=label)
    return found[0]


def _posted(service: LiveService, body: object, path: str = MATH) -> httpx.Response:
    return httpx.post(address(service, path), json=body, timeout=100, trust_env=False)


@pytest.mark.parametrize(("response", "reward"), [(RIGHT, 1.0), (WRONG, 0.0)])
async def test_its_client_gets_the_reward(
    service: LiveService, response: str, reward: float
) -> None:
    told = await _fetched(address(service, MATH), response)
    assert told == {"rewards": [reward], "scores": [reward], "extra_logs": {"graded": [1.0]}}


async def test_its_client_gets_the_reward_of_a_preset(service: LiveService) -> None:
    url = address(service, "/compat/openrlhf/p/think/get_reward")
    told = await _fetched(url, r"One and one.</think>It is \boxed{2}.<|im_end|>")
    assert told["rewards"] == [2.0]


async def test_options_are_in_the_url(service: LiveService) -> None:
    url = address(service, MATH + "?last_number=true")
    assert (await _fetched(url, "So there are 2.<|im_end|>"))["rewards"] == [1.0]


async def test_its_client_finds_no_number_where_our_grader_fails(service: LiveService) -> None:
    with pytest.raises(RuntimeError, match=FAILED):
        await _fetched(address(service, EXACT + "?deadline_s=0.2"), "fault")


async def test_its_client_gets_the_chosen_number_at_its_last_try(service: LiveService) -> None:
    url = address(service, EXACT + "?deadline_s=0.2&fallback=-1")
    with impatient() as waits:
        found = await fetch_rewards([url], PROMPT + "fault at last", prompt=PROMPT, label="2")
    assert len(waits) == 4
    assert found[0] == {"rewards": [-1.0], "scores": [-1.0], "extra_logs": {"graded": [0.0]}}
    async with httpx.AsyncClient(trust_env=False) as client:
        counted = (await client.get(address(service, "/metrics"))).text
    route = "/compat/openrlhf/{recipe}/get_reward"
    assert f'touchstone_fallbacks_total{{route="{route}"}} 1.0' in counted


async def test_its_client_finds_no_number_where_nobody_grades_in_time(
    service: LiveService,
) -> None:
    with pytest.raises(RuntimeError, match=FAILED):
        await _fetched(address(service, EXACT + "?deadline_s=0.3"), "slow")


async def test_its_client_finds_no_number_without_a_credential(service: LiveService) -> None:
    with pytest.raises(RuntimeError, match=FAILED):
        await _fetched(address(service, MATH, secret=None), RIGHT)


async def test_its_client_finds_no_number_for_what_is_too_large(service: LiveService) -> None:
    with pytest.raises(RuntimeError, match=FAILED):
        await _fetched(address(service, MATH), "1" * BODY_BYTES)


async def test_many_samples_of_one_at_once_are_all_answered(service: LiveService) -> None:
    url = address(service, MATH)
    answers = [n % 3 for n in range(96)]
    told = await asyncio.gather(
        *(_fetched(url, f"\\boxed{{{n}}}<|im_end|>", label="1") for n in answers)
    )
    assert [one["rewards"] for one in told] == [[float(n == 1)] for n in answers]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ([], 422, "query: a list is expected"),
        ({"query": "1"}, 422, "query: a list is expected"),
        ({"query": ["1"], "prompts": ["0"], "labels": ["1"]}, 422, "does not hold its prompt"),
        ({"query": ["1"], "prompts": ["", ""], "labels": ["1"]}, 422, "prompts: a list as long as"),
        ({"query": [1], "prompts": [""], "labels": ["1"]}, 422, "query: a string is expected"),
        ({"query": ["1"], "prompts": [""], "labels": [None]}, 422, "reference.answer"),
        ({"query": ["1" * BODY_BYTES]}, 413, "TOUCHSTONE_BODY_BYTES"),
    ],
    ids=["no object", "no list", "other prompt", "lengths", "no text", "no label", "oversize"],
)
def test_what_cannot_be_graded_is_named(
    service: LiveService, body: object, status: int, words: str
) -> None:
    told = _posted(service, body)
    assert told.status_code == status
    assert words in told.json()["detail"]


def test_several_samples_at_once_come_in_their_order(service: LiveService) -> None:
    body = {
        "query": [f"{PROMPT}\\boxed{{{n}}}" for n in range(3)],
        "prompts": [PROMPT] * 3,
        "labels": ["0", "0", "2"],
    }
    assert _posted(service, body).json()["rewards"] == [1.0, 0.0, 1.0]


def test_a_sample_that_can_be_graded_keeps_its_reward_beside_one_that_cannot(
    service: LiveService,
) -> None:
    body = {"query": ["\\boxed{2}"] * 2, "prompts": ["", ""], "labels": [None, "2"]}
    told = _posted(service, body, MATH + "?fallback=-1").json()
    assert (told["rewards"], told["extra_logs"]) == ([-1.0, 1.0], {"graded": [0.0, 1.0]})
    service.await_said("what cannot be graded gets the fallback")


def test_no_sample_has_no_reward(service: LiveService) -> None:
    told = _posted(service, {"query": [], "prompts": [], "labels": []})
    assert told.json() == {"rewards": [], "scores": [], "extra_logs": {}}


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/compat/openrlhf/maths/get_reward", 404, "no grader is called 'maths'"),
        ("/compat/openrlhf/p/mine/get_reward", 404, "no preset is called 'mine'"),
        (MATH + "?tolerence=1", 422, "options.tolerence: unknown field"),
        (MATH + "?fallback=none", 422, "fallback='none' is no number"),
        (MATH + "?fallback=true", 422, "fallback='true' is no number"),
        (MATH + "?deadline_s=0", 422, "deadline_s=0: a number of seconds"),
        (MATH + "?deadline_s=" + "1" * 500, 422, "is no number"),
        (MATH + "?deadline_s=" + "[" * 4_000, 422, "is no number"),
        (MATH + "?tolerance=1e999", 422, "options.tolerance"),
        (MATH + "?last_number=1&last_number=0", 422, "names a parameter twice"),
        ("/compat/openrlhf/p/think/get_reward?weight=1", 422, "unknown parameter 'weight'"),
    ],
)
def test_what_the_url_may_not_say_is_named(
    service: LiveService, path: str, status: int, words: str
) -> None:
    told = _posted(service, {"query": [], "prompts": [], "labels": []}, path)
    assert told.status_code == status
    assert words in told.json()["detail"]


def test_a_broken_file_of_presets_stops_the_start(tmp_path: Path) -> None:
    presets = tmp_path / "presets.json"
    for content, words in (
        ("[", "not JSON"),
        ('{"a": {"graders": []}}', "a.graders: name one at least"),
        ('{"a": {"graders": [{"name": "maths"}]}}', r"a\.graders\[0\]\.graders\.name: unknown"),
        ('{"a b": {"graders": [{"name": "math"}]}}', "match pattern"),
        ('{"a": {"graders": [{"name": "math"}], "fallbak": 1}}', "fallbak: unknown field"),
    ):
        presets.write_text(content)
        with pytest.raises(ValueError, match=words):
            read_presets(presets)
