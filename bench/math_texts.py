"""The completions that the math bench grades: labelled ones where they lie, else made ones."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.graders.golds_data import boxed, made_golds, written
from tests.graders.near_golds import edits

__all__ = ["Set", "Text", "against_golds", "completions", "golds_of"]

_MADE: Final = 2_000
_GROUPS: Final = 300
_HALF: Final = 4


class Text(NamedTuple):
    """One completion, what is true, and whether it says so where that is known."""

    completion: str
    gold: str
    correct: bool | None = None


class Set(NamedTuple):
    """Completions, and where they come from."""

    source: str
    texts: list[Text]


def completions(data: Path, kind: str) -> Set:
    """Labelled completions of a kind, `gsm8k` or `math100`; made ones without the data."""
    rows = _rows(data / f"{kind}_labelled.jsonl.gz")
    if rows:
        texts = [Text(row["completion"], row["gold"], row["correct"]) for row in rows]
        return Set(f"{len(texts)} of {kind}_labelled", texts)
    texts = list(_sums() if kind == "gsm8k" else _derivations())
    return Set(f"{len(texts)} made up here (no {kind}_labelled in {data})", texts)


def golds_of(data: Path) -> list[str]:
    """The distinct golds of MATH; made ones without the data."""
    rows = _rows(data / "math_golds.jsonl.gz")
    golds = [row["gold"] for row in rows] if rows else list(made_golds(400))
    return sorted({gold for gold in golds if gold.strip()})


def against_golds(golds: Sequence[str]) -> list[Text]:
    """Groups of answers to one gold each, half of them right: in other notations, or near to it."""
    chance = random.Random(3)  # noqa: S311 - no secret
    texts: list[Text] = []
    for gold in chance.sample(list(golds), min(_GROUPS, len(golds))):
        right = [Text(boxed(one.text), gold, True) for one in written([gold])]
        wrong = [Text(boxed(one.other), gold, False) for one in edits(gold)]
        texts += chance.sample(right, min(_HALF, len(right)))
        texts += chance.sample(wrong, min(_HALF, len(wrong)))
    return texts


def _rows(path: Path) -> list[dict[str, Any]]:
    # Any: a row is whatever its file says.
    if not path.is_file():
        return []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _sums() -> Iterator[Text]:
    chance = random.Random(7)  # noqa: S311 - no secret
    for number in range(_MADE):
        left, right = chance.randrange(2, 999), chance.randrange(2, 999)
        said = left + right + chance.randrange(1, 9) * (number % 2)
        ending = (f"A: {said}", f"The answer is {said}.", f"#### {said}", f"\\boxed{{{said}}}")
        working = f"There are {left} apples and {right} more, so {left} + {right} = {said}.\n" * 3
        yield Text(working + ending[number % 4], str(left + right), number % 2 == 0)


def _derivations() -> Iterator[Text]:
    working = "We write \\(f(x) = x^2 - 3x + 2\\) and note that \\[f(2) = 0.\\]\nThen " * 8
    golds = sorted(set(made_golds(_MADE)))
    for text in against_golds(golds):
        yield text._replace(completion=working + text.completion)
