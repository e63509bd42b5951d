"""verl's own reward code: its sandbox client, its loading of a reward, and two reward managers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Semaphore
from types import ModuleType
from typing import Any, Literal, NamedTuple, TypeAlias

import torch

from tests.wires.peers import Anything, bare, hurried, loaded, peer, stand_in, standing_in

__all__ = [
    "Managed",
    "Reward",
    "Scored",
    "call_sandbox_api",
    "check_correctness",
    "compute_score",
    "custom_reward",
    "default_compute_score",
    "impatient",
    "managed",
]

# What `get_custom_reward_fn` gives: `compute_score`, or the coroutine function of it.
Reward: TypeAlias = Callable[..., Any]


class Scored(NamedTuple):
    """A score, and for each test case what the sandbox answered and what was made of it."""

    score: float
    cases: list[dict[str, Any]]


class Managed(NamedTuple):
    """What a reward manager hands on of one sample: the reward, and its extra columns."""

    reward: float
    extra: dict[str, Any]


def _package() -> Path:
    return peer("verl") / "verl"


def _above() -> list[ModuleType]:
    """What lies above the modules, without its own imports."""
    package = _package()
    below = ("utils", "experimental", "experimental/reward_loop", "trainer", "trainer/ppo")
    return [
        bare("verl", package, DataProto=Anything),
        *(bare(f"verl.{path.replace('/', '.')}", package / path) for path in below),
        *map(stand_in, ("omegaconf", "ray", "transformers", "verl.workers")),
    ]


@cache
def _scores() -> ModuleType:
    file = _package() / "utils" / "reward_score" / "__init__.py"
    return loaded(file, "verl.utils.reward_score", _above())


@cache
def _sandbox() -> ModuleType:
    file = _package() / "utils" / "reward_score" / "sandbox_fusion" / "__init__.py"
    return loaded(file, "verl.utils.reward_score.sandbox_fusion")


@cache
def _client() -> ModuleType:
    """The module that the functions of the package `sandbox_fusion` were imported from."""
    module = _sandbox().utils
    assert isinstance(module, ModuleType)
    return module


@cache
def _rewards() -> ModuleType:
    return loaded(_package() / "trainer" / "ppo" / "reward.py", "verl.trainer.ppo.reward", _above())


@cache
def _managers() -> ModuleType:
    file = _package() / "experimental" / "reward_loop" / "reward_manager" / "__init__.py"
    return loaded(file, "verl.experimental.reward_loop.reward_manager", _above())


def call_sandbox_api(
    url: str, code: str, *, stdin: str | None, timeout_s: int, memory_limit_mb: int, language: str
) -> tuple[dict[str, Any] | None, str | None]:
    """One request: the answer, or what went wrong; a 504 alone is tried 3 times."""
    answer: tuple[dict[str, Any] | None, str | None] = _client().call_sandbox_api(
        url, code, stdin, timeout_s, timeout_s, memory_limit_mb, language
    )
    return answer


def check_correctness(
    url: str,
    generation: str,
    *,
    in_outs: Mapping[str, object],
    timeout_s: int = 10,
    semaphore: Semaphore | None = None,
) -> list[bool | int]:
    """One request for each case, in threads: True, False, -1 API, -2 run, -3 time, -4 compile.

    The semaphore is what `reward.sandbox_fusion.max_concurrent` becomes.
    """
    results, _ = _client().check_correctness(
        url, {**in_outs}, generation, timeout_s, concurrent_semaphore=semaphore
    )
    return [*results]


def compute_score(
    url: str, completion: str, *, test_cases: Mapping[str, object], continuous: bool = False
) -> Scored:
    """`sandbox_fusion.compute_score`: the part of the cases that passed, of the last code block."""
    return Scored(
        *_sandbox().compute_score(url, None, 1024, completion, {**test_cases}, continuous)
    )


def default_compute_score(
    url: str, completion: str, *, ground_truth: str, data_source: str = "codecontests"
) -> float:
    """What the trainer scores with where `reward.sandbox_fusion.url` is set."""
    scores = _scores()
    neighbours = [*_above(), scores, _sandbox()]
    with standing_in(neighbours):
        score: float = scores.default_compute_score(
            data_source, completion, ground_truth, sandbox_fusion_url=url, memory_limit_mb=1024
        )
    return score


def custom_reward(path: str, name: str, reward_kwargs: Mapping[str, object]) -> Reward:
    """The reward that `reward.custom_reward_function` names, bound as verl binds it.

    `path` is `pkg://package.module` or a file's.
    """
    function = {"path": path, "name": name, "reward_kwargs": {**reward_kwargs}}
    config = _Config(reward={"custom_reward_function": function})
    with standing_in(_above()):
        reward: Reward = _rewards().get_custom_reward_fn(config)
    return reward


async def managed(
    manager: Literal["naive", "rate_limited"],
    reward: Reward,
    *,
    response: str,
    ground_truth: str,
    data_source: str = "touchstone",
    settings: Mapping[str, object] | None = None,
) -> Managed:
    """One sample through a reward manager's own `run_single`.

    `settings` are those below `reward`, such as the `timeout` (s) of `rate_limited`.
    """
    kind = _managers().get_reward_manager_cls(manager)
    kind._class_initialized = False  # its limits are the class's own, for good
    tokens = torch.tensor([ord(character) for character in response])
    config = _Config(reward=_Config(settings or {}))
    scored = kind(config, _Tokenizer(), reward)
    run: Callable[[object], Awaitable[dict[str, Any]]] = scored.run_single
    done = await run(_Batch(tokens, ground_truth, data_source))
    return Managed(done["reward_score"], done["reward_extra_info"])


@contextmanager
def impatient() -> Iterator[list[float]]:
    """No time passes between two tries of the sandbox client; yields the waits."""
    with hurried(_client(), "time") as slept:
        yield slept


class _Config(dict[str, Any]):
    """As much of an omegaconf `DictConfig` as they look at."""

    def __getattr__(self, name: str) -> Any:  # whatever the setting is
        return self[name]


class _Tokenizer:
    """One token for each character."""

    def decode(self, ids: torch.Tensor, *, skip_special_tokens: bool) -> str:
        return "".join(map(chr, ids.tolist()))


class _Batch:
    """As much of a `DataProto` of one row as a reward manager looks at."""

    def __init__(self, responses: torch.Tensor, ground_truth: str, data_source: str) -> None:
        self.batch = {"responses": responses, "attention_mask": torch.ones_like(responses)}
        self.non_tensor_batch: dict[str, Any] = {
            "data_source": data_source,
            "reward_model": {"ground_truth": ground_truth},
            "extra_info": {},
        }

    def __getitem__(self, index: int | slice) -> _Batch:
        return self
