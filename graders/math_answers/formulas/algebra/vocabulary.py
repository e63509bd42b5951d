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
_OF_COMPLEX: Final = frozenset({"abs", "conjugate", "re", "im", "arg"})
_LETTERS: Final = frozenset({"z", "w"})
_COSTS: Final[dict[type, int]] = {Call: 10, Power: 6, Root: 2, Quotient: 2}


class Vocabulary(NamedTuple):
    symbols: tuple[str, ...]
    """In alphabetical order."""
    complex: frozenset[str]
    """Those that are complex numbers; all others are real."""
    imaginary: bool
    infinite: bool
    undone: bool
    """Whether something is there that has no single value, or it is nested too deep."""
    size: int
    """The count of nodes, where a function counts for as many as it costs."""

    @property
    def opaque(self) -> bool:
        """Whether there is no single finite value."""
        return self.infinite or self.undone


def vocabulary(*expressions: Expression) -> Vocabulary:
    """The vocabulary of all of them together; never raises, however deep they are."""
    names: set[str] = set()
    parted: list[Call] = []
    imaginary = infinite = undone = False
    size = 0
    waiting: list[tuple[Expression, int]] = [(one, 0) for one in expressions]
    while waiting:
        node, depth = waiting.pop()
        size += _COSTS.get(type(node), 1)
        undone = undone or depth > MAX_DEPTH
        match node:
            case Symbol():
                names.add(node.name)
            case Constant():
                imaginary = imaginary or node.name == "i"
                infinite = infinite or node.name == "infinity"
            case PlusMinus() | Undone():
                undone = True
            case _:
                if isinstance(node, Call) and node.name in _OF_COMPLEX:
                    parted.append(node)
                waiting.extend((part, depth + 1) for part in parts(node))
    turned = _complex(parted, names) if parted else frozenset()
    return Vocabulary(tuple(sorted(names)), turned, imaginary, infinite, undone, size)


def _complex(calls: list[Call], names: set[str]) -> frozenset[str]:
    """The symbols whose conjugate or parts are asked for, and z and w where their size is.

    Beside an i the symbols are real, but for z and w, as in a + bi; beside x and y so is z.
    """
    found: set[str] = set()
    for call in calls:
        inside, imaginary = _inside(call)
        letters = {name for name in inside if name.partition("_")[0] in _LETTERS}
        if call.name == "abs":
            found |= letters if not {"x", "y"} <= names else set()
        else:
            found |= letters if imaginary else inside
    return frozenset(found)


class _Inside(NamedTuple):
    names: set[str]
    imaginary: bool


def _inside(call: Call) -> _Inside:
    """The symbols in the arguments, but for those that another such function holds."""
    names: set[str] = set()
    imaginary = False
    waiting: list[Expression] = list(call.arguments)
    while waiting:
        node = waiting.pop()
        match node:
            case Symbol():
                names.add(node.name)
            case Constant():
                imaginary = imaginary or node.name == "i"
            case _:
                # What is in another such function is met there; so no node is met twice.
                if not (isinstance(node, Call) and node.name in _OF_COMPLEX):
                    waiting.extend(parts(node))
    return _Inside(names, imaginary)


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
