"""Reference answers of MATH-like tasks: the shared ones where they lie, else made ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from graders.contract import Grade
from graders.math_answers import MathGrader
from graders.math_answers.options import MathOptions, MathReference
from tests.graders.tables import shared_rows
from tests.graders.variants import VARIANTS

__all__ = ["Written", "boxed", "grade", "known_golds", "made_golds", "written"]

_GRADER: Final = MathGrader()
_DEFAULTS: Final = MathOptions()


class Written(NamedTuple):
    """A gold, and the same answer in another notation."""

    gold: str
    variant: str
    text: str


def known_golds() -> list[str]:
    """Every distinct gold of the shared data, or of the made ones without it."""
    rows = shared_rows("data/math_golds.jsonl.gz")
    golds = [row["gold"] for row in rows] if rows else list(made_golds(400))
    return sorted({gold for gold in golds if gold.strip()})


def made_golds(count: int) -> Iterator[str]:
    """Answers of the kinds that school competitions ask for, the same ones every time."""
    chance = random.Random(11)  # noqa: S311 - no secret
    makers = list(_MAKERS)
    for number in range(count):
        yield makers[number % len(makers)](chance)


def written(golds: list[str]) -> Iterator[Written]:
    """Every gold in every notation that it has."""
    for name, variant in VARIANTS.items():
        for gold in golds:
            text = variant(gold)
            if text is not None:
                yield Written(gold, name, text)


def boxed(answer: str) -> str:
    """A short completion that states an answer."""
    return f"So the answer is $\\boxed{{{answer}}}$."


def grade(gold: str, answer: str) -> Grade:
    """What the answer is worth, stated in a box."""
    return _GRADER.grade(boxed(answer), MathReference(answer=gold), _DEFAULTS)


def _sum(chance: random.Random) -> str:
    return f"{chance.randint(2, 9)}{chance.choice('+-')}{chance.randint(1, 9)}"


def _root(chance: random.Random) -> str:
    return f"{chance.randint(2, 9)}\\sqrt{{{chance.choice((2, 3, 5, 6, 7, 10, 11, 13))}}}"


def _fraction(chance: random.Random) -> str:
    below = chance.randint(2, 30)
    top = chance.choice([number for number in range(1, 60) if number % below])
    return f"{chance.choice(('', '-'))}\\frac{{{top}}}{{{below}}}"


def _polynomial(chance: random.Random) -> str:
    a, b, c = (chance.randint(2, 9) for _ in range(3))
    return f"{a}x^2 {chance.choice('+-')} {b}x {chance.choice('+-')} {c}"


def _matrix(chance: random.Random) -> str:
    a, b, c, d = (chance.randint(-9, 9) for _ in range(4))
    return f"\\begin{{pmatrix}} {a} & {b} \\\\ {c} & {d} \\end{{pmatrix}}"


def _interval(chance: random.Random) -> str:
    low = chance.randint(-9, 5)
    return f"{chance.choice('([')}{low},{low + chance.randint(1, 9)}{chance.choice(')]')}"


def _union(chance: random.Random) -> str:
    low = chance.randint(-9, 5)
    return f"(-\\infty,{low}) \\cup ({low + chance.randint(1, 9)},\\infty)"


def _factors(chance: random.Random) -> str:
    return f"(x{chance.choice('+-')}{chance.randint(1, 9)})({_sum(chance)}x)"


_MAKERS: Final[tuple[Callable[[random.Random], str], ...]] = (
    lambda chance: str(chance.randint(-99, 999)),
    lambda chance: str(chance.randint(0, 99)),
    lambda chance: f"{chance.randint(1, 99)},\\!{chance.randint(100, 999)}",
    _fraction,
    _fraction,
    _root,
    lambda chance: f"\\frac{{{_root(chance)}}}{{{chance.randint(2, 9)}}}",
    lambda chance: f"{chance.randint(2, 40)}\\pi",
    lambda chance: f"\\frac{{{chance.choice((3, 5, 7))}\\pi}}{{{chance.choice((2, 4, 8))}}}",
    lambda chance: f"{chance.randint(10, 170)}^\\circ",
    lambda chance: f"{_sum(chance)}i",
    lambda chance: f"{chance.randint(1, 9)} \\pm \\sqrt{{{chance.choice((2, 3, 5, 7))}}}",
    lambda chance: f"{_sum(chance)}\\sqrt{{{chance.choice((2, 3, 5, 7))}}}",
    _polynomial,
    _factors,
    lambda chance: f"\\frac{{{_sum(chance)}x}}{{x+{chance.randint(1, 9)}}}",
    lambda chance: f"y = {chance.randint(2, 9)}x + {chance.randint(1, 9)}",
    lambda chance: f"({chance.randint(-9, 9)},{chance.randint(-9, 9)})",
    lambda chance: f"\\left( {_fraction(chance)}, {chance.randint(-9, 9)} \\right)",
    _interval,
    _union,
    lambda chance: ", ".join(map(str, sorted(chance.sample(range(-9, 30), 3)))),
    lambda chance: f"{chance.randint(1000, 2222)}_{{{chance.randint(3, 9)}}}",
    _matrix,
    lambda chance: f"\\text{{({chance.choice('ABCDE')})}}",
    lambda chance: f"{chance.randint(2, 99)} \\text{{ cm}}",
    lambda chance: f"\\${chance.randint(2, 99)}.{chance.randint(10, 99)}",
    lambda chance: f"0.{chance.randint(1, 999)}",
)
