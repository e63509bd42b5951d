"""open-instruct's `CodeVerifier`, recorded: it is not on PyPI, so its own code cannot be had.

Read from `open_instruct/ground_truth_utils.py` of allenai/open-instruct e6c3044a: one POST for each
sample to `--code_api_url`, tried again 3 times on 500, 502, 503 and 504 and within
`max(30, min(300, 10 * max_execution_time))` s each. Whatever fails is the score 0.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import httpx

__all__ = ["RECORDED_ASSERTS", "RECORDED_STDIO", "code_score"]

# For `/test_program`.
RECORDED_ASSERTS: Final[Mapping[str, object]] = {
    "program": "def add(a, b):\n    return a + b",
    "tests": ["assert add(1, 2) == 3", "assert add(1, 1) == 3"],
    "max_execution_time": 1.0,
}
# For `/test_program_stdio`.
RECORDED_STDIO: Final[Mapping[str, object]] = {
    "program": "print(int(input()) + 1)",
    "tests": [{"input": "1\n", "output": "2\n"}, {"input": "100\n", "output": "101\n"}],
    "max_execution_time": 1.0,
}


async def code_score(
    code_api_url: str, sample: Mapping[str, object], *, has_perf_penalty: bool = False
) -> float:
    """One try with a recorded body: the mean of `results`, each weighed by the time it left.

    Raises `httpx.HTTPStatusError` where open-instruct would try again, or score 0.0.
    """
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        answer = await client.post(code_api_url, json=dict(sample))
    verdict = answer.raise_for_status().json()
    passes: list[float] = verdict["results"]
    if has_perf_penalty:
        limit_s = float(str(sample["max_execution_time"]))
        runtimes: list[float] = verdict["runtimes"]
        passes = [
            passed * (limit_s - wall_s) / limit_s
            for passed, wall_s in zip(passes, runtimes, strict=True)
        ]
    return sum(passes) / len(passes) if passes else 0.0
