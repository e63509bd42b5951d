"""pass@k and the majority vote, by tables and exact fractions."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer_client.curate import Vote, majority, pass_at_k


@pytest.mark.parametrize(
    ("count", "right", "k", "expected"),
    [
        (1, 0, 1, 0.0),
        (1, 1, 1, 1.0),
        (4, 1, 1, 0.25),
        (4, 1, 2, 0.5),
        (4, 2, 2, 5 / 6),
        (4, 3, 2, 1.0),
        (4, 0, 4, 0.0),
        (4, 1, 4, 1.0),
        (4, 1, 5, None),
        (0, 0, 1, None),
        (200, 10, 100, 0.9992),
    ],
)
def test_pass_at_k_by_hand(count: int, right: int, k: int, expected: float | None) -> None:
    assert pass_at_k(count, right, k) == pytest.approx(expected, abs=5e-5)


@given(st.data())
def test_pass_at_k_is_the_quotient_of_binomials(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 400))
    right, k = data.draw(st.integers(0, count)), data.draw(st.integers(1, count))
    exact = 1 - Fraction(comb(count - right, k), comb(count, k))
    assert pass_at_k(count, right, k) == pytest.approx(float(exact), abs=1e-12)


def test_pass_at_k_of_a_thousand_samples_neither_overflows_nor_vanishes() -> None:
    exact = 1 - Fraction(comb(9_999, 5_000), comb(10_000, 5_000))
    assert pass_at_k(10_000, 1, 5_000) == pytest.approx(float(exact), rel=1e-12)


@pytest.mark.parametrize(("count", "right", "k"), [(4, 5, 1), (4, -1, 1), (4, 2, 0)])
def test_counts_that_cannot_be_are_refused(count: int, right: int, k: int) -> None:
    with pytest.raises(ValueError, match="give 0 <= right <= count, k >= 1"):
        pass_at_k(count, right, k)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (["4", "5", "4"], Vote("4", 2, 0)),
        (["5", "4", "4", "5"], Vote("5", 2, 0)),
        ([None, "5", None], Vote("5", 1, 1)),
        ([None, None], None),
        ([], None),
        (["7", "0.5", "1/2", r"\frac{1}{2}", "7"], Vote("0.5", 3, 1)),
        (["1,000", "1000", "1000.0", "2"], Vote("1,000", 3, 0)),
        (["-1/2", r"-\frac12", "-.5", "$-0.50$", "x"], Vote("-1/2", 3, 0)),
        (["x + 1", "x+1", r"x\,+ 1", "y"], Vote("x + 1", 3, 0)),
        ([r"\left(1, 2\right)", "(1,2)", r"\leftarrow", "a"], Vote(r"\left(1, 2\right)", 2, 0)),
        (["A", "a", "a"], Vote("a", 2, 1)),
        (["1/0", "1/0", "0"], Vote("1/0", 2, 0)),
        (["1,00", "100", "100"], Vote("100", 2, 1)),
        (["9" * 5_000, "9" * 5_000, "1"], Vote("9" * 5_000, 2, 0)),
        (["", ""], Vote("", 2, 0)),
        (["21/2", "7", "7", r"2\frac{1}{2}", "2 1/2"], Vote("7", 2, 1)),
        ([r"2\frac{1}{2}", r"2 \frac{1}{2}", "21/2"], Vote(r"2\frac{1}{2}", 2, 0)),
        (["3 4", "34", "34"], Vote("34", 2, 1)),
        (["$3$ $4$", r"3\,4", "34", " 3  4. "], Vote("$3$ $4$", 3, 0)),
        ([r"\$5", "5", "5", r"\$ 5"], Vote(r"\$5", 2, 0)),
        ([r"1\\ 2", r"1\\2", r"1\ 2"], Vote(r"1\\ 2", 2, 0)),
        (["north east", "northeast", "north\n east "], Vote("north east", 2, 0)),
        (["e\u0301", "\u00e9", "x"], Vote("e\u0301", 2, 0)),
    ],
)
def test_the_majority_wins_and_ties_go_to_the_first(
    answers: list[str | None], expected: Vote | None
) -> None:
    assert majority(answers) == expected
