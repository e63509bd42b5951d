"""OpenEnv's episodes of several steps, by its own client: what is shown, when it is paid for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.live import LiveService
from tests.wires.clients import openenv, verifiers
from tests.wires.openenv_service import address_of, guarded_service

SECRET = "41979"
TESTS: Mapping[str, Any] = {
    "mode": "stdio",
    "public": [{"stdin": "1 2\n", "stdout": "3\n"}, {"stdin": "3 3\n", "stdout": "6\n"}],
    "hidden": [{"stdin": f"{SECRET} 1\n", "stdout": "41980\n"}],
}
ADDS = "```python\nprint(sum(map(int, input().split())))\n```"
SAYS_THREE = "```python\nimport sys\nprint('hm', file=sys.stderr)\nprint(3)\n```"
BY_HEART = "```python\nprint({'1 2': 3, '3 3': 6}.get(input()))\n```"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveService]:
    with guarded_service(tmp_path_factory.mktemp("presets")) as service:
        yield service


async def _played(
    service: LiveService, path: str, tests: object, answers: list[str]
) -> list[openenv.Outcome]:
    """What the reset and every step showed; after the last of them the episode is over."""
    async with openenv.environment(address_of(service, path)) as client:
        shown = [await client.reset(prompt="Add them.", reference={"tests": tests})]
        shown += [await client.step({"completion": answer}) for answer in answers]
        assert [one.done for one in shown] == [False] * len(answers) + [True]
        with pytest.raises(RuntimeError, match="the episode is over"):
            await client.step({"completion": ADDS})
        assert (await client.state())["step_count"] == len(answers)
    assert [one.reward for one in shown[:-1]] == [None] * len(answers)
    assert SECRET not in json.dumps([one.observation for one in shown])
    assert "41980" not in json.dumps([one.observation for one in shown])
    return shown


@pytest.mark.anyio
async def test_each_try_shows_the_public_cases_and_the_last_one_is_paid(
    service: LiveService,
) -> None:
    begun, first, last = await _played(service, "code/turns/3", TESTS, [SAYS_THREE, ADDS])
    assert begun.observation == {"prompt": "Add them.", "tries_left": 3, "metadata": {}}
    assert first.observation["status"] == "try_again"
    assert first.observation["reasons"] == {"code": "wrong_answer"}
    assert (first.observation["tries_left"], first.observation["public_passed"]) == (2, 1)
    # What failed comes first.
    assert first.observation["public"] == [
        {
            **{"case": "public 2", "outcome": "wrong_answer", "stdin": "3 3\n", "expected": "6\n"},
            **{"stdout": "3\n", "stderr": "hm\n"},
            "difference": "token 1: expected '6', got '3'",
        },
        {
            **{"case": "public 1", "outcome": "passed", "stdin": "1 2\n", "expected": "3\n"},
            **{"stdout": "3\n", "stderr": "hm\n"},
        },
    ]
    assert last.reward == 1.0
    assert last.observation["status"] == "graded"
    assert last.observation["public_passed"] == last.observation["public_cases"] == 2


PLAYS: list[tuple[str, list[str], float, str]] = [
    ("code/turns/1", [ADDS], 1.0, "passed"),
    ("code/turns/1", [SAYS_THREE], 0.0, "wrong_answer"),
    ("code/turns/2", [SAYS_THREE, ""], 0.0, "no_program"),
    # All that is public passes: there is nothing more to try for.
    ("code/turns/9", [BY_HEART], 0.0, "wrong_answer"),
    ("p/halves/turns/3", [SAYS_THREE, BY_HEART], 2 / 3, "wrong_answer"),
]


@pytest.mark.parametrize(("path", "answers", "reward", "reason"), PLAYS)
@pytest.mark.anyio
async def test_the_last_step_is_paid_by_all_cases(
    service: LiveService, path: str, answers: list[str], reward: float, reason: str
) -> None:
    *_, last = await _played(service, path, TESTS, answers)
    assert last.reward == pytest.approx(reward)
    assert last.observation["reasons"]["code"] == reason


CALLS: Mapping[str, Any] = {
    "mode": "function",
    "entry": "add",
    "public": [{"args": [1, 2], "expected": 3}],
    "hidden": [{"args": [int(SECRET), 1], "expected": 41980}],
}
ASSERTS: Mapping[str, Any] = {
    "mode": "asserts",
    "entry": "add",
    "public": ["assert add(1, 2) == 3"],
    "source": f"def check(candidate):\n    assert candidate({SECRET}, 1) == 41980\n",
}
SHOWN: list[tuple[Mapping[str, Any], str, dict[str, Any]]] = [
    (
        CALLS,
        "def add(a, b):\n    return 4",
        {"outcome": "wrong_answer", "args": [1, 2], "expected": 3},
    ),
    (CALLS, "def add(a, b):\n    return [][a]", {"outcome": "crashed", "args": [1, 2]}),
    (ASSERTS, "def add(a, b):\n    return 4", {"outcome": "wrong_answer"}),
    (TESTS, "raise ValueError('no')", {"outcome": "crashed", "stdin": "1 2\n"}),
]


@pytest.mark.parametrize(("tests", "program", "seen"), SHOWN)
@pytest.mark.anyio
async def test_what_is_public_is_shown_in_every_mode(
    service: LiveService, tests: Mapping[str, Any], program: str, seen: dict[str, Any]
) -> None:
    right = ADDS if tests is TESTS else "```python\ndef add(a, b):\n    return a + b\n```"
    wrong = f"```python\n{program}\n```"
    _, first, last = await _played(service, "code/turns/2", tests, [wrong, right])
    (failed, *_) = first.observation["public"]
    assert failed.items() >= seen.items()
    assert failed.get("difference") or failed.get("stderr") or failed.get("test")
    assert last.reward == 1.0


@pytest.mark.anyio
async def test_what_is_no_program_is_told_by_what_the_compiler_says(service: LiveService) -> None:
    answers = ["```python\nprint((\n```", ADDS]
    _, first, _ = await _played(service, "code/turns/2", TESTS, answers)
    assert first.observation["reasons"] == {"code": "compile_error"}
    assert "SyntaxError" in first.observation["message"]


@pytest.mark.anyio
async def test_a_task_that_shows_nothing_or_hides_a_fault_is_an_error(service: LiveService) -> None:
    hidden = [*TESTS["hidden"], {"stdin": f"{SECRET} 1\n", "stdout": "0\n"}]
    async with openenv.environment(address_of(service, "code/turns/2")) as client:
        with pytest.raises(RuntimeError, match=r"reference\.tests\.public: .*VALIDATION_ERROR"):
            await client.reset(reference={"tests": {**TESTS, "public": []}})
        with pytest.raises(RuntimeError, match=r"reference\.tests.*VALIDATION_ERROR"):
            await client.reset(prompt="Add them.")
        await client.reset(reference={"tests": {**TESTS, "hidden": hidden}})
        assert (await client.step({"completion": SAYS_THREE})).done is False
        with pytest.raises(RuntimeError, match="EXECUTION_ERROR") as error:
            await client.step({"completion": ADDS})
        assert SECRET not in str(error.value)
    post = service.client.post("/compat/openenv/code/turns/2/step", json={})
    assert post.status_code == 422


@pytest.mark.anyio
async def test_verifiers_plays_it_with_a_model_that_tries_again(service: LiveService) -> None:
    reset = {"prompt": "Add them.", "reference": {"tests": TESTS}}
    reward, turns = await verifiers.openenv(
        address_of(service, "code/turns/3"), [SAYS_THREE, ADDS], reset
    )
    assert reward == 1.0
    assert len(turns) == 2
    assert "try_again" in turns[1]
    assert SECRET not in "".join(turns)
