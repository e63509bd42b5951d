"""Outputs against what is expected, by every policy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.programs.comparing import output_difference
from graders.programs.tasks import Compare, Tolerance

NEAR = Tolerance(abs_tol=1e-6)
RELATIVE = Tolerance(rel_tol=1e-4)

SAME: list[tuple[bytes, str, Compare]] = [
    (b"3 \n4\n", "3\n4\n", "tokens"),
    (b"3\n4", "3\r\n4\r\n", "tokens"),
    (b"  1   2\t3\n\n\n", "1 2 3", "tokens"),
    (b"", "\n", "tokens"),
    (b"0.30000000000000004\n", "0.3\n", "tokens"),
    (b"0.9999999999999999", "1.0", "tokens"),
    (b"1", "1.0", "tokens"),
    (b"1e18", "1000000000000000000.0", "tokens"),
    (b"-0.0", "0.0", "tokens"),
    (b"nan", "nan", "tokens"),
    (b"3.1416", "3.14159", RELATIVE),
    (b"0.3333333", "0.3333333333", NEAR),
    (b"1000000.5 YES", "1000000.5000001 YES", NEAR),
    (b"1e-9999", "0.0", NEAR),
    (b"a  b \nc\n\n", "a  b\nc\n", "lines"),
    (b"a\r\nb", "a\nb\n", "lines"),
    (b"a\n", "a\n", "exact"),
]

DIFFERENT: list[tuple[bytes, str, Compare, str]] = [
    (b"123457", "123456", "tokens", "token 1: expected '123456', got '123457'"),
    (b"1000000000000000001", "1000000000000000000", "tokens", "token 1"),
    (b"1000000000000000001.0", "1000000000000000000.0", "tokens", "token 1"),
    (b"123456789012.6", "123456789012.5", "tokens", "token 1"),
    (b"1.0", "1", "tokens", "token 1"),
    (b"0.333333", "0.3333333333", "tokens", "token 1"),
    (b"YES", "yes", "tokens", "token 1"),
    (b"nan", "1.0", "tokens", "token 1"),
    (b"inf", "1.0", "tokens", "token 1"),
    (b"3\n3\n", "3\n", "tokens", "token 2: expected no more, got '3'"),
    (b"3\n", "3\n3\n", "tokens", "token 2: expected '3', got no more"),
    (b"", "3\n", "tokens", "token 1: expected '3', got no more"),
    (b"\xff", "\u00ff", "tokens", "token 1"),
    (b"3_0", "30", "tokens", "token 1"),
    ("\u0663".encode(), "3", "tokens", "token 1"),
    (b"nan", "1.0", Tolerance(abs_tol=1e300), "token 1"),
    (b"inf", "1.0", Tolerance(abs_tol=1e300), "token 1"),
    (b"1.1", "1.0", NEAR, "token 1"),
    (b"1.0 1.0", "1.0", NEAR, "token 2"),
    (b"yes", "YES", NEAR, "token 1"),
    (b"1e9999999999", "1.0", RELATIVE, "token 1"),
    (b"a b", "a  b", "lines", "line 1"),
    (b" a", "a", "lines", "line 1"),
    (b"a\n\nb", "a\nb", "lines", "line 2"),
    (b"a", "a\n", "exact", "line 2"),
    (b"a \n", "a\n", "exact", "line 1"),
]


@pytest.mark.parametrize(("got", "expected", "compare"), SAME)
def test_same(got: bytes, expected: str, compare: Compare) -> None:
    assert output_difference(got, expected, compare) == ""


@pytest.mark.parametrize(("got", "expected", "compare", "why"), DIFFERENT)
def test_different(got: bytes, expected: str, compare: Compare, why: str) -> None:
    assert output_difference(got, expected, compare).startswith(why)


def test_what_differs_is_told_in_a_bounded_text() -> None:
    assert len(output_difference(b"a" * 10**6, "b" * 10**6, "tokens")) < 300


@given(st.text(), st.sampled_from(["tokens", "lines", "exact", NEAR]))
def test_every_output_is_itself(text: str, compare: Compare) -> None:
    text = text.encode(errors="ignore").decode()
    assert output_difference(text.encode(), text, compare) == ""


@given(st.binary(), st.text(st.characters(codec="utf-8")), st.sampled_from(["tokens", NEAR]))
def test_nothing_that_is_printed_raises(got: bytes, expected: str, compare: Compare) -> None:
    output_difference(got, expected, compare)


@given(st.integers(), st.integers())
def test_integers_are_exact_however_large(one: int, other: int) -> None:
    same = output_difference(str(one).encode(), str(other), "tokens") == ""
    assert same == (one == other)
