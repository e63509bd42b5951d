"""The journal beside OUT: where a run stands, replaced as a whole so that it is never torn."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from trainer_client.curate.errors import CannotResume
from trainer_client.curate.inputs import Progressed, Spot
from trainer_client.curate.jsonl import Place
from trainer_client.curate.sinks import Sink

__all__ = ["Owed", "State", "add", "differences", "read_journal", "write_journal"]

_VERSION = 1


class Owed(NamedTuple):
    """A unit that the service failed: where its rows lie in IN, and its lines in the outputs."""

    spots: tuple[Spot, ...]
    spans: Mapping[Sink, tuple[int, int]]
    tally: Mapping[str, float]


class State(NamedTuple):
    """Where a run stands; `renaming` says that newly spliced files are to take their names."""

    settings: Mapping[str, object]
    sizes: Mapping[Sink, int]
    progressed: Progressed = Progressed()
    tally: Mapping[str, float] = {}
    owed: tuple[Owed, ...] = ()
    renaming: bool = False


def add(tally: dict[str, float], more: Mapping[str, float]) -> None:
    """Count these, too."""
    for name, value in more.items():
        tally[name] = tally.get(name, 0) + value


def write_journal(path: Path, state: State) -> None:
    """Replace the journal by this state."""
    new = path.with_name(path.name + ".new")
    with new.open("w", encoding="utf-8") as file:
        json.dump({"version": _VERSION, **state._asdict()}, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def read_journal(path: Path) -> State:
    """The state that was written last, or CannotResume."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told.pop("version") != _VERSION:
            raise CannotResume(f"{path} is of another version: delete the output to begin anew")
        units, place = told["progressed"]
        return State(
            **told
            | {
                "progressed": Progressed(units, Place(*place)),
                "owed": tuple(_owed(*one) for one in told["owed"]),
            }
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CannotResume(f"{path} cannot be read: delete the output to begin anew") from error


def differences(before: Mapping[str, object], now: Mapping[str, object]) -> str:
    """The settings that are not the same, with both values; nothing if all are."""
    # Through JSON, as the journal went: a tuple comes back as a list.
    plain: Mapping[str, object] = json.loads(json.dumps(now))
    return ", ".join(
        f"{name} was {json.dumps(before.get(name))} and is {json.dumps(plain.get(name))}"
        for name in sorted(before.keys() | plain.keys())
        if before.get(name) != plain.get(name)
    )


def _owed(
    spots: list[list[int]], spans: Mapping[Sink, list[int]], tally: Mapping[str, float]
) -> Owed:
    return Owed(
        tuple(Spot(*spot) for spot in spots),
        {sink: (begin, end) for sink, (begin, end) in spans.items()},
        tally,
    )
