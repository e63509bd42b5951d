from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.extract import STATED, STRICT, extract, final_part, shortened, stated_gold
from tests.graders.tables import Row, table

_MEGABYTE = 1_000_000
_PIECES = st.sampled_from(
    [
        *("\\boxed{", "\\fbox{", "{", "}", "\\{", "\\", "<answer>", "</answer>", "<think>", "$"),
        *("</think>", "#### ", "\n", " ", "the answer is ", "Answer: ", "A: ", "7", "42", "x", "?"),
        *(" or ", " and ", ", ", "wait, ", "<|begin_of_box|>", "<|end_of_box|>", ".", "\\[", "\\]"),
    ]
)
_CORRECTIONS = ("wait", "actually", "no", "不对")
_TEXTS = st.one_of(st.lists(_PIECES, max_size=30).map("".join), st.text(max_size=60))


@pytest.mark.parametrize("row", table("extract"), ids=lambda row: row["id"])
def test_the_answer_of_a_final_part(row: Row) -> None:
    same = row.get("same", {})
    found = extract(
        row["text"], row.get("styles", STRICT), key=lambda text: same.get(text, text.strip())
    )
    assert (found.status, found.text) == (row["status"], row["answer"])
    if row["style"]:
        assert found.style == row["style"]


@pytest.mark.parametrize("row", table("final_part"), ids=lambda row: row["id"])
def test_only_what_follows_the_thinking_is_graded(row: Row) -> None:
    part = final_part(row["text"])
    assert (part.text, part.finished) == (row["part"], row["finished"])


@pytest.mark.parametrize("row", table("stated_gold"), ids=lambda row: row["id"])
def test_what_a_reference_text_states(row: Row) -> None:
    assert stated_gold(row["text"]) == row["gold"]


@given(_TEXTS)
def test_any_text_is_read(text: str) -> None:
    part = final_part(text)
    stated_gold(text)
    found = extract(part.text, (*STATED, "last_number"))
    assert (found.status == "found") == bool(found.text)


@given(_TEXTS)
def test_what_was_found_in_a_box_is_found_again(text: str) -> None:
    found = extract(text, ("boxed",))
    # A box token may hold a brace that no box can.
    balanced = found.text.count("{") == found.text.count("}") and "\\" not in found.text
    if found.status == "found" and not found.joined and balanced:
        assert extract(f"\\boxed{{{found.text}}}", ("boxed",)).text == found.text


@given(st.integers(-9_999, 9_999), st.sampled_from(["{}", "${}$", "**{}**", "{}.", "It is {}."]))
def test_a_bare_answer_is_the_one_that_its_box_states(number: int, form: str) -> None:
    found = extract(form.format(number), STATED)
    assert found.style == "bare"
    assert extract(f"\\boxed{{{found.text}}}").text == str(number)


@given(_TEXTS, st.text(" \n\t", max_size=5))
def test_white_space_at_the_end_never_matters(text: str, space: str) -> None:
    shorter = extract(text.rstrip(), STATED)
    assert extract(text.rstrip() + space, STATED) == shorter


@given(_TEXTS)
def test_another_box_without_a_word_of_correction_never_keeps_the_answer(text: str) -> None:
    before = extract(text, STATED)
    after = extract(f"{text}\n\nThus \\boxed{{977}}", STATED)
    assert after.status != "found" or after.text != before.text


@given(_TEXTS)
def test_a_second_box_behind_a_first_is_a_contradiction(text: str) -> None:
    before = extract(text, ("boxed",))
    after = extract(f"{text}\n\nThus \\boxed{{977}}", ("boxed",))
    corrected = any(word in text for word in _CORRECTIONS)
    if before.status == "found" and not corrected:
        assert after.status != "found"


@given(_TEXTS)
def test_a_final_part_is_its_own_final_part(text: str) -> None:
    part = final_part(text)
    assert final_part(part.text).text == part.text


@settings(deadline=None)
@given(_TEXTS, st.integers(0, 99))
def test_thinking_never_counts(thought: str, number: int) -> None:
    plain = extract(final_part(f"\\boxed{{{number}}}").text)
    behind = extract(final_part(f"<think>{thought}</think>\\boxed{{{number}}}").text)
    assert behind.text == plain.text


@pytest.mark.parametrize(
    "piece",
    [
        *("\\boxed{", "\\boxed{\\boxed{", "\\[", "\\(", "<think>", "</think>", "1", "1 ", "12345 "),
        *("1 000 ", " ", "\n", "{", "}", "\\", "$", "#### ", "####", "<answer>", "answer to a "),
        *("<|begin_of_box|>", "**", "\\boxed{1}, ", "final answer ", "A :", "Answer"),
        *("the answer is ", "答案是", "答案\n", "选", "it is 7 ", "if ", "\\boxed7", "or wait "),
        *("answer to the ", "Answer for part a ", "correct option to the ", "~~a ", "~~", "<s>"),
        *("<!--", "% \\boxed", "<|im_end|>a", "<|channel|>", "is this wrong? no. ", "not a wrong "),
    ],
)
def test_a_megabyte_of_anything_is_read_in_linear_time(piece: str) -> None:
    # It takes a tenth of a second; what is not linear takes hours.
    text = piece * (_MEGABYTE // len(piece))
    assert _cpu_s(text) < 5
    assert _cpu_s(f"\\boxed{{1}}{text}\\boxed{{2}}") < 5


def test_a_long_answer_is_shortened_for_a_report() -> None:
    assert shortened("x" * 200) == "x" * 200
    assert shortened("x" * 201) == "x" * 199 + "…"


def test_endless_different_boxes_are_several_answers() -> None:
    text = " then ".join(f"\\boxed{{{number}}}" for number in range(5_000))
    assert extract(text).status == "several_answers"


def _cpu_s(text: str) -> float:
    start = time.process_time()
    extract(final_part(text).text, (*STATED, "last_number"))
    stated_gold(text)
    return time.process_time() - start
