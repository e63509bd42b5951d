"""What the demo has shown, for the terminal and for `demo.md`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from trainer_client.demo.completions import Accuracy
from trainer_client.demo.sums import Split

__all__ = ["Chapter", "story"]

_HEAD: Final = (
    "stage", "weights", "greedy", "sampled", "greedy, held out", "sampled, held out", "reward",
    "seconds",
)  # fmt: skip
_NEXT: Final = """\
The same with a model of yours, on a file of prompts and answers, while `make serve` runs:

    python -m trainer_client.train --model Qwen/Qwen3-0.6B --dataset tasks.jsonl \\
        --graders math,format --output run

`python -m trainer_client.curate` keeps the right ones of a file of completions, as stage 3 does."""


class Chapter(NamedTuple):
    """One stage: what it was, how good its model is, and where that is."""

    stage: str
    parameters: int
    trained: Accuracy
    held_out: Accuracy
    seconds: float
    model: Path

    def line(self) -> str:
        """Its accuracy in a line."""
        return (
            f"right: {self.trained.greedy:.1%} greedy, {self.trained.sampled:.1%} sampled; "
            f"of held-out sums {self.held_out.greedy:.1%} and {self.held_out.sampled:.1%}"
        )

    def cells(self) -> tuple[str, ...]:
        """Its row of the table."""
        shares = (
            self.trained.greedy, self.trained.sampled, self.held_out.greedy, self.held_out.sampled,
        )  # fmt: skip
        return (
            self.stage,
            f"{self.parameters:,}",
            *(f"{share:.1%}" for share in shares),
            f"{self.trained.reward:.2f}",
            f"{self.seconds:.0f}",
        )


def story(chapters: Sequence[Chapter], problems: Split, *, output: Path) -> str:
    """The whole of it as Markdown that reads well on a terminal, too."""
    table = _table([_HEAD, *(chapter.cells() for chapter in chapters)])
    places = [f"- {chapter.stage}: {chapter.model}" for chapter in chapters]
    return "\n".join(
        [
            "# A tiny model learns to add",
            "",
            *table,
            "",
            f"Right answers to {len(problems.trained)} sums that were trained on, and to "
            f"{len(problems.held_out)} that no stage has seen.",
            "Greedy is the likeliest completion, sampled and reward are the mean of 2 samples.",
            "",
            f"How the reward rose: {output / 'grpo' / 'reward.png'}",
            "Models:",
            *places,
            "",
            _NEXT,
        ]
    )


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| "
        + " | ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
        for row in rows
    ]
    rule = "|".join(
        "-" * (width + 2) if place == 0 else "-" * (width + 1) + ":"
        for place, width in enumerate(widths)
    )
    return [lines[0], f"|{rule}|", *lines[1:]]
