"""The plain text of a tree, as it was written: `(x + 1)/2`, `{1, 2}`, `x <= 3`."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from graders.math_answers.formulas.tree import (
    Bracketed,
    Call,
    Cases,
    Constant,
    Dots,
    Expression,
    Listing,
    Matrix,
    Measured,
    NamedSet,
    Negative,
    Node,
    Number,
    PlusMinus,
    Power,
    Product,
    Quotient,
    Ratio,
    Relation,
    Root,
    SetOperation,
    Sum,
    Symbol,
    Undone,
    Words,
    is_expression,
)

__all__ = ["number_text", "plain_text"]

_MAX_DIGIT_BITS: Final = 8_000
_SET_SIGNS: Final = {"union": "u", "intersection": "n", "difference": "\\"}
_TIGHT: Final = (Number, Constant, Symbol, Call, Root, Undone)
"""What needs no brackets wherever it stands."""


def plain_text(node: Node) -> str:
    """One line for any node; never raises for a tree that the parser made."""
    return _expression(node) if is_expression(node) else _other(node)


def number_text(value: Fraction, places: int = -1) -> str:
    """A number in digits: a decimal where it was one, else a fraction; long ones by their size."""
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MAX_DIGIT_BITS:
        return f"[a number of {value.numerator.bit_length()} bits]"
    if places <= 0 or places > 1_000:
        return str(value)
    shifted = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{shifted[:-places]}.{shifted[-places:]}"


def _expression(node: Expression) -> str:
    match node:
        case Number():
            return number_text(node.value, node.places)
        case Constant() | Symbol():
            return node.name
        case Negative():
            return f"-{_factor(node.inner)}"
        case Sum():
            return _sum(node)
        case Product():
            return "*".join(_factor(part) for part in node.factors)
        case Quotient():
            return f"{_factor(node.top)}/{_tight(node.bottom)}"
        case Power():
            return f"{_tight(node.base)}^{_tight(node.exponent)}"
        case _:
            return _applied(node)


def _applied(node: Root | Call | PlusMinus | Undone) -> str:
    match node:
        case Root():
            inner = plain_text(node.inner)
            return f"sqrt({inner})" if node.degree == 2 else f"root({inner}, {node.degree})"
        case Call():
            return f"{node.name}({_joined(node.arguments)})"
        case PlusMinus():
            left = "" if node.left is None else f"{plain_text(node.left)} "
            return f"{left}± {_factor(node.right)}"
        case Undone():
            return node.written


def _sum(node: Sum) -> str:
    parts = [_factor(node.terms[0])]
    for term in node.terms[1:]:
        if isinstance(term, Negative):
            parts.append(f" - {_factor(term.inner)}")
        else:
            parts.append(f" + {_factor(term)}")
    return "".join(parts)


def _factor(node: Expression) -> str:
    """A part of a product or a sum: sums and signs inside it stand in brackets."""
    text = plain_text(node)
    return f"({text})" if isinstance(node, Sum | PlusMinus | Negative) else text


def _tight(node: Expression) -> str:
    text = plain_text(node)
    plain = isinstance(node, _TIGHT) and text.count("/") == 0
    return text if plain else f"({text})"


def _joined(items: tuple[Node, ...]) -> str:
    return ", ".join(plain_text(item) for item in items)


def _other(node: Node) -> str:
    match node:
        case Measured():
            return _measured(node)
        case Dots():
            return "..."
        case Words():
            return node.text
        case NamedSet():
            return node.name
        case Bracketed():
            return f"{node.opening}{_joined(node.items)}{node.closing}"
        case Listing():
            joint = ", " if node.joint == "comma" else f" {node.joint} "
            return joint.join(plain_text(item) for item in node.items)
        case _:
            return _composed(node)


def _composed(node: Node) -> str:
    match node:
        case Matrix():
            rows = ", ".join(f"[{_joined(row)}]" for row in node.rows)
            return f"|{rows}|" if node.delimiter else f"[{rows}]"
        case Cases():
            return "; ".join(_branch(value, when) for value, when in node.branches)
        case Ratio():
            return ":".join(plain_text(part) for part in node.parts)
        case SetOperation():
            return f" {_SET_SIGNS[node.name]} ".join(plain_text(part) for part in node.parts)
        case Relation():
            return _relation(node)
        case _:
            return str(node)


def _branch(value: Node, when: Node | None) -> str:
    return f"{plain_text(value)} {'otherwise' if when is None else f'if {plain_text(when)}'}"


def _measured(node: Measured) -> str:
    value = plain_text(node.value)
    match node.unit:
        case "%":
            return f"{value}%"
        case "dollar":
            return f"${value}"
        case "":
            return value
        case _:
            return f"{value} {node.unit}"


def _relation(node: Relation) -> str:
    parts = [plain_text(node.sides[0])]
    for operator, side in zip(node.operators, node.sides[1:], strict=True):
        parts.append(f" {operator} {plain_text(side)}")
    return "".join(parts)
