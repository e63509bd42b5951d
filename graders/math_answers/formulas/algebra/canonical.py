"""The canonical form of an expression: a quotient of polynomials, exact in all that it holds."""

from __future__ import annotations

from typing import Final

from graders.math_answers.formulas.algebra.calls import called
from graders.math_answers.formulas.algebra.exponentials import PI, E, raised_to
from graders.math_answers.formulas.algebra.polynomials import (
    IMAGINARY,
    Effort,
    Generator,
    Unfit,
    lowest,
    single,
)
from graders.math_answers.formulas.algebra.quotients import (
    Form,
    inverse,
    negated,
    of_rational,
    plus,
    times,
)
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

__all__ = ["canonical", "unknown"]

_CONSTANTS: Final = {"pi": PI, "e": E, "i": IMAGINARY}


def canonical(expression: Expression, effort: Effort | None = None) -> Form:
    """The form of an expression.

    Unfit where this method does not serve, Undefined where there is no value (1/0), TooBig where
    the value has millions of digits.  Equal forms mean equal values; of different forms that holds
    only where `is_decisive` says so.
    """
    return _form(expression, effort or Effort())


def unknown(name: str) -> Generator:
    """The generator of a symbol, told from a constant of the same name."""
    return Generator(f"'{name}'" if name in _CONSTANTS else name, "symbol", fixed=False)


def _form(node: Expression, effort: Effort) -> Form:
    effort.spend(1)
    match node:
        case Number():
            return of_rational(lowest(node.value))
        case Symbol():
            return Form(single(unknown(node.name)))
        case Constant():
            if node.name == "infinity":
                raise Unfit("infinity is no number")
            return Form(single(_CONSTANTS[node.name]))
        case Negative():
            return negated(_form(node.inner, effort))
        case Sum():
            return _sum(node, effort)
        case Product():
            return _product(node, effort)
        case _:
            return _composed(node, effort)


def _composed(node: Expression, effort: Effort) -> Form:
    match node:
        case Quotient():
            bottom = inverse(_form(node.bottom, effort), effort)
            return times(_form(node.top, effort), bottom, effort)
        case Power():
            return raised_to(_form(node.base, effort), _form(node.exponent, effort), effort)
        case Root():
            degree = inverse(of_rational(node.degree), effort)
            return raised_to(_form(node.inner, effort), degree, effort)
        case Call():
            arguments = tuple(_form(part, effort) for part in node.arguments)
            return called(node.name, arguments, effort)
        case _:
            raise Unfit("no value")


def _sum(node: Sum, effort: Effort) -> Form:
    total = _form(node.terms[0], effort)
    for term in node.terms[1:]:
        total = plus(total, _form(term, effort), effort)
    return total


def _product(node: Product, effort: Effort) -> Form:
    total = _form(node.factors[0], effort)
    for factor in node.factors[1:]:
        total = times(total, _form(factor, effort), effort)
    return total
