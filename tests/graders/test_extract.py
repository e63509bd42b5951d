from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.extract import STRICT, extract, final_part, shortened
from tests.graders.tables import Row, table

_MEGABYTE = 1_000_000
_PIECES = st.sampled_from(
    [
        *("\\boxed{", "\\fbox{", "{", "}", "\\{", "\\", "<answer>", "</answer>", "<think>", "$"),
        *("</think>", "#### ", "\n", " ", "the answer is ", "Answer: ", "A: ", "7", "42", "x", "?"),
        *(" or ", " and ", ", ", "wait, ", "<|begin_of_box|>", "<|end_of_box|>", ".", "\\[", "\\]"),
    ]
)
_TEXTS = st.one_of(st.lists(_PIECES, max_size=30).map("".join), st.text(max_size=60))


@pytest.mark.parametrize("row", table("extract"), ids=lambda row: row["id"])
def test_the_answer_of_a_final_part(row: Row) -> None:
    found = extract(row["text"], row.get("styles", STRICT))
    assert (found.status, found.text) == (row["status"], row["answer"])
    if row["style"]:
        assert found.style == row["style"]


@pytest.mark.parametrize("row", table("final_part"), ids=lambda row: row["id"])
def test_only_what_follows_the_thinking_is_graded(row: Row) -> None:
    part = final_part(row["text"])
    assert (part.text, part.finished) == (row["part"], row["finished"])


@given(_TEXTS)
def test_any_text_is_read(text: str) -> None:
    part = final_part(text)
    found = extract(part.text, (*STRICT, "last_number"))
    assert (found.status == "found") == bool(found.text)


@given(_TEXTS)
def test_what_was_found_in_a_box_is_found_again(text: str) -> None:
    found = extract(text, ("boxed",))
    if found.status == "found" and not found.joined:
        assert extract(f"\\boxed{{{found.text}}}", ("boxed",)).text == found.text


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
    ],
)
def test_a_megabyte_of_anything_is_read_in_linear_time(piece: str) -> None:
    # It takes a fraction of a second; what is not linear takes hours.
    assert _cpu_s(piece * (_MEGABYTE // len(piece))) < 20


def test_a_long_answer_is_shortened_for_a_report() -> None:
    assert shortened("x" * 200) == "x" * 200
    assert shortened("x" * 201) == "x" * 199 + "…"


def test_endless_different_boxes_are_several_answers() -> None:
    text = " then ".join(f"\\boxed{{{number}}}" for number in range(5_000))
    assert extract(text).status == "several_answers"


def _cpu_s(text: str) -> float:
    start = time.process_time()
    extract(final_part(text).text, (*STRICT, "last_number"))
    return time.process_time() - start
