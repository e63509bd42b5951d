"""ms-swift's registry of rewards, its own caller of them, and its wrapper of an OpenEnv client."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple, TypeAlias, cast

import torch

from tests.wires.clients import openenv as openenv_client
from tests.wires.clients.imports import Modules, imported, present
from tests.wires.peers import bare, peer, stand_in

__all__ = ["Sample", "importable", "openenv", "orms", "score"]

_ORM = "swift.rewards.orm"
_CALLER = "swift.rl_core.grpo_algorithm"
_ROWS = "swift.dataset.preprocessor.core"
_OPENENV = "swift.rollout.openenv_wrapper"
# Called with a data set's columns; an `AsyncORM` gives an awaitable.
Reward: TypeAlias = Callable[..., Any]


class Sample(NamedTuple):
    """One completion as the trainer has it: its conversation, and its row's other columns."""

    messages: Sequence[Mapping[str, str]]
    # A data set's own columns.
    extra: Mapping[str, Any]


@cache
def _modules() -> Modules:
    root = peer("ms-swift")
    below = ["swift", "swift.dataset.preprocessor", "swift.rl_core", "swift.rollout"]
    stubs = [bare(name, root / name.replace(".", "/")) for name in below]
    heavy = ["swift.infer_engine", "swift.template", "swift.utils", "dacite", "modelscope"]
    stubs += [stand_in(name) for name in heavy]
    dataset = bare("swift.dataset", root / "swift" / "dataset")
    rewards = bare("swift.rewards", root / "swift" / "rewards")
    modules = imported([_ORM, _CALLER, _ROWS, _OPENENV], [*stubs, dataset, rewards])
    # What `swift/rewards/__init__.py` and `swift/dataset/__init__.py` name lazily.
    vars(rewards).update(
        {name: getattr(modules[_ORM], name) for name in ("ORM", "AsyncORM", "orms")}
    )
    vars(dataset).update(RowPreprocessor=modules[_ROWS].RowPreprocessor)
    return modules


@contextmanager
def importable() -> Iterator[None]:
    """`from swift.rewards import AsyncORM, orms` is its own for a while, as for a plug-in."""
    with present(_modules()):
        yield


def orms() -> dict[str, type]:
    """`swift.rewards.orms`: what `--reward_funcs` names are looked up in."""
    return cast("dict[str, type]", _modules()[_ORM].orms)


def score(samples: Sequence[Sample], rewards: Sequence[Reward]) -> list[list[float]]:
    """`score_completions`: a row for each sample, a column for each reward; NaN is "not scored"."""
    with present(_modules()):
        sample = _modules()["swift.rl_core.data"].GRPOSample
        found = _modules()[_CALLER].score_completions(
            [sample(messages=[*map(dict, s.messages)], extra=dict(s.extra)) for s in samples],
            [*rewards],
            [None] * len(rewards),
            False,
            torch.device("cpu"),
            trainer_state=None,
        )
    return cast("list[list[float]]", found.tolist())


def openenv(
    address: str,
    # JSON of the environment's own making.
    action: Mapping[str, Any],
    reset: Mapping[str, Any],
) -> tuple[float, bool]:
    """`OpenEnvWrapper`: a reset and one step, each tried three times, 2 s and 4 s apart."""
    with openenv_client.importable():
        made = _modules()[_OPENENV].OpenEnvWrapper(
            {"base_url": address, "reset_kwargs": dict(reset)}
        )
        try:
            made.reset()
            _, reward, done, _ = made.step(dict(action))
        finally:
            made.close()
    return reward, done
