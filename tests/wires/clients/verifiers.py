"""verifiers' own scoring of a task: a reward plugged in by name, and its NeMo Gym client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from tests.wires.clients import openenv as openenv_client
from tests.wires.clients.imports import Modules, imported, present
from tests.wires.peers import Anything, bare, peer, stand_in

__all__ = ["Conversation", "Scored", "nemo_gym", "openenv", "plugged"]

_V1 = "verifiers.v1"
_GYM = f"{_V1}.tasksets.nemo_gym.taskset"
_OPENENV = f"{_V1}.tasksets.openenv.taskset"
_STATE = f"{_V1}.tasksets.nemo_gym.toolset"


class _Given(BaseModel):
    """A configuration in the place of a heavy one."""

    model_config = ConfigDict(extra="allow")


class _OpenAIError(Exception):
    pass


class _Config(BaseModel):
    """`pydantic_config.BaseConfig` without its command line."""

    model_config = ConfigDict(extra="forbid")


@cache
def _modules() -> Modules:
    root = peer("verifiers")
    below = [
        *("verifiers", _V1, f"{_V1}.utils", f"{_V1}.configs", f"{_V1}.tasksets"),
        *(f"{_V1}.tasksets.nemo_gym", f"{_V1}.tasksets.openenv"),
    ]
    stubs = [bare(name, root / name.replace(".", "/")) for name in below]
    vars(stubs[0]).update(__version__="0.4.0")
    wanted = [f"{_V1}.{name}" for name in ("trace", "taskset", "utils.loaders")]
    modules = imported([*wanted, _GYM], [*stubs, *_of_others(), *_of_its_own()])
    # Some of what `import verifiers.v1 as vf` gives.
    task, taskset = modules[f"{_V1}.task"], modules[f"{_V1}.taskset"]
    vars(modules[_V1]).update(TaskData=task.TaskData, Task=task.Task, Taskset=taskset.Taskset)
    vars(modules[_V1]).update(TasksetConfig=taskset.TasksetConfig, AgentConfig=_Given)
    vars(modules[_V1]).update(EnvConfig=_Given, Env=Anything)
    return imported([_OPENENV], modules.values())


def _of_others() -> list[ModuleType]:
    return [
        stand_in("openai", OpenAIError=_OpenAIError),
        stand_in("pydantic_config", BaseConfig=_Config),
        stand_in("renderers"),
        stand_in("mcp"),
    ]


def _of_its_own() -> list[ModuleType]:
    """What runs models, boxes and tool servers."""
    names = ("env", "envs", "harness", "harnesses", "judge", "interception", "dialects")
    stubs = [stand_in(f"{_V1}.{name}") for name in names]
    clients = {"BaseClientConfig": _Given, "ClientConfig": _Given}
    runtimes = {"PrimeConfig": _Given, "RuntimeConfig": _Given, "RuntimeInfo": _Given}
    return [
        *stubs,
        stand_in(f"{_V1}.clients", **clients),
        stand_in(f"{_V1}.runtimes", **runtimes),
        stand_in(f"{_V1}.configs.agent", AgentConfig=_Given, WireAgentConfig=_Given),
        stand_in(f"{_V1}.configs.env", EnvConfig=_Given),
        stand_in(f"{_V1}.mcp", SharedToolsetConfig=_Given),
    ]


class Conversation(NamedTuple):
    """A finished rollout: what the model was asked, and what it answered."""

    prompt: str
    answer: str
    reasoning: str | None = None


class Scored(NamedTuple):
    """What a trace holds after scoring; a reward that was not given is None."""

    rewards: dict[str, float | None]
    metrics: dict[str, float | None]
    # What the NeMo Gym server sent beside the reward.
    info: dict[str, Any]


class _Task(Protocol):
    """Its `Task`."""

    # Its own classes, of which there are no types.
    data: Any

    async def setup(self, trace: Any, runtime: Any) -> None: ...
    async def score(self, trace: Any, runtime: Any) -> None: ...


async def plugged(
    path: str,
    conversation: Conversation,
    *,
    # A row's own fields.
    fields: Mapping[str, Any],
    name: str = "touchstone",
    weight: float | None = None,
) -> Scored:
    """`Task.score` with `task.rewards.<name>.fn = path`: whatever goes wrong is its `TaskError`.

    The function gets what it names of `task` (the data), `trace` and `runtime`.
    """
    modules = _modules()
    with present(modules):
        v1, config = modules[f"{_V1}.task"], modules[f"{_V1}.configs.task"]
        rewards = {name: {"fn": path, "weight": weight}}
        data = v1.WireTaskData(prompt=conversation.prompt, **fields)
        task = v1.Task(data, config.TaskConfig.model_validate({"rewards": rewards}))
        trace = _trace(task, conversation)
        await task.setup(trace, None)
        return await _scored(task, trace)


async def nemo_gym(
    address: str,
    # A row of a NeMo Gym data set.
    row: Mapping[str, Any],
    conversation: Conversation,
    *,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 60.0,
) -> Scored:
    """`NeMoGymTask`: `setup` posts to /seed_session, `score` to /verify with the same cookies.

    The time-out is that of /verify; the other is waited for.
    An HTTP error of `setup` is httpx's own here; its rollout makes a `TaskError` of that too.
    """
    modules = _modules()
    with present(modules):
        gym = modules[_GYM]
        task = gym.NeMoGymTask(
            gym.NeMoGymData(prompt=conversation.prompt, row=dict(row)),
            gym.NeMoGymTaskConfig(resources_url=address, headers=dict(headers or {})),
        )
        trace = _trace(task, conversation, state=modules[_STATE].NeMoGymState())
        await task.setup(trace, None)
        trace.state.request_timeout = timeout_s
        return await _scored(task, trace)


async def openenv(
    address: str,
    answers: Sequence[str],
    # What its `reset` is called with.
    reset: Mapping[str, Any],
) -> tuple[float, list[str]]:
    """`OpenEnvEnv.run`, for a model that gives these answers: the sum of rewards, and its turns.

    It reads GET /schema (10 s), then resets and steps through `openenv`'s client.
    """
    asked: list[str] = []
    rewards: dict[str, float] = {}
    said = iter(answers)

    async def turn(payload: str) -> SimpleNamespace:
        asked.append(payload)
        answer = next(said, None)
        return SimpleNamespace(terminated=answer is None, last_reply=answer or "")

    @asynccontextmanager
    async def interaction(task: object) -> AsyncIterator[SimpleNamespace]:
        trace = SimpleNamespace(record_reward=rewards.__setitem__, stop=asked.append)
        yield SimpleNamespace(turn=turn, trace=trace)

    with present(_modules()), openenv_client.importable():
        environment = _modules()[_OPENENV]
        config = environment.OpenEnvConfig(base_url=address, resets=[dict(reset)])
        (task,) = environment.OpenEnvTaskset(config).load()
        player = SimpleNamespace(interaction=interaction)
        await environment.OpenEnvEnv.run(None, task, SimpleNamespace(player=player))
    return rewards["openenv_reward"], asked


# Its `Trace`, of which there are no types, here and below.
async def _scored(task: _Task, trace: Any) -> Scored:
    await task.score(trace, object())
    rewards = {name: given and given.value for name, given in trace.rewards.items()}
    return Scored(rewards, dict(trace.metrics), dict(trace.info))


def _trace(task: _Task, conversation: Conversation, **state: object) -> Any:
    modules = _modules()
    types, node = modules[f"{_V1}.types"], modules[f"{_V1}.graph"].MessageNode
    answer = types.AssistantMessage(
        content=conversation.answer, reasoning_content=conversation.reasoning
    )
    asked = node(message=types.UserMessage(content=conversation.prompt))
    return modules[f"{_V1}.trace"].Trace(
        task={"type": type(task).__name__, "data": task.data},
        agent={"config": {}},
        nodes=[asked, node(message=answer, parent=0, sampled=True)],
        **state,
    )
