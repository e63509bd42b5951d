"""Answer notation is read into trees: by table, by round trip, and never with another error."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.math_answers.formulas import tree
from graders.math_answers.formulas.reading.parser import read
from graders.math_answers.grader import MathGrader
from graders.math_answers.notation import normal
from graders.math_answers.options import MathOptions, MathReference
from tests.graders.cpu_clocks import least_cpu_s
from tests.graders.tables import Row, report, shared_rows, table
from tests.graders.trees import show

_PIECES = (
    "\\frac \\sqrt \\binom { } ( ) [ ] ^ _ ! + - * / = , . % \\% $ \\$ 0 1 9 12 1234 x f( C pi \\pi"
    " \\pm \\text{ cm \\approx \\{ \\} < \\leq \\infty : \\sin \\log | \\begin{pmatrix} & \\\\ ' ;"
    " \\end{pmatrix} \\begin{cases} \\end{cases} \\langle \\rangle \\mathbb{R} \\mathbb \\cup i e"
    " \\overline \\vec \\sum \\ldots ... 0.333 ^\\circ sin sqrt word Matrix( \\over \\choose E 1e9"
    " \\lfloor \\rfloor \\pmod \\mod \\left. √ ² ½ \\| degrees million if \\mid in \\in either"
)
_NOISE = st.lists(st.sampled_from([*_PIECES.split(), " ", " or ", "\n"]), max_size=18)
_WORST = {
    "parentheses": "(" * 1_000 + ")" * 1_000,
    "tower": "x^{" * 490 + "x" + "}" * 490,
    "chain of powers": "x^" * 999 + "x",
    "fractions": "\\frac{1}{" * 199 + "2" + "}" * 199,
    "bare fractions": "\\frac" * 400,
    "letters": "abcdefgh" * 250,
    "same letters": "a" * 2_000,
    "math openings": "\\[" * 1_000,
    "list": "1," * 1_000,
    "environments": "\\begin{pmatrix}" * 100,
    "bars": "|" * 2_000,
    "bars around": "|x" * 1_000,
    "minus": "-" * 2_000,
    "factorials": "5" + "!" * 1_999,
    "roots": "\\sqrt" * 400,
    "unions": "[0,1]\\cup" * 222,
    "definition": "v(" + "t," * 999,
    "units": "x m" * 660,
    "words": "word " * 400,
    "groups of three": "123 " * 500,
    "chain": "x=" * 1_000,
    "sums": "\\sum," * 330,
    "exponent": "1e99999999",
    "long": "1+" * 1_001,
    "fonts": "\\mathbf{" * 200 + "x" + "}" * 200,
    "fonts side by side": "\\bm{\\sqrt{2}}" * 130,
    "fonts without an end": "\\text{" * 330,
    "fonts and spaces": "\\text" + " " * 1_900 + "x",
    "colours": "\\color{red}{" * 150,
    "gaps": "\\hspace{" * 200,
    "marks": "5" + "\\square" * 240 + "x",
    "spaces before marks": "5" + " " * 1_900 + "\\square x",
    "rows": "\\\\" * 1_000,
    "rows with gaps": "\\cr[" * 380,
    "lines": "\\begin{aligned}" + "x&=1\\\\" * 200,
    "ends": "\\begin{aligned}" + "\\end{aligned}" * 130,
    "dots over digits": "0.\\dot" + "1" * 1_900,
    "many dots over digits": "0." + "\\dot1" * 380 + "x",
    "powers of ten": "1x" * 900 + "10^",
    "set by a condition": "{x|" + "<" * 1_900 + "}",
    "domain": "x\\in" + "(k\\in" * 300 + ")",
}


@pytest.mark.parametrize("row", table("math_reading"), ids=lambda row: row["id"])
def test_a_notation_has_its_tree(row: Row) -> None:
    assert _shown(row["text"]) == row["tree"]


@pytest.mark.parametrize("row", table("math_layout"), ids=lambda row: row["id"])
def test_what_only_sets_an_answer_out_says_nothing(row: Row) -> None:
    reference = MathReference(answer=row["gold"])
    grade = MathGrader().grade(f"\\boxed{{{row['answer']}}}", reference, MathOptions())
    assert grade.score == row["score"]


def _shown(text: str) -> str:
    try:
        return show(read(normal(text)))
    except tree.Unread:
        return "unread"
    except tree.TooBig:
        return "too_big"


@given(st.one_of(_NOISE.map("".join), st.text(max_size=40)))
@settings(max_examples=400, deadline=None)
def test_no_text_raises_anything_else(text: str) -> None:
    assert _shown(text)
    assert _shown(text) == _shown(f" {text} ")


@pytest.mark.parametrize("name", _WORST)
def test_the_worst_texts_end_soon(name: str) -> None:
    def reading() -> None:
        form = normal(_WORST[name])
        with suppress(tree.Unread, tree.TooBig):
            read(form)

    assert least_cpu_s(reading, 0.05) <= 0.05


@pytest.mark.parametrize("depth", [10, 50, 51])
def test_brackets_may_be_nested_fifty_deep(depth: int) -> None:
    shown = _shown(f"{'(' * depth}x{')' * depth}")
    assert shown == ("x" if depth <= 50 else "too_big")


def test_a_text_may_have_two_thousand_characters() -> None:
    assert _shown("1" * 2_000) == "1" * 2_000
    with pytest.raises(tree.TooBig):
        read("1" * 2_001)


class _Written:
    """A tree and a way to write it; `binds` is how tightly: 0 a sum, 1 a product, 2 a piece."""

    def __init__(self, node: tree.Expression, text: str, binds: int) -> None:
        self.node, self.text, self.binds = node, text, binds

    def within(self, binds: int) -> str:
        return self.text if self.binds >= binds else f"\\left({self.text}\\right)"


def _sum(parts: list[_Written]) -> _Written:
    text = "+".join(part.within(1) for part in parts)
    return _Written(tree.Sum(tuple(part.node for part in parts)), text, 0)


def _product(parts: list[_Written]) -> _Written:
    text = " \\cdot ".join(part.within(2) for part in parts)
    return _Written(tree.Product(tuple(part.node for part in parts)), text, 1)


def _quotient(top: _Written, bottom: _Written) -> _Written:
    text = f"\\dfrac{{{top.text}}}{{{bottom.text}}}"
    return _Written(tree.Quotient(top.node, bottom.node), text, 2)


def _power(base: _Written, exponent: _Written) -> _Written:
    text = f"{{\\left({base.text}\\right)}}^{{{exponent.text}}}"
    return _Written(tree.Power(base.node, exponent.node), text, 2)


def _root(inner: _Written, degree: int) -> _Written:
    mark = "" if degree == 2 else f"[{degree}]"
    return _Written(tree.Root(inner.node, degree), f"\\sqrt{mark}{{{inner.text}}}", 2)


def _call(inner: _Written, name: str) -> _Written:
    return _Written(tree.Call(name, (inner.node,)), f"\\{name}\\left({inner.text}\\right)", 2)


_LEAVES = st.one_of(
    st.integers(0, 10**6).map(lambda n: _Written(tree.Number(Fraction(n)), str(n), 2)),
    st.sampled_from("abxyzABt").map(lambda name: _Written(tree.Symbol(name), name, 2)),
    st.just(_Written(tree.Constant("pi"), "\\pi", 2)),
    st.just(_Written(tree.Constant("i"), "i", 2)),
)
_FORMULAS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(_sum),
        st.lists(inner, min_size=2, max_size=3).map(_product),
        st.builds(_quotient, inner, inner),
        st.builds(_power, inner, inner),
        st.builds(_root, inner, st.integers(2, 5)),
        st.builds(_call, inner, st.sampled_from(["sin", "ln", "arctan"])),
    ),
    max_leaves=8,
)


@given(_FORMULAS)
@settings(max_examples=200, deadline=None)
def test_what_is_written_is_read_back(formula: _Written) -> None:
    assert read(normal(formula.text)) == formula.node
    assert read(normal(f"$\\displaystyle {formula.text}$.")) == formula.node


def test_the_golds_are_read() -> None:
    rows = shared_rows("data/math_golds.jsonl.gz")
    if rows is None:
        return
    unread = [row["gold"] for row in rows if _shown(row["gold"]) in ("unread", "too_big")]
    report(f"golds read: {len(rows) - len(unread)} of {len(rows)}; not read: {unread[:20]}")
    assert len(unread) <= len(rows) * 0.01
