"""Tier 1: normal-form text and exact rationals, in microseconds and with the standard library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Final

from graders.math_answers.arithmetic import TooBig
from graders.math_answers.guard import MAX_ANSWER_CHARS, is_too_complex
from graders.math_answers.judging import DIFFERENT, EQUAL, UNSURE, Gold, Judgement, Kind
from graders.math_answers.notation import compact, normal
from graders.math_answers.options import MathOptions
from graders.math_answers.quantities import Quantity, read_quantity, rounds_to, same_quantity
from graders.math_answers.refusals import refusal
from graders.math_answers.shapes import (
    Chain,
    Container,
    chain_of,
    container_of,
    expanded,
    interval_of,
)
from graders.math_answers.words import choice_of, clock_of, is_wordy, same_words

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
        try:
            return _BY_KIND[gold.kind](gold, form, options)
        except TooBig:
            return _TOO_COMPLEX


def _judge_number(gold: Gold, form: str, options: MathOptions) -> Judgement:
    direct = read_quantity(form, european=True)
    if direct is not None:
        return _judge_quantities(gold, Chain((form,), ()), [direct], options=options)
    chain = chain_of(form)
    if chain.is_restated:
        return DIFFERENT
    quantities = [read_quantity(part, european=True) for part in chain.parts]
    read = [quantity for quantity in quantities if quantity is not None]
    if len(read) == len(quantities):
        return _judge_quantities(gold, chain, read, options=options)
    return _judge_unread(gold, form, chain)


def _judge_unread(gold: Gold, form: str, chain: Chain) -> Judgement:
    """A scalar answer that is no number: refused where that is certain."""
    if _is_mere_text(form) or any(_is_mere_text(part) for part in chain.parts):
        return DIFFERENT
    exact = " = ".join(chain.parts)
    reason = refusal(gold, exact)
    if reason is not None:
        return Judgement("different", reason)
    return _TOO_COMPLEX if is_too_complex(form) else UNSURE


def _is_mere_text(form: str) -> bool:
    if is_wordy(form):
        return True
    has_content = any(char.isdigit() or char == "\\" for char in form)
    return not has_content and form not in ("e", "i", "pi")


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
    if options.evaluated and wanted.is_literal and not read[-1].is_literal:
        return DIFFERENT
    if same_quantity(wanted, head, percent=options.percent):
        return EQUAL
    return EQUAL if _is_near(wanted, head, options) else DIFFERENT


def _is_near(gold: Quantity, answer: Quantity, options: MathOptions) -> bool:
    tolerance = options.tolerance
    if tolerance is None or (gold.unit and answer.unit and gold.unit != answer.unit):
        return False
    if "%" in (gold.unit, answer.unit) and gold.unit != answer.unit:
        return False
    allowed = max(Fraction(tolerance.abs), Fraction(tolerance.rel) * abs(gold.value))
    return abs(gold.value - answer.value) <= allowed


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
    if letter is None and container_of(form) is not None:
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


def _judge_container(gold: Gold, form: str, options: MathOptions) -> Judgement:
    wanted, chain = gold.container, chain_of(form)
    if chain.label and len(chain.parts) == 1 and "=" not in gold.normal:
        form = chain.parts[0]
    form = interval_of(form)
    given = container_of(form) or Container("", "", (form,))
    if wanted is None or (len(given.items) == 1 and given.items == expanded(form)):
        return _judge_formula(gold, form, options)
    if wanted.opening in ("", "\\{"):
        if given.opening in ("(", "["):
            return DIFFERENT
    elif given.opening and (given.opening, given.closing) != (wanted.opening, wanted.closing):
        return DIFFERENT
    elif not given.opening:
        return _judge_formula(gold, form, options)
    return _judge_items(wanted, given, options=options) or _judge_formula(gold, form, options)


def _judge_items(wanted: Container, given: Container, *, options: MathOptions) -> Judgement | None:
    """Compare item by item; None where an item is a formula."""
    is_ordered = wanted.opening in ("(", "[")
    ours, theirs = (_items(container, is_ordered=is_ordered) for container in (wanted, given))
    if ours == theirs:
        return EQUAL
    if any(item.isalpha() for item in ours) and all(item.isalpha() for item in (*ours, *theirs)):
        return DIFFERENT
    if is_ordered:
        return _judge_ordered(ours, theirs, options=options)
    read = [[read_quantity(item) for item in items] for items in (ours, theirs)]
    numbers = [{item.value: item for item in items if item is not None} for items in read]
    if any(None in items for items in read):
        return None
    if numbers[0].keys() != numbers[1].keys():
        return DIFFERENT
    either = options.percent
    pairs = [(item, numbers[1][value]) for value, item in numbers[0].items()]
    same = all(same_quantity(one, other, percent=either) for one, other in pairs)
    return EQUAL if same else DIFFERENT


def _judge_ordered(ours: list[str], theirs: list[str], *, options: MathOptions) -> Judgement | None:
    if len(ours) != len(theirs):
        return DIFFERENT
    either, is_sure = options.percent, True
    for one, other in zip(ours, theirs, strict=True):
        wanted, given = read_quantity(one), read_quantity(other)
        if wanted is None or given is None:
            is_sure = is_sure and one == other
        elif not same_quantity(wanted, given, percent=either):
            return DIFFERENT
    return EQUAL if is_sure else None


def _items(container: Container, *, is_ordered: bool) -> list[str]:
    items = [compact(one) for item in container.items for one in expanded(item)]
    return items if is_ordered else sorted(set(items))


def _judge_formula(gold: Gold, form: str, options: MathOptions) -> Judgement:
    form = interval_of(form)
    chain = chain_of(form)
    if gold.kind == "expression":
        if (
            len(chain.parts) == 1
            and not chain.near
            and compact(chain.parts[0]) == compact(gold.normal)
        ):
            return EQUAL
        if chain.is_restated:
            return DIFFERENT
        form = " = ".join(chain.parts)
    reason = refusal(gold, form)
    if reason is not None:
        return Judgement("different", reason)
    if is_too_complex(form):
        return _TOO_COMPLEX
    if _is_other_word(gold, form):
        return DIFFERENT
    ours, theirs = _letters(gold.normal), _letters(form)
    if ours != theirs and {letter.lower() for letter in ours} == {
        letter.lower() for letter in theirs
    }:
        return DIFFERENT
    return UNSURE


def _is_other_word(gold: Gold, form: str) -> bool:
    if len(form) == len(gold.normal) == 1:
        return True
    return is_wordy(form) and not gold.normal.isalpha()


def _letters(form: str) -> set[str]:
    """The single letters that stand for unknowns and constants."""
    found: set[str] = set()
    is_command = False
    for char in form:
        if char == "\\":
            is_command = True
        elif not char.isalpha():
            is_command = False
        elif not is_command:
            found.add(char)
    return found


_BY_KIND: Final[dict[Kind, Callable[[Gold, str, MathOptions], Judgement]]] = {
    "number": _judge_number,
    "text": _judge_text,
    "choice": _judge_choice,
    "clock": _judge_clock,
    "container": _judge_container,
    "relation": _judge_formula,
    "expression": _judge_formula,
}
