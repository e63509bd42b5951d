"""Tier 2: notation read by our own parser, compared exactly and by high-precision probes."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from graders.math_answers.formulas.comparing.scalars import Rules, is_literal
from graders.math_answers.formulas.comparing.typed import same
from graders.math_answers.formulas.reading.parser import read
from graders.math_answers.formulas.tree import (
    Constant,
    Listing,
    Node,
    PlusMinus,
    TooBig,
    Undone,
    Unread,
    is_scalar,
)
from graders.math_answers.formulas.walking import has, nodes
from graders.math_answers.guard import MAX_ANSWER_CHARS
from graders.math_answers.judging import DIFFERENT, EQUAL, UNSURE, Gold, Judgement
from graders.math_answers.notation import normal
from graders.math_answers.options import MathOptions
from graders.math_answers.refusals import refusal
from graders.math_answers.shapes import plain

__all__ = ["FormulaTier"]

_TOO_COMPLEX: Final = Judgement("different", "too_complex")
_UNPARSED: Final = Judgement("different", "unparsed_answer")
_SEVERAL: Final = Judgement("different", "several_answers")


class FormulaTier:
    """Compares trees; unsure about what it cannot read or cannot prove."""

    name = "formula"

    def judge(self, gold: Gold, answer: str, options: MathOptions) -> Judgement:
        """Compare; bounded by the limits of the parser and of the algebra."""
        form = normal(answer)
        if len(form) > MAX_ANSWER_CHARS:
            return _TOO_COMPLEX
        if gold.tree is None:
            return _refused(gold, form)
        try:
            given = read(plain(form))
            ruling = same(gold.tree, given, _rules(options))
        except TooBig:
            return _TOO_COMPLEX
        except Unread:
            # Who reads part of an answer only pays for the part that it likes.
            return _UNPARSED
        if ruling == "unsure":
            return UNSURE if _is_askable(gold.tree, given) else DIFFERENT
        if ruling == "different":
            return _SEVERAL if _is_list_for_one(gold.tree, given) else DIFFERENT
        is_undone = options.evaluated and is_literal(gold.tree) and not is_literal(given)
        return DIFFERENT if is_undone else EQUAL


def _refused(gold: Gold, form: str) -> Judgement:
    """What is not read may still be known to be no answer."""
    reason = refusal(gold, form)
    return UNSURE if reason is None else Judgement("different", reason)


def _is_askable(gold: Node, answer: Node) -> bool:
    """Whether the last tier knows better: it works sums, limits and integrals out.

    Of derivatives it forgets what is derived, it reckons with infinity, and it takes a constant
    for another one that is near enough.
    """
    found = [*nodes(gold), *nodes(answer)]
    undone = [node.name for node in found if isinstance(node, Undone)]
    return bool(undone) and "derivative" not in undone and Constant("infinity") not in found


def _rules(options: MathOptions) -> Rules:
    near = options.tolerance
    return Rules(
        percent=options.percent,
        ordered=options.ordered,
        units=options.units,
        absolute=Fraction(near.abs) if near else Fraction(0),
        relative=Fraction(near.rel) if near else Fraction(0),
    )


def _is_list_for_one(gold: Node, answer: Node) -> bool:
    if not is_scalar(gold):
        return False
    return isinstance(answer, Listing) or (has(answer, PlusMinus) and not has(gold, PlusMinus))
