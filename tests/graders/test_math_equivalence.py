"""Exact algebra and probes: what is equal, what only looks so, and how long either may take."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from fractions import Fraction
from functools import partial
from random import Random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.math_answers import notation
from graders.math_answers.formulas.algebra.equivalence import (
    canonical_text,
    compare,
    constant_ratio,
    linear_in,
    order,
    rational_value,
    rounds_to,
    sign,
    substituted,
    symbols,
)
from graders.math_answers.formulas.algebra.probes import probed
from graders.math_answers.formulas.printing import plain_text
from graders.math_answers.formulas.reading.parser import read
from graders.math_answers.formulas.tree import (
    Call,
    Constant,
    Expression,
    Negative,
    Number,
    Power,
    Product,
    Quotient,
    Root,
    Sum,
    Symbol,
    TooBig,
    is_expression,
)
from tests.graders.cpu_clocks import least_cpu_s
from tests.graders.tables import Row, table
from tests.graders.worst_formulas import WORST, X, number

ROWS: Final = table("math_equivalence")
WORST_S: Final = 0.25
"""Far above what any of them takes, as other processes share the machine."""


def expression(text: str) -> Expression:
    node = read(notation.normal(text))
    assert is_expression(node), text
    return node


def difference(equation: str) -> Expression:
    left, right = equation.split("=")
    return Sum((expression(left), Negative(expression(right))))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_pair_is_judged_and_so_is_the_pair_turned_round(row: Row) -> None:
    one, other = expression(row["one"]), expression(row["other"])
    if row["expected"] == "too_big":
        with pytest.raises(TooBig):
            compare(one, other)
        return
    assert compare(one, other) == row["expected"]
    assert compare(other, one) == row["expected"]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("3x^2+4y^2=12", r"\frac{x^2}{4}+\frac{y^2}{3}=1", "positive"),
        ("y=-x/2+3/4", "2x+4y-3=0", "positive"),
        ("-x=-2", "x=2", "negative"),
        (r"(1-\sqrt2)x=1", r"x=-1-\sqrt2", "negative"),
        ("y=1/x", "xy=1", "complex"),
        ("ix=1", "x=-i", "complex"),
        (r"y=\sin 2x", r"2y=4\sin x\cos x", "positive"),
        ("x=1", "x=2", None),
        ("x+y=1", "x-y=1", None),
        ("x^2=1", "x=1", None),
        (r"y=\sin x", r"y=\cos x", None),
        ("f(x)=1", "f(y)=1", "unsure"),
        ("|z|^2=4", "z^2=4", None),
        (r"z\bar z=1", "|z|^2=1", "positive"),
        ("|z-1|=2", "2|z-1|=4", "positive"),
        ("y=|x-30|", "y=30-x", None),
        ("y=(-1)^n", r"2y=2\cos(n\pi)", "positive"),
    ],
)
def test_equations_are_the_same_up_to_a_constant(
    one: str, other: str, expected: str | None
) -> None:
    assert constant_ratio(difference(one), difference(other)) == expected


@pytest.mark.parametrize(
    ("text", "slope", "constant"),
    [
        ("2x-4", "2", "-4"),
        (r"\frac{x}{3}+\frac12", "1/3", "1/2"),
        ("(x+1)^2-x^2", "2", "1"),
        (r"\sqrt2x-\pi", "sqrt(2)", "-pi"),
    ],
)
def test_a_line_is_seen(text: str, slope: str, constant: str) -> None:
    line = linear_in(expression(text))
    assert line is not None
    assert line.symbol == "x"
    assert (canonical_text(line.slope), canonical_text(line.constant)) == (slope, constant)


@pytest.mark.parametrize("text", ["3", "x+y", "x^2-1", r"\frac{2x+1}{x}", r"|x|+1", r"x\sin x"])
def test_what_is_no_line_is_none(text: str) -> None:
    assert linear_in(expression(text)) is None


@pytest.mark.parametrize(
    ("text", "decimal", "within", "expected"),
    [
        (r"\frac{22}{7}", "3.14", Fraction(1, 2), True),
        (r"\pi", "3.14", Fraction(1, 2), True),
        (r"\pi", "3.15", Fraction(1, 2), False),
        (r"e^{\pi}", "23.14069", Fraction(1, 2), True),
        (r"\sqrt2", "1.415", Fraction(1), True),
        (r"\sqrt2", "1.416", Fraction(1), False),
        (r"1000\pi", "3142", Fraction(1, 2), True),
        ("x", "3.1", Fraction(1), None),
        ("i", "1.0", Fraction(1), None),
    ],
)
def test_a_decimal_rounds_a_constant(
    text: str, decimal: str, within: Fraction, expected: bool | None
) -> None:
    places = len(decimal.partition(".")[2])
    assert rounds_to(expression(text), Number(Fraction(decimal), places), within=within) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"1-\sqrt2", -1),
        (r"\sqrt{3+2\sqrt2}-1-\sqrt2", 0),
        (r"\pi^e-e^\pi", -1),
        (r"\sqrt[3]{7+5\sqrt2}-\frac{2414}{1000}", 1),
        ("i", None),
        ("x", None),
    ],
)
def test_the_sign_of_a_constant(text: str, expected: int | None) -> None:
    assert sign(expression(text)) == expected


@pytest.mark.parametrize(
    ("text", "canonical", "plain"),
    [
        (r"\frac{x^2-1}{x-1}", "x + 1", "(x^2 - 1)/(x - 1)"),
        (r"\frac{1}{\sqrt[3]{2}}", "root(4, 3)/2", "1/root(2, 3)"),
        (r"-\frac12+\frac{\sqrt3}{2}i", "(-1 + sqrt(3)*i)/2", "(-1/2) + sqrt(3)/2*i"),
        (r"\frac{x+1}{-2}", "(-x - 1)/2", "(x + 1)/(-2)"),
        (r"2\pi r^2", "2*pi*r^2", "2*pi*r^2"),
        ("0.50", "1/2", "0.50"),
        (r"\frac10", "1/0", "1/0"),
    ],
)
def test_texts(text: str, canonical: str, plain: str) -> None:
    assert canonical_text(expression(text)) == canonical
    assert plain_text(expression(text)) == plain


def test_names_and_order() -> None:
    text = expression(r"a x + \sin b")
    assert symbols(text) == {"a", "b", "x"}
    swapped = substituted(text, {"a": Symbol("x"), "x": Symbol("a")})
    assert compare(text, swapped) == "equal"
    assert order(expression(r"\sqrt2"), expression(r"\frac32")) == -1
    assert rational_value(expression(r"\sqrt{8}\cdot\sqrt2")) == 4


@pytest.mark.parametrize("name", WORST)
def test_the_worst_inputs_end_soon(name: str) -> None:
    hard = WORST[name]
    for other in (hard, X, Sum((hard, number(1)))):
        assert least_cpu_s(partial(_judged, hard, other), WORST_S) <= WORST_S


def _judged(one: Expression, other: Expression) -> None:
    with suppress(TooBig):
        assert compare(one, other) in ("equal", "unsure", "different")
        canonical_text(one)


def test_threads_judge_as_one_does() -> None:
    rows = [row for row in ROWS if row["expected"] != "too_big"]
    pairs = [(expression(row["one"]), expression(row["other"])) for row in rows]
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda pair: compare(*pair), pairs))
    assert verdicts == [row["expected"] for row in rows]


LEAVES: Final = st.one_of(
    st.integers(-6, 6).map(number),
    st.sampled_from([X, Symbol("y"), Constant("pi"), Constant("e"), Constant("i")]),
)


def _grown(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    some = st.lists(inner, min_size=2, max_size=3).map(tuple)
    functions = st.sampled_from(["sin", "cos", "ln", "abs", "arctan", "tan", "floor"])
    return st.one_of(
        some.map(Sum),
        some.map(Product),
        inner.map(Negative),
        st.builds(Quotient, inner, inner),
        st.builds(Power, inner, st.integers(-3, 3).map(number)),
        st.builds(Root, inner, st.sampled_from([2, 3])),
        st.builds(Call, functions, st.tuples(inner)),
    )


TREES: Final = st.recursive(LEAVES, _grown, max_leaves=8)


def _shuffled(node: Expression, random: Random) -> Expression:
    match node:
        case Sum():
            parts = [_shuffled(part, random) for part in node.terms]
            random.shuffle(parts)
            return Sum(tuple(parts))
        case Product():
            parts = [_shuffled(part, random) for part in node.factors]
            random.shuffle(parts)
            return Product(tuple(parts))
        case Quotient():
            return Quotient(_shuffled(node.top, random), _shuffled(node.bottom, random))
        case _:
            return node


@settings(max_examples=300, deadline=None)
@given(TREES, st.randoms(use_true_random=False))
def test_the_order_of_terms_and_factors_does_not_matter(tree: Expression, random: Random) -> None:
    turned = _shuffled(tree, random)
    assert compare(tree, turned) == compare(turned, tree)
    if compare(tree, tree) == "equal" == compare(tree, turned):
        assert canonical_text(tree) == canonical_text(turned)
    assert compare(tree, tree) != "different" or compare(tree, X) == "different"


@settings(max_examples=300, deadline=None)
@given(TREES, TREES)
def test_the_algebra_and_the_probes_agree(one: Expression, other: Expression) -> None:
    verdict = compare(one, other)
    assert verdict == compare(other, one)
    seen = probed(one, other)
    assert "unsure" in (seen, verdict) or seen == verdict
    assert compare(one, Sum((one, number(1)))) != "equal"
