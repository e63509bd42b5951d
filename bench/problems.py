"""Grade-school completions for the bench of the service: labelled ones, or sums made up here."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["BATCH", "ITEM_BYTES", "Problem", "agreed", "batches", "body", "integrals", "problems"]

BATCH: Final = 1_024
ITEM_BYTES: Final = 1_000


class Problem(NamedTuple):
    """One graded completion: what was asked, said and true."""

    prompt: str
    completion: str
    gold: str
    correct: bool


def problems(path: Path) -> list[Problem]:
    """The labelled ones of the file; made up ones without it."""
    return list(_labelled(path) if path.exists() else _made_up())


def _labelled(path: Path) -> Iterator[Problem]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield Problem(row["prompt"], row["completion"], row["gold"], row["correct"])


def _made_up() -> Iterator[Problem]:
    """Sums with their working, half of them wrong, for a checkout without the labelled data."""
    chance = random.Random(7)  # noqa: S311 - no secret
    for _ in range(4 * BATCH):
        left, right, wrong = chance.randrange(999), chance.randrange(999), chance.random() < 0.5
        total = left + right
        said = total + chance.randrange(1, 9) * wrong
        working = f"There are {left} and {right} more, so {left}+{right}=<<{left}+{right}={said}>>"
        yield Problem(f"{left} and {right}?", f"{working}{said}.\nA: {said}", str(total), not wrong)


def integrals(count: int) -> list[Problem]:
    """Answers that only the symbolic tier decides: of some 20 ms or more each."""
    return [
        Problem("", f"\\boxed{{\\int_0^{{{n}}} x^2 dx}}", f"\\int_0^{{{n}}} x \\cdot x dx", True)
        for n in range(1, count + 1)
    ]


def batches(found: Sequence[Problem], rounds: int) -> Iterator[list[Problem]]:
    """Batches of a step's size, one after the other through the problems."""
    for number in range(rounds):
        start = number * BATCH % max(1, len(found) - BATCH)
        yield list(found[start : start + BATCH])


def body(batch: Sequence[Problem]) -> bytes:
    """The request with the batch, each item filled up to its size."""
    items = []
    for place, problem in enumerate(batch):
        item = {
            "id": str(place),
            "prompt": problem.prompt,
            "completion": problem.completion,
            "reference": {"answer": problem.gold},
        }
        missing = ITEM_BYTES - len(json.dumps(item))
        items.append(item | {"prompt": problem.prompt + " " * max(0, missing)})
    return json.dumps({"graders": [{"name": "math"}], "items": items}).encode()


def agreed(batch: Sequence[Problem], answer: bytes) -> int:
    """How many verdicts are in their place and say what the labels say."""
    verdicts = json.loads(answer)["verdicts"]
    return sum(
        verdict["id"] == str(place) and verdict["reward"] == float(problem.correct)
        for place, (problem, verdict) in enumerate(zip(batch, verdicts, strict=True))
    )
