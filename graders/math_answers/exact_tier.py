"""Tier 1: normal-form text and exact rationals, in microseconds and with the standard library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from graders.math_answers.formulas.comparing.scalars import EXACT_FIGURES
from graders.math_answers.formulas.tree import TooBig
from graders.math_answers.guard import MAX_ANSWER_CHARS
from graders.math_answers.judging import DIFFERENT, EQUAL, UNSURE, Gold, Judgement, Kind
from graders.math_answers.notation import compact, normal
from graders.math_answers.options import MathOptions
from graders.math_answers.quantities import read_quantity, same_quantity
from graders.math_answers.shapes import is_bare_list, is_bracketed
from graders.math_answers.units import COUNTED
from graders.math_answers.words import choice_of, clock_of, same_words

__all__ = ["ExactTier"]

_TOO_COMPLEX: Final = Judgement("different", "too_complex")
_UNPARSED: Final = Judgement("different", "unparsed_answer")
_BASED: Final = "_"
_SEVERAL: Final = Judgement("different", "several_answers")


class ExactTier:
    """Compares texts and exact numbers; unsure about formulas."""

    name = "exact"

    def judge(self, gold: Gold, answer: str, options: MathOptions) -> Judgement:
        """Compare; bounded by the length of the answer, which is refused beyond a limit."""
        if len(answer) > MAX_ANSWER_CHARS:
            return EQUAL if answer.strip() == gold.text.strip() else _TOO_COMPLEX
        form = normal(answer)
        if form == gold.normal or compact(form) == compact(gold.normal):
            return EQUAL
        if not form:
            return _UNPARSED
        judge = _BY_KIND.get(gold.kind)
        if judge is None:
            return UNSURE
        try:
            return judge(gold, form, options)
        except TooBig:
            return _TOO_COMPLEX


def _judge_number(gold: Gold, form: str, options: MathOptions) -> Judgement:
    """Compare two plain numbers; names, steps and roundings are for the next tier."""
    given, wanted = read_quantity(form, european=True), gold.quantity
    if wanted is None or given is None:
        is_based = wanted is not None and wanted.base != 10
        return DIFFERENT if is_based and _BASED in form else UNSURE
    if options.units and wanted.unit not in ("", "%", COUNTED) and not given.unit:
        return DIFFERENT
    if options.evaluated and wanted.is_literal and not given.is_literal:
        return DIFFERENT
    if same_quantity(wanted, given, percent=options.percent):
        return EQUAL
    is_plain = wanted.base == given.base == 10
    may_round = wanted.places > 0 or given.figures >= EXACT_FIGURES
    return UNSURE if is_plain and (may_round or options.tolerance) else DIFFERENT


def _judge_text(gold: Gold, form: str, options: MathOptions) -> Judgement:
    if same_words(gold.normal, form):
        return EQUAL
    return UNSURE if "=" in form or "\\" in form else DIFFERENT


def _judge_choice(gold: Gold, form: str, options: MathOptions) -> Judgement:
    letter = choice_of(form)
    if letter == gold.normal:
        return EQUAL
    if letter is None and (is_bare_list(form) or is_bracketed(form)):
        return _SEVERAL
    rest = normal(gold.text).partition(")")[2].strip()
    return EQUAL if rest and rest == form else DIFFERENT


def _judge_clock(gold: Gold, form: str, options: MathOptions) -> Judgement:
    given = clock_of(form)
    if given is None:
        return DIFFERENT
    halves = [clock[-1] in "ap" for clock in (given, gold.normal)]
    if halves[0] != halves[1]:
        given, wanted = given.rstrip("ap"), gold.normal.rstrip("ap")
        return EQUAL if given == wanted else DIFFERENT
    return EQUAL if given == gold.normal else DIFFERENT


_BY_KIND: Final[dict[Kind, Callable[[Gold, str, MathOptions], Judgement]]] = {
    "number": _judge_number,
    "text": _judge_text,
    "choice": _judge_choice,
    "clock": _judge_clock,
}
