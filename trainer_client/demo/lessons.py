"""The stages one after the other, each measured when it is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import datasets
import torch
from transformers.utils.logging import disable_progress_bar

from trainer_client.demo.completions import Policy, measure
from trainer_client.demo.stages import Course, distil, learn_from_rewards, learn_traces
from trainer_client.demo.story import Chapter, story

__all__ = ["teach"]


def teach(course: Course) -> str:
    """Train and measure all three models; what came of it, as Markdown."""
    # A tiny model is faster on one thread, and its figures are the same every time.
    torch.set_num_threads(1)
    datasets.disable_progress_bars()
    disable_progress_bar()  # type: ignore[no-untyped-call]  # as it is
    chapters: list[Chapter] = []

    def chapter(stage: str, learn: Callable[[], Policy], *, folder: str) -> Policy:
        course.console.line(f"\nstage {len(chapters) + 1} of 3: {stage}")
        began_s = time.monotonic()
        policy = learn()
        seconds = time.monotonic() - began_s
        chapters.append(_measured(course, stage, policy, seconds=seconds, model=Path(folder)))
        course.console.line(chapters[-1].line())
        return policy

    chapter("SFT on noisy traces", partial(learn_traces, course), folder="sft")
    teacher = chapter("GRPO", partial(learn_from_rewards, course), folder="grpo/model")
    chapter("distilled from right samples", partial(distil, course, teacher), folder="distilled")
    return story(chapters, course.problems, output=course.output)


def _measured(
    course: Course, stage: str, policy: Policy, *, seconds: float, model: Path
) -> Chapter:
    policy.model.train(mode=False)
    trained, held_out = (
        measure(policy, problems, client=course.client, seed=course.seed)
        for problems in (course.problems.trained, course.problems.held_out)
    )
    return Chapter(
        stage,
        policy.model.num_parameters(),
        trained,
        held_out,
        seconds,
        course.output / model,
    )
