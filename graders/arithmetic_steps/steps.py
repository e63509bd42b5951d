"""From a text to its steps: each equation once, ruled on, with the place where it stands."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import Final, NamedTuple

from graders.arithmetic_steps.judging import Judged, Rounding, judge
from graders.arithmetic_steps.literals import Number, TooBig, number_of
from graders.arithmetic_steps.pieces import Piece, pieces
from graders.arithmetic_steps.sides import Link, links
from graders.arithmetic_steps.signs import Sign

__all__ = ["MAX_EQUATIONS", "Found", "Step", "find_steps"]

MAX_EQUATIONS: Final = 2_000
"""So many equations of a text are looked at, those that are no steps and repeated ones included."""


_WIDE_DIGIT: Final = re.compile("[\uff10-\uff19]")
_WIDE: Final = {0xFF10 + digit: str(digit) for digit in range(10)}


class Step(NamedTuple):
    """One equation whose two sides are numbers, and whether it holds."""

    start: int
    end: int
    holds: bool
    left: Number
    right: Number


class Found(NamedTuple):
    """The distinct steps in order, what was passed over, and whether something was not read."""

    steps: list[Step]
    repeated: int
    unclear: int
    too_big: int
    is_cut: bool


def find_steps(text: str, start: int, end: int, *, rounding: Rounding) -> Found:
    """The steps between two places of the text."""
    if _WIDE_DIGIT.search(text):
        text = text.translate(_WIDE)
    steps: list[Step] = []
    seen: set[tuple[object, ...]] = set()
    counts: Counter[str] = Counter()
    is_cut = False
    for piece in pieces(text, start, end):
        if piece is None or counts["equations"] >= MAX_EQUATIONS:
            is_cut = True
            break
        for first, last, judged in _judged(piece, text, rounding):
            counts["equations"] += 1
            if judged.ruling not in ("holds", "wrong"):
                counts[judged.ruling] += 1
            elif judged.key in seen:
                counts["repeated"] += 1
            else:
                seen.add(judged.key)
                holds = judged.ruling == "holds"
                steps.append(Step(first, last, holds, judged.left, judged.right))
    steps.sort()
    return Found(steps, counts["repeated"], counts["unclear"], counts["too_big"], is_cut)


def _judged(piece: Piece, text: str, rounding: Rounding) -> Iterator[tuple[int, int, Judged]]:
    ruled: list[tuple[Link, Judged]] = []
    for link in links(piece):
        judged = judge(link, text=text, rounding=rounding)
        if judged.ruling in ("holds", "wrong", "unclear"):
            ruled.append((link, judged))
        yield link.left.start, link.right.end, judged
    for at, sign in enumerate(piece.signs):
        if sign.kind == "mark":
            over = [j for link, j in ruled if link.right.start <= sign.end <= link.right.end]
            behind = () if over else piece.signs[at + 1 : at + 3]
            # `3 - 5 = <<3-5=-2>>2` is one mistake, and nothing that holds.
            if all(judged.ruling != "wrong" for judged in over):
                yield from _of_mark(sign, behind, text, rounding)


def _of_mark(
    mark: Sign, behind: tuple[Sign, ...], text: str, rounding: Rounding
) -> Iterator[tuple[int, int, Judged]]:
    """The equation in a calculator mark; the number behind the mark is what it gives."""
    for link in links(Piece(mark.inside)):
        judged = judge(link, text=text, rounding=rounding)
        if judged.ruling == "holds" and link.last:
            judged = _shown(judged, behind)
        yield mark.start, mark.end, judged


def _shown(judged: Judged, behind: tuple[Sign, ...]) -> Judged:
    """The ruling on a mark that holds, by the number that is shown behind it."""
    # Two numbers are one, perhaps: `17 500`.
    if [sign.kind for sign in behind[:2]].count("number") != 1 or behind[0].kind != "number":
        return judged
    try:
        shown = number_of(behind[0].text)
    except TooBig:
        return judged
    if abs(Fraction(judged.right) - shown) < 1:
        return judged
    key = (*judged.key, shown)
    return judged._replace(ruling="wrong", left=judged.right, right=shown, key=key)
