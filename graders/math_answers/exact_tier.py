"""Tier 1: normal-form text and exact rationals, in microseconds and with the standard library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from graders.math_answers.formulas.tree import Relation, TooBig
from graders.math_answers.guard import MAX_ANSWER_CHARS
from graders.math_answers.judging import DIFFERENT, EQUAL, UNSURE, Gold, Judgement, Kind
from graders.math_answers.notation import compact, normal
from graders.math_answers.options import MathOptions
from graders.math_answers.quantities import Quantity, read_quantity, rounds_to, same_quantity
from graders.math_answers.shapes import Chain, chain_of, is_bare_list, is_bracketed
from graders.math_answers.words import choice_of, clock_of, same_words

__all__ = ["ExactTier"]

_TOO_COMPLEX: Final = Judgement("different", "too_complex")
_UNPARSED: Final = Judgement("different", "unparsed_answer")
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
    direct = read_quantity(form, european=True)
    if direct is not None:
        return _judge_quantities(gold, Chain((form,), ()), [direct], options=options)
    chain = chain_of(form)
    if chain.is_restated:
        return UNSURE if isinstance(gold.tree, Relation) else DIFFERENT
    quantities = [read_quantity(part, european=True) for part in chain.parts]
    read = [quantity for quantity in quantities if quantity is not None]
    if len(read) == len(quantities):
        return _judge_quantities(gold, chain, read, options=options)
    is_based = gold.quantity is not None and gold.quantity.base != 10
    return DIFFERENT if is_based else UNSURE


def _judge_quantities(
    gold: Gold, chain: Chain, read: Sequence[Quantity], *, options: MathOptions
) -> Judgement:
    head, wanted = read[0], gold.quantity
    if wanted is None or any(other.value != head.value for other in read[1:]):
        return DIFFERENT
    for near in chain.near:
        decimal = read_quantity(near, european=True)
        if decimal is None or not rounds_to(head.value, decimal):
            return DIFFERENT
    if options.units and wanted.unit not in ("", "%") and not head.unit:
        return DIFFERENT
    if options.evaluated and wanted.is_literal and not read[-1].is_literal:
        return DIFFERENT
    if same_quantity(wanted, head, percent=options.percent):
        return EQUAL
    # How near is near enough is for the tier that knows every unit and every constant.
    return UNSURE if options.tolerance and wanted.base == head.base == 10 else DIFFERENT


def _judge_text(gold: Gold, form: str, options: MathOptions) -> Judgement:
    chain = chain_of(form)
    said = chain.parts[0] if chain.label and len(chain.parts) == 1 else form
    if any(char.isdigit() for char in said):
        return DIFFERENT
    return EQUAL if same_words(gold.normal, said) else DIFFERENT


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
