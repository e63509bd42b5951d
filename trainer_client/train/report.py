"""What a run came to: a page to keep, and the same on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Final, NamedTuple

from trainer_client.train.journal import Entry, numbers_of, step_of
from trainer_client.train.measures import LENGTH, RESAMPLED, REWARD, Measures

__all__ = ["REPORT", "Change", "RunReport", "Session", "report_of"]

REPORT: Final = "report.md"
_WINDOW_STEPS: Final = 20


class Change(NamedTuple):
    """The mean of a measure over the first and the last steps that have it; None without any."""

    name: str
    first: float | None
    last: float | None


@dataclass(frozen=True, slots=True)
class Session:
    """What the process knows that the log does not: its time, its folder and how it ended."""

    output: Path
    step: int
    wall_s: float
    waited_s: float
    resumed_from: int | None
    checkpoint: Path | None
    model: Path | None
    stopped: str | None
    resume_command: str | None


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run, summed up over all its sessions; times are of the last one."""

    session: Session
    window_steps: int
    changes: tuple[Change, ...]
    failed: float | None
    ungradable: float | None
    flat: float | None
    resampled_groups: float | None

    def lines(self) -> Iterator[str]:
        """The report as Markdown that reads well on a terminal."""
        session = self.session
        yield f"# {'Stopped' if session.stopped else 'Done'} after {session.step} steps"
        yield ""
        if session.stopped:
            yield from (session.stopped, "")
        width = max(len(change.name) for change in self.changes)
        head = f"first {self.window_steps}", f"last {self.window_steps}"
        yield f"| {'mean over steps':{width}} | {head[0]:>8} | {head[1]:>8} |"
        yield f"| {'-' * width} | {'-' * 7}: | {'-' * 7}: |"
        for name, first, last in self.changes:
            yield f"| {name:{width}} | {_number(first):>8} | {_number(last):>8} |"
        yield ""
        yield f"- without a reward: {_share(self.failed)} failed (the service), " + (
            f"{_share(self.ungradable)} ungradable (the task)"
        )
        drawn = self.resampled_groups
        anew = "" if drawn is None else f"; {drawn:.2f} a generation drawn anew"
        yield f"- groups without spread: {_share(self.flat)}{anew}"
        waited = session.waited_s / session.wall_s if session.wall_s else 0.0
        since = f" since step {session.resumed_from}" if session.resumed_from is not None else ""
        yield f"- time{since}: {session.wall_s:.0f} s, {waited:.1%} of it waiting for rewards"
        yield f"- in {session.output}: log.jsonl, completions.jsonl, reward.png, config.yaml"
        if session.checkpoint is not None:
            yield f"- checkpoint: {session.checkpoint}"
        else:
            yield "- no checkpoint was written"
        if session.model is not None:
            yield f"- model: {session.model}"
        if session.resume_command is not None:
            yield f"- to go on: `{session.resume_command}`"


def report_of(entries: Sequence[Entry], measures: Measures, *, session: Session) -> RunReport:
    """The report of a run whose log is given."""
    window = min(_WINDOW_STEPS, max(1, session.step // 2))
    first = [entry for entry in entries if step_of(entry) <= window] or entries[:1]
    last = [entry for entry in entries if step_of(entry) > session.step - window] or entries[-1:]
    named = [
        ("reward", REWARD),
        *((name, measures.component(name)) for name in measures.components),
        ("completion length, tokens", LENGTH),
    ]
    return RunReport(
        session=session,
        window_steps=window,
        changes=tuple(Change(name, _mean(first, key), _mean(last, key)) for name, key in named),
        failed=_mean(entries, measures.failed),
        ungradable=_mean(entries, measures.ungradable),
        flat=_mean(entries, measures.flat),
        resampled_groups=_mean(entries, RESAMPLED),
    )


def _mean(entries: Sequence[Entry], key: str) -> float | None:
    values = numbers_of(entries, key)
    return fmean(values) if values else None


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _share(value: float | None) -> str:
    return "none" if value is None else f"{value:.1%}"
