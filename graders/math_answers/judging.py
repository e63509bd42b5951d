"""What a tier is: it takes a gold and an answer and says equal, different or unsure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

from graders.math_answers.formulas.tree import Node, is_scalar
from graders.math_answers.options import MathOptions
from graders.math_answers.quantities import Quantity

__all__ = [
    "DIFFERENT",
    "EQUAL",
    "UNSURE",
    "Gold",
    "Judgement",
    "Kind",
    "MathReason",
    "Tier",
    "is_one_value",
]

Kind: TypeAlias = Literal["number", "clock", "choice", "text", "formula"]
Ruling: TypeAlias = Literal["equal", "different", "unsure"]
MathReason: TypeAlias = Literal[
    "equivalent",
    "different",
    "no_answer",
    "several_answers",
    "unfinished",
    "unparsed_answer",
    "too_complex",
    "timeout",
    "unparsed_gold",
]


@dataclass(frozen=True, slots=True)
class Gold:
    """A reference answer, read once."""

    text: str
    normal: str
    kind: Kind
    quantity: Quantity | None = None
    tree: Node | None = None
    """What our own parser reads; None where it does not."""


def is_one_value(gold: Gold) -> bool:
    """Whether a gold is a single value, so that a list or a relation cannot state it."""
    return gold.kind in ("number", "choice", "clock") or is_scalar(gold.tree)


class Judgement(NamedTuple):
    """What a tier says, and why."""

    ruling: Ruling
    reason: MathReason


EQUAL: Final = Judgement("equal", "equivalent")
DIFFERENT: Final = Judgement("different", "different")
UNSURE: Final = Judgement("unsure", "different")


class Tier(Protocol):
    """One way to compare; the first tier that is sure decides."""

    @property
    def name(self) -> str: ...

    def judge(self, gold: Gold, answer: str, options: MathOptions) -> Judgement:
        """Compare a gold with an answer's text; sure only where it cannot be wrong."""
        ...
