from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from graders.contract import Grade
from graders.math_answers import MathGrader
from graders.math_answers import symbolic_tier as third
from graders.math_answers.options import MathOptions, MathReference
from sandbox import CallCrashed, CallOutOfMemory, CallTimedOut, CallUnavailable
from tests.graders.tables import Row, table

_GRADER = MathGrader()
_SUM = "\\sum_{k=1}^{10} k"
"""Work that only the last tier does."""

_ROOT = Path(__file__).resolve().parents[2]


def _grade(answer: object, text: str, options: object = None) -> Grade:
    reference = MathReference.model_validate({"answer": answer})
    return _GRADER.grade(text, reference, MathOptions.model_validate(options or {}))


@pytest.mark.parametrize("row", table("math"), ids=lambda row: row["id"])
def test_an_answer_against_its_gold(row: Row) -> None:
    grade = _grade(row["gold"], row["text"])
    assert grade.score == row["score"], grade
    assert grade.reason in _GRADER.reasons


@pytest.mark.parametrize("row", table("math_notation"), ids=lambda row: row["id"])
def test_a_notation_against_its_gold(row: Row) -> None:
    grade = _grade(row["gold"], f"So it is $\\boxed{{{row['answer']}}}$.")
    assert grade.score == row["score"], grade


@pytest.mark.parametrize("row", table("math_reasons"), ids=lambda row: row["id"])
def test_reasons_and_options(row: Row) -> None:
    grade = _grade(row["answer"], row["text"], row["options"])
    assert (grade.score, grade.reason) == (row["score"], row["reason"])


@pytest.mark.parametrize(
    "answer", [True, None, [], {"a": 1}, float("inf"), "x" * 10_001, ["x"] * 65]
)
def test_a_reference_is_text_or_a_number(answer: object) -> None:
    with pytest.raises(ValidationError):
        MathReference.model_validate({"answer": answer})


@pytest.mark.parametrize(
    "options", [{"styles": []}, {"styles": ["guess"]}, {"tolerance": {"abs": -1}}, {"exact": True}]
)
def test_unknown_options_are_refused(options: object) -> None:
    with pytest.raises(ValidationError):
        MathOptions.model_validate(options)


@pytest.mark.parametrize(
    "answer",
    ["7", 7, 0.5, "\\frac{3}{4}", "2\\sqrt{3}", "(1,2)", "\\{1,2\\}", "x+1", "\\text{Yes}", "C",
     "12:30", "[0,1)", "x=5", "y=2x+1", "\\pm 3", ["7", "x^2"], "\\boxed{7}", "30\\pi", "1,234"],
)  # fmt: skip
def test_a_usable_reference_validates(answer: object) -> None:
    reference = MathReference.model_validate({"answer": answer})
    assert _GRADER.validate(reference, MathOptions()).reason == "equivalent"


@pytest.mark.parametrize("answer", ["", " ", "...", "\\boxed{}", "\\frac{", ["7", ""]])
def test_an_unusable_reference_is_the_tasks_fault(answer: object) -> None:
    reference = MathReference.model_validate({"answer": answer})
    grade = _GRADER.validate(reference, MathOptions())
    assert (grade.outcome, grade.reason, grade.score) == ("ungradable", "unparsed_gold", None)


def test_a_number_longer_than_python_writes_is_the_tasks_fault() -> None:
    grade = _GRADER.validate(MathReference(answer=10**5_000), MathOptions())
    assert grade.reason == "unparsed_gold"


def test_a_reference_the_options_refuse_does_not_validate() -> None:
    reference = MathReference(answer="7")
    grade = _GRADER.validate(reference, MathOptions(styles=("hash",)))
    assert grade.score == 0.0


@pytest.mark.parametrize(
    ("error", "reason"),
    [(CallTimedOut, "timeout"), (CallOutOfMemory, "too_complex"), (CallCrashed, "too_complex")],
)
def test_an_answer_that_breaks_the_child_is_worth_nothing(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception], reason: str
) -> None:
    assert _grade(_SUM, "\\boxed{54}").reason == "different"

    def fail(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(third, "call", fail)
    grade = _grade(_SUM, "\\boxed{55}")
    assert (grade.score, grade.reason) == (0.0, reason)


@pytest.mark.parametrize("error", [CallTimedOut, CallOutOfMemory, CallCrashed])
def test_a_gold_that_breaks_the_child_is_the_tasks_fault(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    monkeypatch.setattr(third, "call", fail)
    gold = f"\\foreign{{{error.__name__}}}"
    assert _grade(gold, "\\boxed{\\sqrt{7}}").reason == "unparsed_gold"


def test_a_missing_child_is_nobodys_score(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise CallUnavailable

    monkeypatch.setattr(third, "call", fail)
    with pytest.raises(CallUnavailable):
        _grade(_SUM, "\\boxed{55}")


def test_a_hang_in_the_solver_costs_its_item_alone() -> None:
    _GRADER.warm_up()
    hung = _grade(f"{_SUM}+\\int_0^1 e^{{x^3}}\\sin(x^5)dx", "\\boxed{\\tan(x)^7=\\cos(x^3)}")
    assert hung.score == 0.0
    assert _grade(_SUM, "\\boxed{55}").score == 1.0


def test_the_gold_is_never_told() -> None:
    grade = _grade("123457", "\\boxed{5}")
    assert "123457" not in grade.model_dump_json()


def test_a_long_answer_is_reported_short() -> None:
    grade = _grade("7", f"\\boxed{{{'9' * 50_000}}}")
    assert grade.extracted is not None
    assert len(grade.extracted) == 200


def test_injected_code_is_not_run(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for answer in (
        f'__import__("pathlib").Path("{canary}").touch()',
        f"0\\pi+open('{canary}','w').write('x')",
        f'\\text{{open("{canary}","w")}}',
        f"(lambda: open('{canary}','w'))()",
    ):
        for gold in ("42", "\\sqrt{2}", "x+1"):
            assert _grade(gold, f"\\boxed{{{answer}}}").score == 0.0
    assert not canary.exists()


def test_grading_loads_no_algebra_system() -> None:
    program = (
        "import sys; from graders.math_answers import MathGrader;"
        "from graders.math_answers.options import MathOptions, MathReference;"
        "grade = MathGrader().grade('\\\\boxed{1/2}', MathReference(answer='0.5'), MathOptions());"
        "assert grade.score == 1.0;"
        "assert not {'sympy', 'math_verify', 'latex2sympy2_extended'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=_ROOT, check=True, timeout=60)
