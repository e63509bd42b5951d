from __future__ import annotations

import pytest

from graders.math_answers import symbolic


@pytest.mark.parametrize(
    ("gold", "answer", "ruling"),
    [
        ("2\\sqrt{3}", "\\sqrt{12}", "equal"),
        ("2\\sqrt{3}", "3.46", "different"),
        ("\\pi", "3.14159265358999", "different"),
        ("i", "\\sqrt{-1}", "equal"),
        ("x+1", "1+x", "equal"),
        ("x+1", "1+x+10^{-9}", "different"),
        ("\\{1,x\\}", "\\{x,1\\}", "equal"),
        ("\\sqrt{2}", "\\frac{\\sqrt{2}}{0}", "different"),
        ("\\sqrt{2}", "\\infty", "different"),
        ("\\sqrt{2}", " ", "unparsed_answer"),
        (" ", "\\sqrt{2}", "unparsed_gold"),
    ],
)
def test_a_question_to_the_child(gold: str, answer: str, ruling: str) -> None:
    assert symbolic.compare(gold, answer) == ruling


def test_the_child_knows_what_it_can_read() -> None:
    symbolic.warm_up()
    assert symbolic.is_readable("\\frac{1}{2}")
    assert not symbolic.is_readable("\\frac{")
