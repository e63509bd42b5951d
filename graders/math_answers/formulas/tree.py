"""What an answer's notation says: a small typed tree, close to the way it was written."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal, TypeAlias, TypeGuard, get_args

__all__ = [
    "MIRRORED", "Bracketed", "Call", "Cases", "Constant", "Dots", "Expression", "Listing",
    "Matrix", "Measured", "NamedSet", "Negative", "Node", "Number", "Operator", "PlusMinus",
    "Power", "Product", "Quotient", "Ratio", "Relation", "Root", "SetOperation", "Sum", "Symbol",
    "TooBig", "Undone", "Unread", "Words", "is_expression", "is_scalar",
]  # fmt: skip


class Unread(ValueError):
    """The text is no notation that is read here; another tier may know it."""


class TooBig(ArithmeticError):
    """The item's fault: too long, too deep, or with more digits than are worth computing."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number written in digits: `12`, `0.5`, `1,234`, `1.2e5`; never negative."""

    value: Fraction
    places: int = -1
    """Digits after the point of a plain decimal, -1 for anything else."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A number with a name of its own."""

    name: Literal["pi", "e", "i", "infinity"]


@dataclass(frozen=True, slots=True)
class Symbol:
    """An unknown: `x`, `x_1`, `alpha`, `v_0`; case counts."""

    name: str


@dataclass(frozen=True, slots=True)
class Negative:
    inner: Expression


@dataclass(frozen=True, slots=True)
class Sum:
    """Two or more terms; a difference holds a Negative."""

    terms: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Product:
    """Two or more factors, written with a sign or side by side."""

    factors: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Quotient:
    top: Expression
    bottom: Expression


@dataclass(frozen=True, slots=True)
class Power:
    base: Expression
    exponent: Expression


@dataclass(frozen=True, slots=True)
class Root:
    inner: Expression
    degree: int = 2


@dataclass(frozen=True, slots=True)
class Call:
    r"""A function of its arguments.

    Known names: sin cos tan cot sec csc, arcsin arccos arctan arccot arcsec arccsc, sinh cosh tanh
    coth sech csch, arcsinh arccosh arctanh, ln, log (one argument, or argument and base), exp, abs
    (of a vector: norm), floor, ceil, factorial, double_factorial, binomial (upper, lower),
    permutations, conjugate, re, im, arg, gamma, sign, gcd, lcm, max, min, mod.  Any other name is
    an unknown function, `f(x)`.
    """

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class PlusMinus:
    r"""`\pm b`, and with a left side `a \pm b`; `\mp` is the same for one sign alone."""

    left: Expression | None
    right: Expression


@dataclass(frozen=True, slots=True)
class Undone:
    r"""Work that the writer left to the reader: sums, integrals, limits, derivatives, products.

    `written` is the normal form of the whole, which is all that is compared.
    """

    name: str
    written: str


Expression: TypeAlias = (
    Number | Constant | Symbol | Negative | Sum | Product | Quotient | Power | Root | Call
    | PlusMinus | Undone
)  # fmt: skip
"""What stands for one value."""

_EXPRESSIONS: Final = get_args(Expression)


@dataclass(frozen=True, slots=True)
class Measured:
    """A value with what follows or precedes it: a unit, a percent sign, money, degrees.

    `unit` is a standard spelling of graders.math_answers.units: `%`, `degree`, `kg*m/s^2`, or
    COUNTED for counted things ("apples").
    """

    value: Expression
    unit: str


@dataclass(frozen=True, slots=True)
class Dots:
    r"""`\ldots` as an item of a list or a term of a sum."""


@dataclass(frozen=True, slots=True)
class Words:
    """Plain words, as written but for white space."""

    text: str


@dataclass(frozen=True, slots=True)
class NamedSet:
    r"""A set with a name: `R`, `Z`, `N`, `Q`, `C`, `empty`; `R+` for `\mathbb{R}^+`, `R^2`."""

    name: str


@dataclass(frozen=True, slots=True)
class Bracketed:
    r"""Items between brackets: a tuple, an interval, a vector, a set.

    `opening` is one of `(`, `[`, `{`, `<` and `closing` one of `)`, `]`, `}`, `>`.  A set always is
    one, a single value in round or square brackets is only where the brackets differ.
    """

    opening: str
    closing: str
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """A list without brackets: `1, 2`, `a or b`, `a and b`."""

    items: tuple[Node, ...]
    joint: Literal["comma", "and", "or"] = "comma"


@dataclass(frozen=True, slots=True)
class Matrix:
    """A matrix or column vector; `delimiter` is `|` for a determinant, else empty."""

    rows: tuple[tuple[Node, ...], ...]
    delimiter: str = ""


@dataclass(frozen=True, slots=True)
class Cases:
    """A value by condition: pairs of a value and a condition, None for the last "otherwise"."""

    branches: tuple[tuple[Node, Node | None], ...]


@dataclass(frozen=True, slots=True)
class Ratio:
    """`3:4:5`."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class SetOperation:
    r"""`A \cup B`, `A \cap B`, `A \setminus B`."""

    name: Literal["union", "intersection", "difference"]
    parts: tuple[Node, ...]


Operator: TypeAlias = Literal[
    "=", "!=", "<", "<=", ">", ">=", "in", "notin", "subset", "equiv", "approx", "to", "iff",
    "divides", "perp", "parallel", "sim",
]  # fmt: skip


MIRRORED: Final[dict[Operator, Operator]] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""What an inequality becomes when its sides change places."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A chain of sides with an operator between each two: `a < x <= b`, `x = 3`."""

    sides: tuple[Node, ...]
    operators: tuple[Operator, ...]


Node: TypeAlias = (
    Expression | Measured | Dots | Words | NamedSet | Bracketed | Listing | Matrix | Cases | Ratio
    | SetOperation | Relation
)  # fmt: skip


def is_expression(node: object) -> TypeGuard[Expression]:
    """Whether a node stands for one value without a unit."""
    return isinstance(node, _EXPRESSIONS)


def is_scalar(node: object) -> TypeGuard[Expression | Measured]:
    """Whether a node stands for one value, perhaps with a unit."""
    return isinstance(node, Measured) or is_expression(node)
