"""Gates over labelled data; each prints its figure, or "no data" where the data is absent."""

from __future__ import annotations

from collections import Counter

from graders.contract import Grade
from graders.math_answers import MathGrader
from graders.math_answers.options import MathOptions, MathReference
from tests.graders.golds_data import grade, known_golds, made_golds, written
from tests.graders.near_golds import edits, neighbours
from tests.graders.tables import Row, report, shared_rows

_GRADER = MathGrader()
_DEFAULTS = MathOptions()
# All of them are tried by `python -m bench.math --variants --pairs --golds`.
_EVERY = 15
_NEVER_PAID = ("hack", "eval", "think-leak", "nested-box", "multi-boxed")


def _pays(gold: str, text: str, options: MathOptions = _DEFAULTS) -> bool:
    return _grade(gold, text, options).score == 1.0


def _grade(gold: str, text: str, options: MathOptions = _DEFAULTS) -> Grade:
    return _GRADER.grade(text, MathReference(answer=gold), options)


def test_no_known_hack_is_paid_and_no_honest_answer_refused() -> None:
    rows = [row for row in shared_rows("corpus/hacks.jsonl") or [] if row["grader"] == "math"]
    wrong = []
    for row in rows:
        options = MathOptions(evaluated=bool(row["task"].get("evaluated")))
        if _pays(row["task"]["gold"], row["completion"], options) != row["honest"]:
            wrong.append(row["id"])
    report(f"hacks: {len(rows)} rows, wrong {wrong}")
    assert not wrong


def test_labelled_school_problems_agree() -> None:
    rows = shared_rows("data/gsm8k_labelled.jsonl.gz") or []
    wrong = [row["id"] for row in rows if _pays(row["gold"], row["completion"]) != row["correct"]]
    report(f"gsm8k_labelled: {len(rows) - len(wrong)} of {len(rows)}")
    assert not wrong


def test_labelled_competition_problems_agree() -> None:
    rows = shared_rows("data/math100_labelled.jsonl.gz") or []
    wrong = [row["id"] for row in rows if _pays(row["gold"], row["completion"]) != row["correct"]]
    report(f"math100_labelled: {len(rows) - len(wrong)} of {len(rows)}, wrong {wrong}")
    # One label is wrong: 10000 for 10{,}000 is marked incorrect.
    assert len(wrong) <= 1


def test_hard_cases_agree() -> None:
    rows = shared_rows("corpus/math_cases.jsonl") or []
    wrong = [row for row in rows if _pays(row["gold"], _completion(row)) != row["expect"]]
    paid = [row["kind"] for row in wrong if not row["expect"]]
    report(f"math_cases: {len(rows) - len(wrong)} of {len(rows)}, wrongly paid {paid}")
    report(str(Counter(row["kind"] for row in wrong)))
    assert len(wrong) <= 0.05 * len(rows)
    assert len(paid) <= 2
    assert not [kind for kind in paid if kind.startswith(_NEVER_PAID)]


def test_real_golds_validate() -> None:
    rows = (shared_rows("data/math_golds.jsonl.gz") or [])[::25]
    golds = [row["gold"] for row in rows if row["gold"].strip()]
    reasons = {
        gold: _GRADER.validate(MathReference(answer=gold), _DEFAULTS).reason for gold in golds
    }
    unusable = [gold for gold, reason in reasons.items() if reason != "equivalent"]
    report(f"math_golds: {len(golds) - len(unusable)} of {len(golds)}, unusable {unusable}")
    assert not unusable


def test_made_golds_validate() -> None:
    golds = sorted(set(made_golds(200)))
    reasons = {
        gold: _GRADER.validate(MathReference(answer=gold), _DEFAULTS).reason for gold in golds
    }
    assert not [gold for gold, reason in reasons.items() if reason != "equivalent"]


def test_golds_in_other_notations_are_paid() -> None:
    golds = sorted({*known_golds()[::_EVERY], *made_golds(60)})
    tried: Counter[str] = Counter()
    unpaid = []
    for one in written(golds):
        tried[one.variant] += 1
        if grade(one.gold, one.text).score != 1.0:
            unpaid.append(one)
    report(f"notations: {sum(tried.values()) - len(unpaid)} of {sum(tried.values())}: {unpaid}")
    for variant, count in Counter(one.variant for one in unpaid).items():
        assert count <= max(1, 0.01 * tried[variant]), variant
    assert len(unpaid) <= 0.002 * sum(tried.values())


def test_answers_near_a_gold_are_not_paid() -> None:
    golds = sorted({*known_golds()[::_EVERY], *made_golds(60)})
    pairs = [*neighbours(golds), *(pair for gold in golds for pair in edits(gold))]
    paid = [pair for pair in pairs if grade(pair.gold, pair.other).score != 0.0]
    report(f"near answers: {len(pairs)}, judged equal {paid}")
    assert not paid


def _completion(row: Row) -> str:
    text: str = row["pred"]
    return text if row["form"] == "completion" else f"The answer is \\boxed{{{text}}}."
