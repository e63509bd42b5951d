"""What occurs in expressions: symbols, the imaginary unit, what has no value; and their size."""

from __future__ import annotations

from typing import Final, NamedTuple

from graders.math_answers.formulas.tree import (
    Call,
    Constant,
    Expression,
    Negative,
    PlusMinus,
    Power,
    Product,
    Quotient,
    Root,
    Sum,
    Symbol,
    Undone,
)

__all__ = ["MAX_DEPTH", "Vocabulary", "parts", "vocabulary"]

MAX_DEPTH: Final = 120
_COSTS: Final[dict[type, int]] = {Call: 10, Power: 6, Root: 2, Quotient: 2}


class Vocabulary(NamedTuple):
    symbols: tuple[str, ...]
    """In alphabetical order."""
    imaginary: bool
    opaque: bool
    """Whether something is there that has no single finite value, or it is nested too deep."""
    size: int
    """The count of nodes, where a function counts for as many as it costs."""


def vocabulary(*expressions: Expression) -> Vocabulary:
    """The vocabulary of all of them together; never raises, however deep they are."""
    names: set[str] = set()
    imaginary = opaque = False
    size = 0
    waiting: list[tuple[Expression, int]] = [(one, 0) for one in expressions]
    while waiting:
        node, depth = waiting.pop()
        size += _COSTS.get(type(node), 1)
        opaque = opaque or depth > MAX_DEPTH
        match node:
            case Symbol():
                names.add(node.name)
            case Constant():
                imaginary = imaginary or node.name == "i"
                opaque = opaque or node.name == "infinity"
            case PlusMinus() | Undone():
                opaque = True
            case _:
                waiting.extend((part, depth + 1) for part in parts(node))
    return Vocabulary(tuple(sorted(names)), imaginary, opaque, size)


def parts(node: Expression) -> tuple[Expression, ...]:
    """The expressions right below a node."""
    match node:
        case Sum():
            return node.terms
        case Product():
            return node.factors
        case Negative() | Root():
            return (node.inner,)
        case Quotient():
            return (node.top, node.bottom)
        case Power():
            return (node.base, node.exponent)
        case Call():
            return node.arguments
        case _:
            return ()
