"""What a run has written and how far it is, so that a stop at any moment loses and doubles nothing.

Each batch is written and synced first, then the journal beside OUT says how long the files are.
What lies beyond that is cut off before a run goes on.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from trainer_client.curate.errors import BadFlags, CannotResume
from trainer_client.curate.inputs import Progressed, Spot
from trainer_client.curate.journal import Owed, State, add, differences, read_journal, write_journal
from trainer_client.curate.sinks import SINKS, Sink, locked, spliced, synced

__all__ = ["Decision", "Ledger", "Settled"]

_NEW: Final = ".new"


class Decision(NamedTuple):
    """What a unit comes to: the lines for each file, and what is counted."""

    lines: Mapping[Sink, bytes]
    tally: Mapping[str, float]


class Settled(NamedTuple):
    """A unit with its decision; one that the service failed is owed another try."""

    spots: tuple[Spot, ...]
    decision: Decision
    is_owed: bool


class Ledger:
    """The files of a run; without a journal (a pipe at either end) they cannot be gone on with."""

    def __init__(
        self,
        paths: Mapping[Sink, Path | None],
        journal: Path | None,
        settings: Mapping[str, object],
    ) -> None:
        self._paths = {sink: paths[sink] for sink in SINKS if sink in paths}
        self._journal = journal
        self._files: dict[Sink, BinaryIO] = {}
        self.state = State(dict(settings), sizes=dict.fromkeys(self._paths, 0))

    @property
    def can_mend(self) -> bool:
        """Whether what is written can be written anew."""
        return self._journal is not None

    def begin(self, *, resume: bool) -> None:
        """Take up what is there, or make sure that nothing is; no file is made yet."""
        there = [path for path in self._paths.values() if path is not None and _is_in_the_way(path)]
        if resume and self._journal is not None and self._journal.exists():
            self._take_up(self._journal)
        elif there and resume:
            raise CannotResume(
                f"{there[0]} is there without {self._journal}, so nobody knows how far it goes: "
                "delete it to begin anew"
            )
        elif there:
            further = "add --resume to go on with it, or " if self._journal is not None else ""
            raise BadFlags(f"{there[0]} is there already: {further}delete it, or name another file")
        for path in self._paths.values():
            if path is not None and not path.parent.is_dir():
                raise BadFlags(f"{path.parent} is no folder: make it, or name another file")

    def commit(self, settled: Sequence[Settled], end: Progressed, *, skipped: int) -> None:
        """Write what these units come to, in their order."""
        sizes = dict(self.state.sizes)
        owed: list[Owed] = []
        tally = dict(self.state.tally)
        parts: dict[Sink, list[bytes]] = {sink: [] for sink in self._paths}
        for spots, decision, is_owed in settled:
            spans: dict[Sink, tuple[int, int]] = {}
            for sink, found in parts.items():
                lines = decision.lines.get(sink, b"")
                spans[sink] = (sizes[sink], sizes[sink] + len(lines))
                sizes[sink] += len(lines)
                found.append(lines)
            add(tally, decision.tally)
            if is_owed:
                owed.append(Owed(spots, spans, decision.tally))
        add(tally, {"skipped": skipped})
        if not self._files:
            self._note(self.state)  # first, so that no file is ever there without it
        for sink, found in parts.items():
            file = self._file(sink)
            if data := b"".join(found):
                file.write(data)
                synced(file)
        self._note(
            self.state._replace(
                progressed=end, sizes=sizes, tally=tally, owed=(*self.state.owed, *owed)
            )
        )

    def mend(self, settled: Sequence[Settled]) -> None:
        """Put what all owed units come to now in the place of what they came to before."""
        old = self.state.owed
        tally = dict(self.state.tally)
        for before, (_, decision, _) in zip(old, settled, strict=True):
            add(tally, {name: -value for name, value in before.tally.items()})
            add(tally, decision.tally)
        sizes: dict[Sink, int] = {}
        spans: list[dict[Sink, tuple[int, int]]] = [{} for _ in old]
        for sink, path in self._on_disk():
            new = path.with_name(path.name + _NEW)
            pieces = [
                (before.spans[sink], one.decision.lines.get(sink, b""))
                for before, one in zip(old, settled, strict=True)
            ]
            with path.open("rb") as source, new.open("wb") as target:
                found = spliced(source, target, pieces)
                sizes[sink] = target.tell()
                synced(target)
            for place, span in enumerate(found):
                spans[place][sink] = span
        owed = tuple(
            Owed(one.spots, span, one.decision.tally)
            for one, span in zip(settled, spans, strict=True)
            if one.is_owed
        )
        # From here on the new files are the true ones: a stop in between is made good later.
        self._note(self.state._replace(sizes=sizes, tally=tally, owed=owed, renaming=True))
        self._rename()

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            if file is not sys.stdout.buffer:
                file.close()
        self._files.clear()

    def _take_up(self, journal: Path) -> None:
        state = read_journal(journal)
        if changed := differences(state.settings, self.state.settings):
            raise CannotResume(
                f"{journal} belongs to a run with other flags ({changed}): "
                "give the same flags, or delete the output to begin anew"
            )
        self.state = state
        if state.renaming:
            self._rename()
        for sink, path in self._on_disk():
            size = path.stat().st_size if path.exists() else 0
            if size < state.sizes[sink]:
                found = f"has {size:,} of its {state.sizes[sink]:,} bytes"
                raise CannotResume(
                    f"{path} {found}: put it back, or delete all of the output to begin anew"
                )
        for sink in state.sizes:
            self._file(sink).truncate(state.sizes[sink])

    def _rename(self) -> None:
        self.close()
        for _, path in self._on_disk():
            new = path.with_name(path.name + _NEW)
            if new.exists():
                new.replace(path)
        self._note(self.state._replace(renaming=False))

    def _file(self, sink: Sink) -> BinaryIO:
        if sink not in self._files:
            path = self._paths[sink]
            if path is None:
                self._files[sink] = sys.stdout.buffer
            else:
                file = path.open("ab")
                self._files[sink] = locked(file, path) if path.is_file() else file
        return self._files[sink]

    def _note(self, state: State) -> None:
        self.state = state
        if self._journal is not None:
            write_journal(self._journal, state)

    def _on_disk(self) -> Iterable[tuple[Sink, Path]]:
        return [(sink, path) for sink, path in self._paths.items() if path is not None]


def _is_in_the_way(path: Path) -> bool:
    """Whether something is there already; what a device or a pipe took is not."""
    return path.is_file() or path.is_dir()
