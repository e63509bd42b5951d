"""Whether two expressions have the same value: exact algebra first, then high-precision probes.

Every function here is bounded in time by the effort and the precision it may spend, answers unsure
or None where that is not enough, and raises TooBig alone: for what has millions of digits.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from graders.math_answers.formulas.algebra.canonical import canonical
from graders.math_answers.formulas.algebra.constants import (
    Sign,
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
from graders.math_answers.formulas.algebra.substitution import substituted
from graders.math_answers.formulas.algebra.vocabulary import vocabulary
from graders.math_answers.formulas.printing import plain_text
from graders.math_answers.formulas.tree import Constant, Expression, Negative

__all__ = [
    "Answer", "Line", "Proportion", "Sign", "canonical_text", "compare", "constant_ratio",
    "linear_in", "order", "rational_value", "rounds_to", "sign", "substituted", "symbols",
]  # fmt: skip

Answer: TypeAlias = Literal["equal", "different", "unsure"]


def compare(one: Expression, other: Expression) -> Answer:
    """Whether both have the same value wherever both have one; infinity equals itself alone."""
    words = vocabulary(one, other)
    if words.opaque:
        return _infinities(one, other)
    if words.complex:
        # The algebra takes all symbols for real.
        verdict = probed(one, other)
        return "equal" if verdict == "unsure" and one == other else verdict
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
    """Infinity is itself, and no sum or power with it is a number; all else is not judged here."""
    if _infinite(one) and _infinite(other):
        return "equal" if one == other else "different"
    ours, theirs = vocabulary(one), vocabulary(other)
    if ours.undone or theirs.undone or ours.infinite == theirs.infinite:
        return "unsure"
    return "different"


def _infinite(expression: Expression) -> bool:
    if isinstance(expression, Negative):
        expression = expression.inner
    return expression == Constant("infinity")
