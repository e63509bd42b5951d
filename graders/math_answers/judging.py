"""What a tier is: it takes a gold and an answer and says equal, different or unsure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

from graders.math_answers.options import MathOptions
from graders.math_answers.quantities import Quantity
from graders.math_answers.shapes import Container

__all__ = ["DIFFERENT", "EQUAL", "UNSURE", "Gold", "Judgement", "Kind", "MathReason", "Tier"]

Kind: TypeAlias = Literal[
    "number", "clock", "choice", "text", "container", "relation", "expression"
]
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
    container: Container | None = None


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
