"""What holds of the math grader whatever the texts are."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graders.contract import Grade
from graders.extract import stated_gold
from graders.math_answers import MathGrader
from graders.math_answers.exact_tier import ExactTier
from graders.math_answers.formula_tier import FormulaTier
from graders.math_answers.golds import read_gold
from graders.math_answers.judging import Tier
from graders.math_answers.options import MathOptions, MathReference
from graders.math_answers.symbolic_tier import SymbolicTier
from tests.graders.cpu_clocks import least_cpu_s
from tests.graders.golds_data import grade, made_golds, written
from tests.graders.near_golds import edits

_GRADER = MathGrader()
_OPTIONS = MathOptions()
_TIERS: tuple[Tier, ...] = (ExactTier(), FormulaTier(), SymbolicTier())
_GOLDS = sorted(set(made_golds(112)))
_CPU_S = 0.5
_PIECES = st.sampled_from((
    "\\frac", "\\sqrt", "\\binom", "{", "}", "(", ")", "[", "]", "^", "_", "!", "+", "-", "*", "/",
    "=", ",", ".", "%", "$", " ", "0", "1", "9", "12", "x", "pi", "\\pi", "\\pm", "\\text{", "cm",
    " or ", "\\approx", "\\{", "\\}", "<", "\\leq", "\\infty", ":", "\\cup", "i", "e", "\\sin",
    "\\log", "\\begin{pmatrix}", "\\end{pmatrix}", "&", "\\\\", "|", "\\left", "\\right", "²", "√",
    "\\boxed{", "</think>", "<answer>", "#### ", "The answer is ", "\n", "\\", "½", "'",
))  # fmt: skip
_TEXTS = st.one_of(st.lists(_PIECES, max_size=30).map("".join), st.text(max_size=60))
_SCALARS = st.sampled_from([
    gold
    for gold in _GOLDS
    if not any(mark in gold for mark in ("text", "circ", "$", "_", ",", "=", ".", "\\pm", "begin"))
])  # fmt: skip


def _grade(text: str, gold: str) -> Grade:
    return _GRADER.grade(text, MathReference(answer=gold), _OPTIONS)


@settings(max_examples=150, deadline=None)
@given(_TEXTS, st.sampled_from(_GOLDS))
@example("\\boxed{9^9^9^9}", "x+1")
@example("\\boxed{(((2^{1000})^{1000})^{1000})^{1000}}", "2\\sqrt{3}")
def test_any_text_gets_a_score_from_the_closed_list_and_soon(text: str, gold: str) -> None:
    for completion in (text, f"\\boxed{{{text}}}"):
        verdict = _grade(completion, gold)
        assert verdict.outcome == "graded"
        assert verdict.score in (0.0, 1.0)
        assert verdict.reason in _GRADER.reasons
        assert (verdict.score == 1.0) == (verdict.reason == "equivalent")
        assert least_cpu_s(partial(_grade, completion, gold), _CPU_S) <= _CPU_S


@settings(max_examples=100, deadline=None)
@given(_TEXTS)
def test_any_gold_is_either_right_as_its_own_answer_or_refused(gold: str) -> None:
    verdict = _GRADER.validate(MathReference(answer=gold), _OPTIONS)
    if verdict.outcome == "graded":
        assert _grade(f"\\boxed{{{stated_gold(gold)}}}", gold).score == verdict.score
    else:
        assert verdict.reason == "unparsed_gold"


@pytest.mark.parametrize("gold", _GOLDS)
def test_a_gold_is_right_as_its_own_answer(gold: str) -> None:
    assert grade(gold, gold).score == 1.0


@settings(max_examples=60, deadline=None)
@given(st.data(), _SCALARS, _SCALARS)
def test_equality_is_symmetric(data: st.DataObject, one: str, other: str) -> None:
    # Between exact formulas only: a decimal gold accepts the value that it rounds, a gold without
    # a unit an answer with one, and neither the other way round.
    first = data.draw(st.sampled_from((one, *(text.text for text in written([one])))))
    if first == one or _is_plain(first):
        assert grade(first, other).score == grade(other, first).score
        assert grade(first, one).score == grade(one, first).score == 1.0


def _is_plain(text: str) -> bool:
    marks = ("text", "dollars", "units", "cm", "=", "$", "\\(", ".", "~")
    return not any(mark in text for mark in marks)


@settings(max_examples=40, deadline=None)
@given(st.data(), _SCALARS, _SCALARS)
def test_the_tiers_never_contradict_each_other(data: st.DataObject, one: str, other: str) -> None:
    plain = [text.text for text in written([one]) if _is_plain(text.text)]
    text = data.draw(st.sampled_from([other, *plain, *plain]))
    gold = read_gold(one)
    assert gold is not None
    rulings = [tier.judge(gold, text, _OPTIONS).ruling for tier in _TIERS]
    assert not {"equal", "different"} <= set(rulings), rulings


@settings(deadline=None)
@given(st.data(), st.sampled_from(_GOLDS), st.sampled_from(_GOLDS))
def test_the_tiers_in_this_process_never_contradict_each_other(
    data: st.DataObject, one: str, other: str
) -> None:
    near = [pair.other for pair in edits(one)]
    text = data.draw(st.sampled_from([other, *near, *(text.text for text in written([one]))]))
    gold = read_gold(one)
    assert gold is not None
    rulings = [tier.judge(gold, text, _OPTIONS).ruling for tier in _TIERS[:2]]
    assert not {"equal", "different"} <= set(rulings), rulings
