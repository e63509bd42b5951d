"""Whether two expressions have the same value: exact algebra first, then high-precision probes.

Every function here is bounded in time by the effort and the precision it may spend, answers unsure
or None where that is not enough, and raises TooBig alone: for what has millions of digits.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from graders.math_answers.formulas.algebra.canonical import canonical
from graders.math_answers.formulas.algebra.constants import (
    Sign,
    is_constant,
    order,
    rational_value,
    rounds_to,
    sign,
    usable_form,
)
from graders.math_answers.formulas.algebra.decisive import is_decisive
from graders.math_answers.formulas.algebra.equations import (
    Line,
    Proportion,
    constant_ratio,
    linear_in,
)
from graders.math_answers.formulas.algebra.form_text import form_text
from graders.math_answers.formulas.algebra.polynomials import Effort, Undefined, Unfit
from graders.math_answers.formulas.algebra.probes import probed
from graders.math_answers.formulas.algebra.quotients import difference
from graders.math_answers.formulas.algebra.substitution import substitute_names, substituted
from graders.math_answers.formulas.algebra.vocabulary import vocabulary
from graders.math_answers.formulas.printing import plain_text
from graders.math_answers.formulas.tree import Constant, Expression, Negative

__all__ = [
    "Answer", "Line", "Proportion", "Sign", "canonical_text", "compare", "constant_ratio",
    "is_constant", "linear_in", "order", "rational_value", "rounds_to", "sign", "substitute_names",
    "substituted", "symbols",
]  # fmt: skip

Answer: TypeAlias = Literal["equal", "different", "unsure"]


def compare(one: Expression, other: Expression) -> Answer:
    """Whether both have the same value wherever both have one; infinity equals itself alone."""
    words = vocabulary(one, other)
    if words.opaque:
        return _infinities(one, other)
    try:
        effort = Effort()
        gap = difference(canonical(one, effort), canonical(other, effort), effort)
    except Unfit:
        return probed(one, other)
    except Undefined:
        return "different"
    if not gap:
        return "equal"
    return "different" if is_decisive(gap) else probed(one, other)


def symbols(expression: Expression) -> frozenset[str]:
    """The names of its symbols."""
    return frozenset(vocabulary(expression).symbols)


def canonical_text(expression: Expression) -> str:
    """One line that is the same for equal canonical forms; the plain text where there is none."""
    form = usable_form(expression)
    if form is not None:
        try:
            return form_text(form)
        except Unfit:
            pass
    return plain_text(expression)


def _infinities(one: Expression, other: Expression) -> Answer:
    """Infinity is itself and no number; whatever else has no single value is not judged here."""
    ours, theirs = _infinite(one), _infinite(other)
    if ours and theirs:
        return "equal" if one == other else "different"
    finite = other if ours else one
    known = (ours or theirs) and not vocabulary(finite).opaque
    return "different" if known else "unsure"


def _infinite(expression: Expression) -> bool:
    if isinstance(expression, Negative):
        expression = expression.inner
    return expression == Constant("infinity")
