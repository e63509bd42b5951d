"""What can be known to be wrong before a model is loaded: asked of the service, within seconds."""

from __future__ import annotations

import inspect
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, cast, get_type_hints

from trainer_client import Client, RemoteReward
from trainer_client.errors import RequestRefused, ServiceUnavailable, TouchstoneError
from trainer_client.items import GraderCalls
from trainer_client.remote_reward.references import reference_keys
from trainer_client.remote_reward.samples import Layout, Samples, items_of
from trainer_client.train.config import RunConfig
from trainer_client.train.config_file import without_secret
from trainer_client.train.errors import BadConfig, BadDataset, NotReady
from trainer_client.train.kinds import check_kind
from trainer_client.train.nearest import unknown
from trainer_client.train.prompts import Task, columns_of, reward_column
from trainer_client.verdicts import GraderInfo, Verdict

__all__ = ["check_tasks", "make_reward"]

_PROBED_ROWS: Final = 16
_QUESTION_S: Final = 30.0
_START_S: Final = 30.0
_PAUSE_S: Final = 0.2
# RunConfig has them by themselves.
_OWN: Final = frozenset({"url", "graders", "columns", "api_key"})
_PARAMETERS: Final = inspect.signature(RemoteReward).parameters


def make_reward(config: RunConfig) -> RemoteReward:
    """The reward function of the run, or a BadConfig that names the argument at fault."""
    known = _PARAMETERS.keys() - _OWN
    hints = get_type_hints(RemoteReward.__init__)
    for name, value in config.reward.items():
        if name in _OWN:
            raise BadConfig(f"reward.{name}: give {name} as a setting of the run")
        if name not in known:
            raise BadConfig(unknown("reward argument", name, known))
        check_kind(f"reward.{name}", value, hints[name])
    # A table fills the objects of a column up with nulls; in JSONL, a null was written.
    settings = {"drop_nulls": not config.dataset.endswith(".jsonl"), **config.reward}
    try:
        return RemoteReward(
            config.url,
            _calls(config),
            columns=_reference_columns(config),
            api_key=config.api_key,
            # Values of a user's file; RemoteReward checks them.
            **settings,  # type: ignore[arg-type]
        )
    except (TypeError, ValueError) as error:
        raise BadConfig(f"the reward cannot be set up: {error}") from error


def check_tasks(config: RunConfig, tasks: Sequence[Task], *, layout: Layout) -> list[str]:
    """What the service says of the run and of some of its rows, as lines for the terminal."""
    try:
        offered = _offered(config)
        items = _items(config, tasks, offered=offered, layout=layout)
        with Client(config.url, api_key=config.api_key, timeout_s=_QUESTION_S) as client:
            verdicts = client.grade(items, _calls(config))
    except TouchstoneError as error:
        raise NotReady(f"the service does not grade the dataset's rows: {error}") from error
    return [
        f"service {without_secret(config.url)}: ready, grades with "
        f"{', '.join(str(call['name']) for call in config.graders) or 'the graders of each row'}",
        *_told(config, verdicts),
    ]


def _offered(config: RunConfig) -> list[GraderInfo]:
    url = without_secret(config.url)
    with Client(
        config.url, api_key=config.api_key, timeout_s=_QUESTION_S, max_attempts=1
    ) as client:
        try:
            offered = client.graders()
        except ServiceUnavailable as error:
            raise NotReady(
                f"no service answers at {url}: start one (`make serve` in a checkout of "
                "Touchstone), or give the address of yours (--url)"
            ) from error
        except RequestRefused as error:
            raise NotReady(f"the service at {url} refuses: {error} (--api-key-file)") from error
        began_s = time.monotonic()
        while not client.ready():  # its workers start after it
            if time.monotonic() - began_s > _START_S:
                raise NotReady(
                    f"the service at {url} answers and cannot grade: look at {url}/readyz"
                )
            time.sleep(_PAUSE_S)
    names = [info.name for info in offered]
    for call in config.graders:
        if call["name"] not in names:
            raise BadConfig(unknown("grader", str(call["name"]), names))
    return offered


def _items(
    config: RunConfig, tasks: Sequence[Task], *, offered: Sequence[GraderInfo], layout: Layout
) -> list[dict[str, object]]:
    names = None if layout.graders_column else [str(call["name"]) for call in config.graders]
    keys = reference_keys(offered, names)
    count = min(len(tasks), _PROBED_ROWS)
    places = [number * len(tasks) // count for number in range(count)]
    samples = Samples(
        completions=[""] * count,
        prompts=[tasks[place].prompt for place in places],
        completion_ids=[[]] * count,
        # Of all rows: a column that only some have is one of the dataset's.
        columns={
            name: [values[place] for place in places] for name, values in columns_of(tasks).items()
        },
    )
    try:
        return items_of(samples, layout, keys=keys)
    except ValueError as error:
        raise BadDataset(
            f"{config.dataset}: {error} (on the command line: --columns KEY=COLUMN)"
        ) from error


def _told(config: RunConfig, verdicts: Sequence[Verdict]) -> list[str]:
    bad = [verdict for verdict in verdicts if verdict.outcome == "ungradable"]
    if not bad:
        return [f"dataset: all of {len(verdicts)} probed rows can be graded"]
    reasons = Counter(reason for verdict in bad for reason in _reasons(verdict))
    why = "; ".join(f"{count} x {reason}" for reason, count in reasons.most_common(3))
    complaint = (
        f"{len(bad)} of {len(verdicts)} probed rows of {config.dataset} cannot be graded: {why}"
    )
    if len(bad) == len(verdicts):
        raise BadDataset(
            f"{complaint}. Correct the reference, name its column (--columns KEY=COLUMN), "
            "or change the graders"
        )
    # Of the type that make_reward has checked.
    borne = cast(
        float, config.reward.get("max_failure_rate", _PARAMETERS["max_failure_rate"].default)
    )
    if len(bad) > borne * len(verdicts):
        raise BadDataset(
            f"{complaint}. A run ends when more than max_failure_rate={borne:g} get no reward: "
            "correct such rows or leave them out, or bear more (--reward max_failure_rate=SHARE)"
        )
    return [f"warning: {complaint}. Their completions get no reward (None)."]


def _reasons(verdict: Verdict) -> list[str]:
    found = []
    for grade in verdict.grades:
        if grade.outcome == "ungradable":
            told = [grade.detail.get(key) for key in ("field", "message")]
            found.append(" ".join([grade.grader, grade.reason, *(str(one) for one in told if one)]))
    return found or ["no grader could read it"]


def _calls(config: RunConfig) -> GraderCalls:
    return list(config.graders)


def _reference_columns(config: RunConfig) -> Mapping[str, str]:
    return {key: reward_column(name) for key, name in config.columns.items() if key != "prompt"}
