"""Formulas that are hard to compare: they nest, repeat, and grow."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from typing import Final

from graders.math_answers.formulas.tree import (
    Call,
    Constant,
    Expression,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Root,
    Sum,
    Symbol,
)

__all__ = ["WORST", "X", "number"]

X: Final = Symbol("x")


def number(value: int) -> Expression:
    """A whole number as a tree."""
    return Number(Fraction(value)) if value >= 0 else Negative(Number(Fraction(-value)))


def _nested(wrap: Callable[[Expression], Expression], times: int, inner: Expression) -> Expression:
    return reduce(lambda made, _: wrap(made), range(times), inner)


def _summed(make: Callable[[int], Expression], count: int) -> Expression:
    return Sum(tuple(make(step) for step in range(2, count + 2)))


WORST: Final[dict[str, Expression]] = {
    "sines": _nested(lambda inner: Call("sin", (inner,)), 50, X),
    "tangents": _nested(lambda inner: Call("tan", (inner,)), 50, X),
    "tower": _nested(lambda inner: Power(X, inner), 50, X),
    "e tower": _nested(lambda inner: Power(Constant("e"), inner), 20, number(1)),
    "roots": _nested(lambda inner: Root(Sum((number(1), inner))), 50, number(2)),
    "fractions": _nested(lambda inner: Quotient(number(1), Sum((number(1), inner))), 50, X),
    "factorials": _nested(lambda inner: Call("factorial", (inner,)), 10, number(3)),
    "binomials": _nested(lambda inner: Call("binomial", (inner, number(40))), 10, X),
    "square roots": _summed(lambda step: Root(number(step)), 300),
    "many sines": _summed(lambda step: Call("sin", (Product((number(step), X)),)), 200),
    "many powers": _summed(lambda step: Power(number(3), number(2_000_000 + step)), 90),
    "many binomials": _summed(
        lambda step: Call("binomial", (number(10**6 + step), number(50_000))), 60
    ),
    "factors": Product(tuple(Sum((X, number(step))) for step in range(200))),
    "power of a sum": Power(_summed(lambda step: Symbol(f"x{step}"), 26), number(100)),
    "high power": Power(Sum((X, number(1))), number(10**9)),
    "big power": Power(number(10**400 + 1), number(1_000)),
    "greatest divisor": Call(
        "gcd", (Power(number(3), number(900_000)), Power(number(6), number(900_000)))
    ),
    "binomial of binomials": _nested(
        lambda inner: Call("binomial", (inner, Symbol("k"))), 45, Symbol("n")
    ),
    "powers of a sum": Product(tuple(Power(Sum((X, number(1))), number(9)) for _ in range(200))),
    "functions": _nested(lambda inner: Call("f", (inner,)), 48, X),
    "corners": _summed(lambda step: Call("abs", (Sum((X, number(-step * step))),)), 150),
    "conjugates": _nested(lambda inner: Call("conjugate", (Sum((X, inner)),)), 48, X),
    "signs": _nested(lambda inner: Power(number(-1), Sum((Symbol("n"), inner))), 48, X),
    "tiny angles": _summed(
        lambda step: Call("cos", (Power(number(10), number(-1_000 - step)),)), 100
    ),
    "large angle": Call("sin", (Power(number(10), number(1_000)),)),
}
