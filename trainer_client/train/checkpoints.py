"""Which checkpoints a folder holds, and whether a run may begin in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final, NamedTuple

from trainer_client.train.config import RunConfig
from trainer_client.train.errors import BadConfig, NothingToResume, OutputInUse
from trainer_client.train.journal import JOURNAL

__all__ = [
    "Checkpoint",
    "check_writable",
    "claim_output",
    "has_model_of",
    "newest_checkpoint",
]

_NAME: Final = re.compile(r"checkpoint-(\d+)")
_STATE: Final = "trainer_state.json"


class Checkpoint(NamedTuple):
    """A complete checkpoint and the step after which it was written."""

    step: int
    folder: Path


def claim_output(config: RunConfig) -> Checkpoint | None:
    """Where the run begins: at the newest checkpoint if it is to resume, else in a free folder."""
    newest = newest_checkpoint(config.output)
    journal = config.output / JOURNAL
    if newest is None and journal.is_file() and journal.stat().st_size > 0:
        raise (NothingToResume if config.resume else OutputInUse)(
            f"{config.output} holds a run that ended before its first checkpoint: remove {journal} "
            "or give another --output, and begin anew without --resume"
        )
    if config.resume:
        if newest is None:
            raise NothingToResume(
                f"{config.output} has no complete checkpoint to resume from: leave out --resume, "
                "or give the --output of the run that is meant"
            )
        return newest
    if newest is not None:
        raise OutputInUse(
            f"{config.output} holds a run already: go on with it by --resume, or give another "
            "--output"
        )
    if config.output.exists() and not config.output.is_dir():
        raise OutputInUse(f"{config.output} is a file: give a folder as --output")
    return None


def check_writable(output: Path) -> None:
    """Make the run's folder and write there, or raise BadConfig."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=output):
            pass
    except OSError as error:
        raise BadConfig(
            f"output {output} cannot be written: {error}: give another --output"
        ) from error


def has_model_of(checkpoint: Checkpoint, model: Path) -> bool:
    """Whether the model's folder is there and was written after the checkpoint."""
    state = checkpoint.folder / _STATE
    return model.is_dir() and model.stat().st_mtime_ns >= state.stat().st_mtime_ns


def newest_checkpoint(output: Path) -> Checkpoint | None:
    """The checkpoint of the highest step that was written to its end."""
    return max(_complete(output), default=None)


def _complete(output: Path) -> Iterator[Checkpoint]:
    for folder in output.glob("checkpoint-*") if output.is_dir() else ():
        found = _NAME.fullmatch(folder.name)
        if found is None:
            continue
        try:
            # Written last, so that it stands for the rest.
            json.loads((folder / _STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        yield Checkpoint(int(found[1]), folder)
