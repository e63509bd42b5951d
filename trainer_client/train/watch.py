"""What is told and kept while a run goes on: a line and a log entry a step, a plot a checkpoint."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from trainer_client.train.console import Console
from trainer_client.train.errors import NothingToResume
from trainer_client.train.journal import Journal
from trainer_client.train.measures import Measures
from trainer_client.train.stopping import Stopping

__all__ = ["Watch"]

_RECENT_STEPS: Final = 20
_LINES: Final = 50  # of a run's progress, where they stay


class Watch(TrainerCallback):
    """Tells the console, the journal and the plot how a run is, and holds signals at updates."""

    def __init__(
        self,
        console: Console,
        *,
        stopping: Stopping,
        measures: Measures,
        journal: Journal | None,
        on_logged: Callable[[int], None],
        on_saved: Callable[[], None],
    ) -> None:
        self._console = console
        self._stopping = stopping
        self._measures = measures
        self._journal = journal
        self._on_logged = on_logged
        self._on_saved = on_saved
        self._clock: deque[tuple[int, float]] = deque(maxlen=_RECENT_STEPS)

    # Any: the hooks' further arguments, none of which is read.
    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if state.global_step >= state.max_steps:
            # TRL would train for a step more.
            raise NothingToResume(
                f"the run is complete: its checkpoint is of step {state.global_step}, and it ends "
                f"after step {state.max_steps}; to go on raise that, such as by "
                f"--grpo max_steps={2 * state.global_step}"
            )
        self._clock.append((state.global_step, time.monotonic()))

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._stopping.release()

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._stopping.hold()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, object] | None = None,
        **_: Any,
    ) -> None:
        # Without a loss it is the sum of the whole run, which the report gives.
        if logs is None or "loss" not in logs or self._journal is None:
            return
        self._journal.add(state.global_step, logs)
        self._on_logged(state.global_step)
        self._clock.append((state.global_step, time.monotonic()))
        step, steps = state.global_step, state.max_steps
        if self._console.is_live or step in {1, steps} or step % max(steps // _LINES, 1) == 0:
            self._console.progress(self._line(logs, step=step, steps=steps))

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self._journal is not None:
            self._on_saved()

    def _line(self, logs: Mapping[str, object], *, step: int, steps: int) -> str:
        (first, began_s), (last, now_s) = self._clock[0], self._clock[-1]
        step_s = (now_s - began_s) / max(last - first, 1)
        return "  ".join(
            [
                f"step {step}/{steps}, {_duration(step_s * (steps - step))} left",
                *self._measures.told(logs),
                f"{step_s:.2g} s/step",
            ]
        )


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
