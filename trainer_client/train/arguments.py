"""TRL's own settings: what the user passes through, over the defaults that this host needs."""

from __future__ import annotations

import typing
from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import Final

import torch
from trl.trainer.grpo_config import GRPOConfig

from trainer_client.train.config import RunConfig
from trainer_client.train.errors import BadConfig
from trainer_client.train.kinds import check_kind
from trainer_client.train.nearest import unknown

__all__ = ["grpo_config"]

# The newer name first: where it is known, it wins over the older.
_CHECKPOINTING: Final = ("activation_checkpointing", "gradient_checkpointing")
# RunConfig has them by themselves.
_OWN: Final = {"output_dir": "output", "seed": "seed"}


def grpo_config(config: RunConfig) -> GRPOConfig:
    """TRL's configuration of the run, or a BadConfig that names the setting at fault."""
    hints = typing.get_type_hints(GRPOConfig)
    known = {one.name for one in fields(GRPOConfig) if one.init}
    for name, value in config.grpo.items():
        if name in _OWN:
            raise BadConfig(f"grpo.{name}: give {_OWN[name]} as a setting of the run")
        if name not in known:
            raise BadConfig(unknown("GRPO setting", name, known))
        _refuse_token(f"grpo.{name}", value)
        check_kind(f"grpo.{name}", value, hints[name])
    settings = {"seed": config.seed, **_defaults(config, known), **config.grpo}
    try:
        arguments = GRPOConfig(output_dir=str(config.output), **settings)
    except (TypeError, ValueError) as error:
        raise BadConfig(f"TRL does not take these GRPO settings: {error}") from error
    if config.resample_rounds:
        _check_resampling(arguments)
    return arguments


def _refuse_token(name: str, value: object) -> None:
    """Refuse a secret, which `config.yaml` would show."""
    if name.endswith((".token", "_token")):
        raise BadConfig(
            f"{name} would be kept in config.yaml for all to read: leave it out, and log in by "
            "`hf auth login` or set HF_TOKEN"
        )
    if name == "grpo.model_init_kwargs" and isinstance(value, Mapping):
        for key, one in value.items():
            _refuse_token(f"{name}.{key}", one)


# Any: TRL's settings are of every type.
def _defaults(config: RunConfig, known: Collection[str]) -> dict[str, typing.Any]:
    """Where TRL's defaults would fail on this host, or talk over the run's own progress."""
    quiet = {
        "report_to": "none",
        "logging_steps": 1,
        "save_steps": 50,
        "save_total_limit": 2,
        "disable_tqdm": True,
    }
    if not torch.accelerator.is_available():
        checkpointing = [name for name in _CHECKPOINTING if name in known][:1]
        if not config.grpo.keys().isdisjoint(_CHECKPOINTING):
            checkpointing = []
        return {**quiet, "use_cpu": True, "bf16": False, **dict.fromkeys(checkpointing, False)}
    if torch.cuda.is_available() and not torch.cuda.is_bf16_supported():
        return {**quiet, "bf16": False}
    return quiet


def _check_resampling(arguments: GRPOConfig) -> None:
    needed: Mapping[str, tuple[object, ...]] = {
        "scale_rewards": ("group", "none"),
        "multi_objective_aggregation": ("sum_then_normalize",),
    }
    for name, allowed in needed.items():
        if (value := getattr(arguments, name)) not in allowed:
            raise BadConfig(
                f"resample_rounds needs advantages that depend on their group alone, and "
                f"grpo.{name} is {value!r}: give {' or '.join(map(repr, allowed))}, "
                "or resample_rounds 0"
            )
    rows = arguments.per_device_train_batch_size * (arguments.steps_per_generation or 1)
    if rows % (arguments.num_generations or 1):
        raise BadConfig(
            f"resample_rounds needs groups that lie whole on a process: grpo."
            f"per_device_train_batch_size x steps_per_generation is {rows}, no multiple of "
            f"num_generations={arguments.num_generations}; change one of them"
        )
