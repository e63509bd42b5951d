from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from graders.contract import NoReference
from graders.repetition import RepetitionGrader, RepetitionOptions
from tests.graders.tables import Row, report, shared_rows, table

_GRADER = RepetitionGrader()
_NOTHING = NoReference()
_GATE = RepetitionOptions(ngram=6, max_ratio=0.5)
_FORMS = st.builds(
    RepetitionOptions,
    unit=st.sampled_from(["auto", "words", "characters"]),
    ngram=st.integers(1, 32),
    max_ratio=st.none() | st.floats(0, 1),
    min_units=st.integers(1, 30),
    fold_numbers=st.none() | st.booleans(),
)
_LOOPS = st.builds(
    lambda text, times: text * times,
    st.text(st.sampled_from("ab \n中のก1.2\ud800\0\u200bİ") | st.characters(), max_size=40),
    st.integers(0, 40),
)


@pytest.mark.parametrize("row", table("repetition"), ids=lambda row: f"{row['id']} {row['title']}")
def test_a_text_and_how_much_it_repeats(row: Row) -> None:
    options = RepetitionOptions.model_validate(row["options"])
    grade = _GRADER.grade(row["text"] * row["times"] + row["after"], _NOTHING, options)
    assert grade.reason == row["reason"], grade.detail
    if "score" in row:
        assert grade.score == pytest.approx(row["score"], abs=1e-12)
    if "ratio" in row:
        assert grade.detail["ratio"] == row["ratio"]


@pytest.mark.parametrize("file", ["gsm8k_labelled", "math100_labelled"])
def test_no_right_solution_is_refused_as_repetitive(file: str) -> None:
    rows = shared_rows(f"data/{file}.jsonl.gz")
    if rows is None:
        return
    ratios = {True: [0.0], False: [0.0]}
    refused = []
    for row in rows:
        grade = _GRADER.grade(row["completion"], _NOTHING, _GATE)
        ratios[row["correct"]].append(float(str(grade.detail.get("worst_ratio", 0))))
        if row["correct"] and grade.score == 0:
            refused.append(row["id"])
    wrong = sum(ratio > 0.5 for ratio in ratios[False])
    report(f"{file}: {len(rows)} rows, right ones up to {max(ratios[True])}, wrong refused {wrong}")
    assert refused == []


@given(_LOOPS, _FORMS)
def test_any_text_has_a_score_that_is_the_same_each_time(
    text: str, options: RepetitionOptions
) -> None:
    grade = _GRADER.grade(text, _NOTHING, options)
    assert grade.score is not None
    assert _GRADER.lowest(options) <= grade.score <= _GRADER.score_range.high
    assert grade.reason in _GRADER.reasons
    assert grade == _GRADER.grade(text, _NOTHING, options)
    assert len(json.dumps(grade.detail)) < 2_000


@given(
    st.lists(st.sampled_from(["a", "A", "b", "c", "1", "İ"]), max_size=60),
    st.integers(1, 5),
    st.floats(-1, 0),
)
def test_by_words_the_penalty_is_that_of_the_published_formula(
    words: list[str], ngram: int, penalty: float
) -> None:
    text = " ".join(words)
    said = text.lower().split()
    ngrams = [tuple(said[start : start + ngram]) for start in range(len(said) - ngram + 1)]
    expected = (1 - len(set(ngrams)) / len(ngrams)) * penalty if ngrams else 0.0
    options = RepetitionOptions(unit="words", ngram=ngram, penalty=penalty)
    assert _GRADER.grade(text, _NOTHING, options).score == expected


def test_the_detail_names_what_is_repeated_most() -> None:
    grade = _GRADER.grade("x y z. a b c. a b c. a b d.", _NOTHING, RepetitionOptions())
    assert grade.score == pytest.approx(-0.3)
    assert grade.detail == {
        "ratio": 0.3,
        "total": 10,
        "unique": 7,
        "most_repeated": "a b c.",
        "count": 2,
    }


def test_the_lowest_score_is_the_form_s() -> None:
    _GRADER.warm_up()
    assert _GRADER.lowest(_GATE) == 0
    assert _GRADER.lowest(RepetitionOptions()) == -1
    assert _GRADER.lowest(RepetitionOptions(penalty=-0.25)) == -0.25
    assert _GRADER.validate(_NOTHING, _GATE).score == 1
    assert _GRADER.validate(_NOTHING, RepetitionOptions()).score == 1


@pytest.mark.parametrize(
    "options",
    [
        {"max_ratio": 0.5, "penalty": -1},
        {"penalty": 0.5},
        {"penalty": -2},
        {"max_ratio": 1.5},
        {"ngram": 0},
        {"ngram": 33},
        {"n": 3},
    ],
)
def test_options_that_mean_nothing_are_refused(options: Row) -> None:
    with pytest.raises(ValidationError):
        RepetitionOptions.model_validate(options)
