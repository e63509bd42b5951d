"""ROLL's two remote rewards, recorded: PyPI's `roll` is another project.

Read from `roll/pipeline/rlvr/rewards/` of alibaba/ROLL 0.3.0 (8eb27cc2). The reward system is asked
by submit (5 tries of 20 s, 1 s apart, until `errcode` is 0) and poll (every 2 s, until `errcode` is
0; 1 says that it is running; 305 s at most), all of it 5 times, and then the score is 0. The code
sandbox (`code_url`) is SandboxFusion's wire: each case twice, and 3 tries of each, 1 s apart, after
any status but 200, `SandboxError`, or 30 s of silence.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import httpx

__all__ = [
    "RECORDED_HEADERS",
    "RECORDED_SANDBOX_CASE",
    "RECORDED_TASK",
    "TaskRefused",
    "TaskResult",
    "get_reward",
    "run_case",
]

# `xrl_authorization` of the reward system's settings.
RECORDED_HEADERS: Final[Mapping[str, str]] = {
    "Content-Type": "application/json",
    "XRL-Authorization": "Bearer sample-key",
    "BusinessType": "online",
}
RECORDED_TASK: Final[Mapping[str, object]] = {
    "priority": 1,
    "project_id": "roll_default_experiment_id",
    "experiment_id": "roll_default_task_id",
    "global_step": 0,
    "data_id": "7",
    "rollout_id": "7_0",
    "prompt": "1+1",
    "response": "\\boxed{2}",
    "reward_info": {"ground_truth": "2"},
    "reward_manager": [{"plugin_name": "math"}],
    "timeout": 300,
}
# `expected_stdout` is for ROLL itself, which compares.
RECORDED_SANDBOX_CASE: Final[Mapping[str, object]] = {
    "compile_timeout": 30,
    "run_timeout": 30,
    "code": "import sys\nsys.setrecursionlimit(6*10**5)\nprint(int(input())*2)",
    "language": "python",
    "stdin": "3\n",
    "expected_stdout": "6\n",
}


class TaskRefused(Exception):
    """An `errcode` after which ROLL would try again, and at last score 0."""


class TaskResult(NamedTuple):
    """What a poll that found the task done answers with; their spelling is `dimention`."""

    reward_score: float
    dimention_reward_score: Mapping[str, Any]


async def get_reward(
    submit_url: str,
    get_result_url: str,
    task: Mapping[str, object],
    *,
    headers: Mapping[str, str] = RECORDED_HEADERS,
    limit_s: float = 100.0,
) -> TaskResult:
    """Submit once with a recorded body, then poll (GET with a JSON body) until it is done."""
    async with httpx.AsyncClient(timeout=20, trust_env=False, headers=dict(headers)) as client:
        submitted = await _answer(client, "POST", submit_url, dict(task))
        if int(submitted.get("errcode", -1)) != 0:
            raise TaskRefused(submitted.get("errmsg"))
        body = {"reward_request_id": submitted["reward_request_id"]}
        limit = time.monotonic() + limit_s
        while (result := await _answer(client, "GET", get_result_url, body))["errcode"] == 1:
            if time.monotonic() > limit:
                raise TaskRefused(f"still running after {limit_s:g} s")
            await asyncio.sleep(0.02)
    if int(result["errcode"]) != 0:
        raise TaskRefused(result.get("errmsg"))
    return TaskResult(result["reward_score"], result["dimention_reward_score"])


async def run_case(code_url: str, case: Mapping[str, object]) -> dict[str, Any]:
    """One try of one case with a recorded body: the sandbox's whole answer."""
    headers = {"Accept": "application/json", "eagleeye-traceid": "sample-trace"}
    async with httpx.AsyncClient(timeout=90, trust_env=False, headers=headers) as client:
        return await _answer(client, "POST", code_url, dict(case))


async def _answer(
    client: httpx.AsyncClient, method: str, url: str, body: Mapping[str, object]
) -> dict[str, Any]:
    answer = await client.request(method, url, json=body)
    fields: dict[str, Any] = answer.raise_for_status().json()
    return fields
