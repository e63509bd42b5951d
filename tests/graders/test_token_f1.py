from __future__ import annotations

import re
import string
import sys
import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from graders.answers import MAX_NORMALISED, squad_text, squad_tokens
from graders.contract import Grade
from graders.token_f1 import TokenF1Grader, TokenF1Options, TokenF1Reference
from tests.graders.tables import Row, table

_GRADER = TokenF1Grader()
_WORDS = st.lists(
    st.sampled_from(["the", "A", "cat", "Cat.", "sat", "mat,", "an", "don't", "7", "-"]),
    min_size=1,
    max_size=12,
).map(" ".join)


def _grade(text: str, answer: object, **options: object) -> Grade:
    reference = TokenF1Reference.model_validate({"answer": answer})
    return _GRADER.grade(text, reference, TokenF1Options.model_validate(options))


@pytest.mark.parametrize("row", table("token_f1"), ids=lambda row: row["id"])
def test_a_text_against_its_reference(row: Row) -> None:
    grade = _grade(row["text"], row["answer"], **row["options"])
    assert grade.reason == row["reason"]
    assert grade.score == pytest.approx(row["score"], abs=1e-4)


def test_every_reason_has_a_case() -> None:
    assert {row["reason"] for row in table("token_f1")} == set(_GRADER.reasons)


def _published_words(text: str) -> list[str]:
    bare = "".join(char for char in text.lower() if char not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", bare).split()


@given(_WORDS, _WORDS)
def test_the_published_f1(answer: str, gold: str) -> None:
    said, meant = _published_words(answer), _published_words(gold)
    if not said or not meant:
        return
    shared = (Counter(said) & Counter(meant)).total()
    expected = 2 * shared / (len(said) + len(meant))
    assert _grade(answer, gold, extract="whole").score == pytest.approx(expected)
    assert squad_text(answer) == " ".join(said)


@given(st.text(max_size=60), st.text(max_size=30).filter(squad_text))
def test_no_text_is_too_strange(text: str, gold: str) -> None:
    for options in ({}, {"unit": "character"}, {"extract": "whole", "threshold": 0.5}):
        grade = _grade(text, ["x", gold], **options)
        assert grade == _grade(text, ["x", gold], **options)
        assert grade.score is not None
        assert _GRADER.score_range.holds(grade.score)
        assert grade.reason in _GRADER.reasons


@given(st.text(min_size=1, max_size=60).filter(squad_text))
def test_a_text_matches_itself(text: str) -> None:
    assert _grade(text, text, extract="whole").reason == "match"


@given(_WORDS, _WORDS, _WORDS)
def test_more_references_never_earn_less(answer: str, one: str, other: str) -> None:
    single = _grade(answer, one, extract="whole").score
    both = _grade(answer, [other, one], extract="whole").score
    assert single is not None
    assert both is not None
    assert both >= single


def test_stuffing_the_answer_earns_less() -> None:
    stuffed = "Paris " + " ".join(f"town{n}" for n in range(100))
    assert (_grade(stuffed, "Paris").score or 0) < 0.02
    assert _grade(stuffed, "Paris", threshold=0.5).score == 0.0


def test_a_text_over_the_limit_is_no_answer() -> None:
    assert _grade("x" + " " * (MAX_NORMALISED - 2) + "x", "x").reason == "partial"
    assert _grade("x" + " " * (MAX_NORMALISED - 1) + "x", "x").reason == "different"


def test_scripts_without_spaces_are_counted_by_character() -> None:
    assert squad_tokens("我爱 the 北京!") == ["我", "爱", "北", "京"]
    assert squad_tokens("ありがとう 2") == ["あ", "り", "が", "と", "う", "2"]
    assert squad_tokens("我爱北京", "word") == ["我爱北京"]
    assert squad_tokens("서울 시") == ["서울", "시"]


def test_all_punctuation_of_unicode_goes_and_all_that_is_not_seen() -> None:
    points = (chr(point) for point in range(128, sys.maxunicode + 1))
    gone = [char for char in points if re.match("P|Cf", unicodedata.category(char))]
    assert squad_text("".join(["left", *gone, "over"])) == "leftover"
    assert len(gone) > 900


@pytest.mark.parametrize("answer", [True, None, [], {"a": 1}, float("nan"), ["x"] * 65])
def test_a_reference_is_text_or_a_number(answer: object) -> None:
    with pytest.raises(ValidationError):
        TokenF1Reference.model_validate({"answer": answer})


def test_unknown_options_are_refused() -> None:
    _GRADER.warm_up()
    options = TokenF1Options()
    assert _GRADER.lowest(options) == 0.0
    assert _GRADER.essence("x", options) == "x"
    assert _GRADER.validate(TokenF1Reference(answer="x"), options).score == 1.0
    assert _GRADER.validate(TokenF1Reference(answer=" "), options).outcome == "ungradable"
    for wrong in ({"threshold": 0}, {"format_score": 1.5}, {"unit": "syllable"}, {"stem": True}):
        with pytest.raises(ValidationError):
            TokenF1Options.model_validate(wrong)
