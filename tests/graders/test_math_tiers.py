from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.math_answers.exact_tier import ExactTier
from graders.math_answers.formula_tier import FormulaTier
from graders.math_answers.formulas.tree import TooBig
from graders.math_answers.golds import read_gold
from graders.math_answers.guard import is_too_complex
from graders.math_answers.notation import normal
from graders.math_answers.options import MathOptions
from graders.math_answers.quantities import read_quantity
from graders.math_answers.symbolic_tier import SymbolicTier
from tests.graders.tables import Row, table

_FIRST, _SECOND, _THIRD = ExactTier(), FormulaTier(), SymbolicTier()
_OPTIONS = MathOptions()
_VALUES = st.builds(Fraction, st.integers(-400, 400), st.integers(1, 40))
_PIECES = st.sampled_from(
    [
        *(
            "\\frac",
            "\\sqrt",
            "\\binom",
            "{",
            "}",
            "(",
            ")",
            "[",
            "]",
            "^",
            "_",
            "!",
            "+",
            "-",
            "*",
        ),
        *("/", "=", ",", ".", "%", "\\%", "$", "\\$", " ", "0", "1", "9", "12", "x", "pi", "\\pi"),
        *("\\pm", "\\text{", "cm", " or ", "\\approx", "\\{", "\\}", "<", "\\leq", "\\infty", ":"),
    ]
)
_FORMULAS = st.one_of(st.lists(_PIECES, max_size=24).map("".join), st.text(max_size=40))


@st.composite
def _notations(draw: st.DrawFn, value: Fraction) -> str:
    """One of the ways to write a rational."""
    top, below = value.numerator, value.denominator
    factor = draw(st.integers(1, 5))
    ways = [
        f"{top * factor}/{below * factor}",
        f"\\frac{{{top * factor}}}{{{below * factor}}}",
        f"\\dfrac{{{top}}}{{{below}}}",
        f"x = {top}/{below}",
        f"$\\frac{{{top}}}{{{below}}}$.",
    ]
    if below == 1:
        ways += [str(top), f"{top}.0", f"{{{top}}}", f"\\text{{{top}}}", f"{top:,}"]
    elif abs(top) > below:
        whole, rest = divmod(abs(top), below)
        sign = "-" if top < 0 else ""
        ways += [f"{sign}{whole}\\frac{{{rest}}}{{{below}}}", f"{sign}{whole} {rest}/{below}"]
    if 10**6 % below == 0:
        ways.append(f"{float(value):.6f}")
    return draw(st.sampled_from(ways))


@pytest.mark.parametrize("row", table("quantities"), ids=lambda row: row["id"])
def test_a_written_number(row: Row) -> None:
    quantity = read_quantity(normal(row["text"]), european=True)
    if row["value"] is None:
        assert quantity is None
    else:
        assert quantity is not None
        assert (quantity.value, quantity.unit) == (Fraction(row["value"]), row["unit"])


@given(st.data(), _VALUES)
def test_every_notation_of_a_rational_is_equal_to_every_other(
    data: st.DataObject, value: Fraction
) -> None:
    one, other = data.draw(_notations(value)), data.draw(_notations(value))
    assert _ruling(one, other) == "equal"
    assert _ruling(other, one) == "equal"


@given(st.data(), _VALUES, _VALUES)
def test_different_rationals_are_surely_different(
    data: st.DataObject, first: Fraction, second: Fraction
) -> None:
    if first != second:
        one, other = data.draw(_notations(first)), data.draw(_notations(second))
        assert _ruling(one, other) == "different"


@given(_FORMULAS, _FORMULAS)
def test_the_first_tier_never_raises(gold: str, answer: str) -> None:
    read = read_gold(gold)
    if read is not None:
        assert _FIRST.judge(read, answer, _OPTIONS).ruling in ("equal", "different", "unsure")
        assert _FIRST.judge(read, gold, _OPTIONS).ruling == "equal"


@settings(max_examples=60, deadline=None)
@given(st.data(), _VALUES, st.integers(0, 1))
def test_the_tiers_agree_on_rationals(data: st.DataObject, value: Fraction, more: int) -> None:
    whole = st.sampled_from(
        (
            f"{value.numerator}/{value.denominator}",
            f"\\frac{{{value.numerator}}}{{{value.denominator}}}",
        )
    )
    other = value + more
    answer = data.draw(
        st.sampled_from(
            (
                f"{other.numerator}/{other.denominator}",
                f"\\frac{{{other.numerator}}}{{{other.denominator}}}",
            )
        )
    )
    gold = read_gold(data.draw(whole))
    assert gold is not None
    first = _FIRST.judge(gold, answer, _OPTIONS)
    assert first.ruling == _THIRD.judge(gold, answer, _OPTIONS).ruling


@pytest.mark.parametrize(
    ("text", "is_refused"),
    [
        *((f"x^{{{1_000}}}", False), (f"x^{{{1_001}}}", True), ("x^{-1001}", True)),
        *(("x^{y^{z}}", False), ("x^{y^{z^{w}}}", True), ("\\sin(9^{9^9})", True)),
        *(("x+200!", False), ("x+201!", True), ("x+(300)!", True), ("x!!", True)),
        *(("x\\binom{1000}{3}", False), ("x\\binom{1001}{3}", True)),
        *(("(" * 50 + "x" + ")" * 50, False), ("(" * 51 + "x" + ")" * 51, True)),
        *(("x" * 400, False), ("x" * 401, True), ("9" * 400, False), ("9" * 500, True)),
    ],
)
def test_the_guard_stands_at_its_limits(text: str, is_refused: bool) -> None:
    assert is_too_complex(text) == is_refused


@pytest.mark.parametrize(
    "text",
    ["9^{9^{9}}", "10^{9}!", "\\binom{10^{12}}{5\\cdot10^{11}}", "3^{10^9}", "((9!)!)!"],
)
def test_arithmetic_stops_before_it_grows(text: str) -> None:
    with pytest.raises(TooBig):
        read_quantity(text)


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("1000!", "1000\\cdot 999!"),
        ("\\binom{1000}{500}", "\\frac{1000!}{500!\\cdot 500!}"),
        ("2^{1000000}", "4^{500000}"),
        ("(1/3)^{5000}", "3^{-5000}"),
    ],
)
def test_arithmetic_reaches_far_enough(text: str, other: str) -> None:
    assert _ruling(text, other) == "equal"
    assert _ruling(text, f"{other}+1") == "different"


def _ruling(gold: str, answer: str) -> str:
    read = read_gold(gold)
    assert read is not None
    first = _FIRST.judge(read, answer, _OPTIONS).ruling
    return _SECOND.judge(read, answer, _OPTIONS).ruling if first == "unsure" else first
