"""Where the reading of one text stands, and the doors by which its parts call one another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, NoReturn

from graders.math_answers.formulas.reading.lexer import END, Tokens
from graders.math_answers.formulas.tree import (
    Call,
    Constant,
    Expression,
    Negative,
    Node,
    Number,
    PlusMinus,
    Power,
    Product,
    Quotient,
    Root,
    Sum,
    Symbol,
    TooBig,
    Undone,
    Unread,
)

__all__ = ["Context", "Cursor", "Doors", "Side", "value_of"]

_MAX_NESTING: Final = 102
"""Steps of the grammar, about two to a bracket: far from the depth that Python can go."""
_MAX_NODES: Final = 1_000
_VALUES: Final = frozenset((
    Number, Constant, Symbol, Negative, Sum, Product, Quotient, Power, Root, Call, PlusMinus,
    Undone,
))  # fmt: skip


class Doors(NamedTuple):
    """The parts of the grammar that others come back to."""

    items: Callable[[Cursor], Node]
    clause: Callable[[Cursor], Node]
    expression: Callable[[Cursor], Expression]
    power: Callable[[Cursor], Expression]
    atom: Callable[[Cursor], Node]


class Context(NamedTuple):
    """What the brackets around a place say about reading on."""

    bars: int
    in_brackets: bool
    in_builder: bool
    in_group: bool


class Side(NamedTuple):
    """The unit of a side so far, and the nesting at which it may have one."""

    unit: str | None
    side_nesting: int


class Cursor:
    """A place in the tokens, with what the brackets around it say about reading on."""

    __slots__ = (
        "at", "bars", "doors", "functions", "has_undone", "has_vectors", "in_argument",
        "in_brackets", "in_builder", "in_group",
        "is_french", "is_pythonic", "kinds", "nesting", "nodes", "side_nesting", "starts", "text",
        "texts", "unit",
    )  # fmt: skip

    def __init__(self, tokens: Tokens, doors: Doors) -> None:
        self.text, self.kinds, self.texts = tokens.text, tokens.kinds, tokens.texts
        self.starts, self.doors = tokens.starts, doors
        self.at = self.bars = self.nesting = self.nodes = self.side_nesting = 0
        self.in_argument = self.in_brackets = self.in_builder = self.in_group = False
        self.has_undone = "undone" in self.kinds or "dots" in self.kinds
        self.unit: str | None = None
        self.functions: frozenset[str] = frozenset()
        text = tokens.text
        squares = [kind for kind in self.kinds if kind in ("[", "]")] if "[" in text or (
            "]" in text) else []  # fmt: skip
        self.is_french = bool(squares) and (squares[0] == "]" or squares[-1] == "[")
        self.is_pythonic = "\\" not in text and "*" in text
        letters = tokens.texts if "j" in text or "k" in text else ()
        self.has_vectors = "i" in letters and ("j" in letters or "k" in letters)

    def fail(self) -> NoReturn:
        """Say that the text is not read from here."""
        raise Unread(f"{self.text[:80]!r} at {self.starts[self.at]}")

    def take(self, kind: str) -> bool:
        """Step over a token of a kind, if it is there."""
        if self.kinds[self.at] != kind:
            return False
        self.at += 1
        return True

    def need(self, kind: str) -> None:
        """Step over a token that has to be there."""
        if self.kinds[self.at] != kind:
            self.fail()
        self.at += 1

    def enter(self) -> None:
        """One level deeper; TooBig beyond the limit."""
        self.nesting += 1
        if self.nesting > _MAX_NESTING:
            raise TooBig

    def leave(self) -> None:
        self.nesting -= 1

    def within_brackets(self) -> Context:
        """Begin the inside of a bracket; the context outside is to be restored at its end."""
        kept = Context(self.bars, self.in_brackets, self.in_builder, self.in_group)
        self.bars, self.in_brackets, self.in_builder, self.in_group = 0, True, False, False
        return kept

    def restore(self, kept: Context) -> None:
        self.bars, self.in_brackets, self.in_builder, self.in_group = kept

    def begin_side(self) -> Side:
        """Begin a side without a unit; what stood outside is to be restored at its end."""
        kept = Side(self.unit, self.side_nesting)
        self.unit, self.side_nesting = None, self.nesting + 1
        return kept

    def end_side(self, kept: Side) -> None:
        self.unit, self.side_nesting = kept

    def count(self) -> None:
        """One node more; TooBig beyond the limit."""
        self.nodes += 1
        if self.nodes > _MAX_NODES:
            raise TooBig

    def is_spaced(self) -> bool:
        """Whether a space stands before the token."""
        start = self.starts[self.at]
        return start > 0 and self.text[start - 1] == " "

    def is_joined(self, at: int) -> bool:
        """Whether a token follows the one before it without a space."""
        start = self.starts[at]
        return start > 0 and self.text[start - 1] != " " and self.kinds[at] != END


def value_of(node: Node) -> Expression:
    """The node, if it stands for one value."""
    if type(node) not in _VALUES:
        raise Unread("no value")
    return node  # type: ignore[return-value]  # the set holds just the members of Expression
