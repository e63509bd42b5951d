"""Touchstone as slime's and miles' custom reward.

    --custom-rm-path trainer_client.slime.rm --rm-url http://127.0.0.1:8000 --rm-type math

With `--group-rm` it is `trainer_client.slime.group_rm`, one request for each group.
Other settings stand under `touchstone:` in the file of `--custom-config-path`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias, cast

from trainer_client.assay import DEFAULT_URL, LABEL, Options, Recipe, Worth, recipe, worths
from trainer_client.remote_reward.samples import Samples

__all__ = ["group_rm", "rm"]

_Reward: TypeAlias = float | dict[str, float | str]


class _Arguments(Protocol):
    """As much of slime's arguments as is read."""

    rm_url: str | None
    rm_type: str | None
    reward_key: str | None


class _Sample(Protocol):
    """As much of slime's `Sample` as is read; `remove_sample` keeps it out of the loss."""

    prompt: object
    response: str
    response_length: int
    label: object
    metadata: object
    remove_sample: bool


async def rm(args: _Arguments, sample: _Sample, **_others: object) -> _Reward:
    """The reward of one sample; as an object where `--reward-key` takes it from one."""
    (reward,) = await group_rm(args, [sample])
    return reward


async def group_rm(
    args: _Arguments, samples: Sequence[_Sample], **_others: object
) -> list[_Reward]:
    """The rewards of a group, in order; the fallback's samples are kept out of the loss."""
    rows = [_row(sample) for sample in samples]
    names = dict.fromkeys(name for row in rows for name in row)
    asked = Samples(
        [sample.response for sample in samples],
        [sample.prompt for sample in samples],
        [range(sample.response_length) for sample in samples],  # as many as there are tokens
        {name: [row.get(name) for row in rows] for name in names},
    )
    found = await worths(_recipe(args, rows[0]), asked) if samples else []
    for sample, worth in zip(samples, found, strict=True):
        sample.remove_sample = sample.remove_sample or not worth.is_scored
    return [_told(worth) if args.reward_key else worth.reward for worth in found]


def _row(sample: _Sample) -> dict[str, object]:
    metadata = sample.metadata if isinstance(sample.metadata, Mapping) else {}
    return {**metadata, LABEL: sample.label}


def _recipe(args: _Arguments, row: Mapping[str, object]) -> Recipe:
    """A row's own `rm_type` comes first, as it does with slime's other rewards."""
    given = {"url": args.rm_url or DEFAULT_URL, **(getattr(args, "touchstone", None) or {})}
    named = given.pop("graders", None) or args.rm_type
    return recipe(row.get("rm_type") or named, cast(Options, given))


def _told(worth: Worth) -> dict[str, float | str]:
    return {
        "score": worth.reward,
        "acc": worth.score,
        "pred": worth.extracted,
        "reward_valid": float(worth.is_scored),
    }
