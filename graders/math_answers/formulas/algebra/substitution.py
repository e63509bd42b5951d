"""A copy of an expression with other things in the place of its symbols."""

from __future__ import annotations

from collections.abc import Mapping

from graders.math_answers.formulas.tree import (
    Call,
    Expression,
    Negative,
    PlusMinus,
    Power,
    Product,
    Quotient,
    Root,
    Sum,
    Symbol,
)

__all__ = ["substituted"]


def substituted(node: Expression, mapping: Mapping[str, Expression]) -> Expression:
    """The expression with values for some of its symbols, all at once."""
    match node:
        case Symbol():
            return mapping.get(node.name, node)
        case Negative():
            return Negative(substituted(node.inner, mapping))
        case Sum():
            return Sum(tuple(substituted(part, mapping) for part in node.terms))
        case Product():
            return Product(tuple(substituted(part, mapping) for part in node.factors))
        case Quotient():
            return Quotient(substituted(node.top, mapping), substituted(node.bottom, mapping))
        case Power():
            return Power(substituted(node.base, mapping), substituted(node.exponent, mapping))
        case Root():
            return Root(substituted(node.inner, mapping), node.degree)
        case Call():
            return Call(node.name, tuple(substituted(part, mapping) for part in node.arguments))
        case PlusMinus():
            left = None if node.left is None else substituted(node.left, mapping)
            return PlusMinus(left, substituted(node.right, mapping))
        case _:
            return node
