"""The demo's task: sums of two two-digit numbers, and the noisy traces that a base model read."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

__all__ = ["FULL_REWARD", "GRADERS", "MAX_TOKENS", "Problem", "Split", "noisy_traces", "split"]

GRADERS: Final = (
    # `evaluated`: a policy that copies the question has written its value, too.
    {"name": "math", "options": {"styles": ["answer_tag"], "evaluated": True}},
    # A quarter is exact in binary, so that groups of equal rewards are seen to be equal.
    {"name": "format", "weight": 0.25, "options": {"style": "think_answer"}},
)
FULL_REWARD: Final = 1.25
# Room for the longest trace, and for the end.
MAX_TOKENS: Final = 32
# What goes wrong in a trace, each by its own chance: half of all carries are lost and more.
_SLIP, _LOST_CARRY, _NO_END, _NO_TAGS = 0.25, 0.6, 0.2, 0.25


@dataclass(frozen=True, slots=True)
class Problem:
    """One sum, such as 37+58."""

    left: int
    right: int

    @property
    def prompt(self) -> str:
        return f"{self.left}+{self.right}="

    @property
    def answer(self) -> str:
        return str(self.left + self.right)


class Split(NamedTuple):
    """The problems that are trained on, and those that no stage sees before it is measured."""

    trained: tuple[Problem, ...]
    held_out: tuple[Problem, ...]


def split(trained: int, held_out: int, *, seed: int) -> Split:
    """The same problems for the same seed, none of them in both parts."""
    every = [Problem(left, right) for left in range(10, 100) for right in range(10, 100)]
    drawn = random.Random(seed).sample(every, trained + held_out)  # noqa: S311  # no secret
    return Split(tuple(drawn[:trained]), tuple(drawn[trained:]))


def noisy_traces(problems: Sequence[Problem], *, each: int, seed: int) -> Iterator[str]:
    """As many traces of each problem, of which more than half end wrong or lack their form."""
    dice = random.Random(seed)  # noqa: S311  # no secret
    for _ in range(each):
        for problem in problems:
            yield _trace(problem, dice)


def _trace(problem: Problem, dice: random.Random) -> str:
    """The columns one by one, as at school: `<think>7+8=15,3+5+1=9</think><answer>95</answer>`."""
    (tens, units), (more_tens, more_units) = divmod(problem.left, 10), divmod(problem.right, 10)
    low = units + more_units
    if dice.random() < _SLIP:
        low += dice.choice((-1, 1)) if low else 1
    carry = low // 10
    if dice.random() < _LOST_CARRY:
        carry = 0
    high = tens + more_tens + carry
    thoughts = f"{units}+{more_units}={low},{tens}+{more_tens}{'+1' * carry}={high}"
    end = "" if dice.random() < _NO_END else "</think>"
    answer = f"{high}{low % 10}"
    if dice.random() >= _NO_TAGS:
        answer = f"<answer>{answer}</answer>"
    return f"<think>{thoughts}{end}{answer}"
