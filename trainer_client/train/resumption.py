"""What a resumed run does not share with its earlier sessions, as lines for the terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from trainer_client.train.checkpoints import Checkpoint
from trainer_client.train.config import RunConfig, read_run_config
from trainer_client.train.config_file import KEPT_CONFIG, read_file
from trainer_client.train.errors import BadConfig

__all__ = ["told_of_resumption"]

# Where a run is kept and graded makes no other run of it.
_COMPARED: Final = (
    "model", "dataset", "graders", "columns", "system_prompt", "reward", "grpo",
    "resample_rounds", "limit", "seed",
)  # fmt: skip
_PLACES: Final = frozenset({"model", "dataset"})


def told_of_resumption(config: RunConfig, checkpoint: Checkpoint | None) -> list[str]:
    """Warnings of what begins anew, and of settings other than those that the folder keeps."""
    if checkpoint is None:
        return []
    told = []
    # Each process has one, in all kinds of training, but under save_only_model.
    if not any(checkpoint.folder.glob("rng_state*.pth")):
        told.append(
            f"warning: {checkpoint.folder} has the weights only (grpo.save_only_model): the "
            "optimizer, the learning rate's schedule and the draws begin anew"
        )
    kept = _kept(config.output / KEPT_CONFIG)
    changed = [] if kept is None else list(_changes(kept, config))
    if changed:
        told.append(
            f"warning: from step {checkpoint.step} on with other settings: {'; '.join(changed)}"
        )
    return told


def _kept(path: Path) -> RunConfig | None:
    try:
        found = read_file(path)
        if not isinstance(found, dict):
            return None
        # The key's file may be gone, and another one is no other run.
        return read_run_config({key: one for key, one in found.items() if key != "api_key_file"})
    except BadConfig:
        return None


def _changes(kept: RunConfig, config: RunConfig) -> Iterator[str]:
    for name in _COMPARED:
        before, now = getattr(kept, name), getattr(config, name)
        if name in _PLACES:
            before, now = _place(before), _place(now)
        if isinstance(before, Mapping):
            for key in dict.fromkeys([*before, *now]):
                yield from _change(f"{name}.{key}", before.get(key), now.get(key))
        else:
            yield from _change(name, before, now)


def _change(name: str, before: object, now: object) -> Iterator[str]:
    # As JSON, in which a tuple is the list that it was kept as.
    texts = [json.dumps(one, default=str, sort_keys=True) for one in (before, now)]
    if texts[0] != texts[1]:
        yield f"{name} {texts[0]} -> {texts[1]}"


def _place(text: str) -> str:
    path = Path(text).expanduser()
    return str(path.resolve()) if path.exists() else text
