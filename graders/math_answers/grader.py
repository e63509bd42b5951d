"""The math grader: extraction, golds, tiers, verdict."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final, get_args

from graders.answers import alternatives
from graders.contract import Grade, Judges, Lane, Outcome, ScoreRange
from graders.extract import Extraction, Style, extract, final_part, shortened
from graders.math_answers.describing import canonical_of, type_of
from graders.math_answers.exact_tier import ExactTier
from graders.math_answers.formula_tier import FormulaTier
from graders.math_answers.formulas.algebra.equivalence import canonical_text
from graders.math_answers.formulas.reading.parser import read
from graders.math_answers.formulas.tree import TooBig, Unread, is_expression
from graders.math_answers.golds import read_gold
from graders.math_answers.guard import MAX_ANSWER_CHARS
from graders.math_answers.judging import Gold, Judgement, MathReason, Tier, is_one_value
from graders.math_answers.notation import compact, normal
from graders.math_answers.options import MathOptions, MathReference
from graders.math_answers.quantities import read_quantity
from graders.math_answers.symbolic_tier import SymbolicTier, UnreadableGold, is_readable, warm_up

__all__ = ["MathGrader"]

_NAME: Final = "math"
_VERSION: Final = "2"
_TIERS: Final[tuple[Tier, ...]] = (ExactTier(), FormulaTier(), SymbolicTier())
_RANK: Final[dict[MathReason, int]] = {
    "equivalent": 0, "several_answers": 1, "timeout": 2, "too_complex": 3, "different": 4,
    "unparsed_answer": 5,
}  # fmt: skip


class MathGrader:
    """Pays for the one answer a completion states when it means the same as the reference."""

    name: str = _NAME
    version: str = _VERSION
    lane: Lane = "light"
    judges: Judges = "answer"
    score_range: ScoreRange = ScoreRange(0.0, 1.0)
    reasons: tuple[str, ...] = get_args(MathReason)
    Options = MathOptions
    Reference = MathReference

    def grade(self, text: str, reference: MathReference, options: MathOptions) -> Grade:
        """Grade the final part's answer; `unparsed_gold` leaves the item without a score."""
        golds = _golds(reference)
        if golds is None:
            return _ungradable()
        part = final_part(text)
        if not part.finished:
            return _graded("unfinished")
        found = extract(part.text, _styles(options), key=_key)
        if found.status != "found":
            return _graded(found.status)
        return _judged(golds, found, options)

    def lowest(self, options: MathOptions) -> float:
        """Nothing earns less than a wrong answer."""
        return self.score_range.low

    def essence(self, text: str, options: MathOptions) -> str:
        """The text itself: two that state one answer are cheaper graded than compared."""
        return text

    def validate(self, reference: MathReference, options: MathOptions) -> Grade:
        """Grade every alternative against itself; the first that fails is the grade."""
        golds = _golds(reference)
        if golds is None or not all(_can_be_read(gold) for gold in golds):
            return _ungradable()
        grade = _ungradable()
        for gold in golds:
            alone = MathReference(answer=gold.text)
            grade = self.grade(f"\\boxed{{{gold.text}}}", alone, options)
            if grade.score != 1.0:
                return grade
        found = {"type": type_of(golds[0]), "canonical": shortened(canonical_of(golds[0]))}
        return grade.model_copy(update={"detail": grade.detail | found})

    def warm_up(self) -> None:
        """Start the child of the last tier."""
        warm_up()


def _golds(reference: MathReference) -> list[Gold] | None:
    golds = [read_gold(text) for text in alternatives(reference.answer)]
    readable = [gold for gold in golds if gold is not None]
    return readable if len(readable) == len(golds) else None


def _can_be_read(gold: Gold) -> bool:
    return gold.kind != "formula" or gold.tree is not None or is_readable(gold)


def _styles(options: MathOptions) -> tuple[Style, ...]:
    return (*options.styles, "last_number") if options.last_number else options.styles


def _key(text: str) -> Hashable:
    """Texts with the same number, the same canonical form or the same normal form say the same."""
    if len(text) > MAX_ANSWER_CHARS:
        return text.strip()
    form = normal(text)
    try:
        quantity = read_quantity(form)
        if quantity is None:
            tree = read(form)
            return canonical_text(tree) if is_expression(tree) else compact(form)
    except (Unread, TooBig):
        return compact(form)
    if quantity.base != 10:
        return compact(form)
    return quantity.value / 100 if quantity.unit == "%" else quantity.value


def _judged(golds: list[Gold], found: Extraction, options: MathOptions) -> Grade:
    best: Judgement | None = None
    decided = _TIERS[0].name
    # Every alternative is tried in the cheap tier before any is tried in the next.
    open_golds = golds
    for tier in _TIERS:
        unsure: list[Gold] = []
        for gold in open_golds:
            try:
                judgement = _typed(gold, found, tier.judge(gold, found.text, options))
            except UnreadableGold:
                return _ungradable()
            if judgement.ruling == "unsure":
                unsure.append(gold)
            elif best is None or _RANK[judgement.reason] < _RANK[best.reason]:
                best, decided = judgement, tier.name
        open_golds = unsure
        if not open_golds or (best is not None and best.ruling == "equal"):
            break
    reason: MathReason = best.reason if best is not None else "different"
    return _graded(reason, extracted=found.text, tier=decided)


def _typed(gold: Gold, found: Extraction, judgement: Judgement) -> Judgement:
    """Several boxes side by side are a list, which no scalar gold is."""
    if found.joined and is_one_value(gold):
        return Judgement("different", "several_answers")
    return judgement


def _graded(reason: MathReason, *, extracted: str | None = None, tier: str | None = None) -> Grade:
    return _grade(
        "graded",
        reason,
        score=1.0 if reason == "equivalent" else 0.0,
        extracted=None if extracted is None else shortened(extracted),
        tier=tier,
    )


def _ungradable() -> Grade:
    return _grade("ungradable", "unparsed_gold", score=None)


def _grade(
    outcome: Outcome,
    reason: MathReason,
    *,
    score: float | None,
    extracted: str | None = None,
    tier: str | None = None,
) -> Grade:
    return Grade(
        grader=_NAME,
        version=_VERSION,
        score=score,
        outcome=outcome,
        reason=reason,
        extracted=extracted,
        detail={} if tier is None else {"tier": tier},
    )
