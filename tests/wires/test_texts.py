"""What of a prompt and a response is graded, whatever a tokenizer has made of them."""

from __future__ import annotations

import pytest

from service.wires.contract import NotForUs
from service.wires.texts import response_of, without_end_tokens

_ANSWERS = " \\boxed{3}\nQ:x \\boxed{2}"


@pytest.mark.parametrize(
    ("query", "prompt", "response"),
    [
        ("Q: x", "Q:", " x"),
        ("x", "", "x"),
        ("<|begin_of_text|>Q: x", "Q:", " x"),
        ("[BOS] Q: x", "Q:", " x"),
        ("Q: Q: x", "Q:", " Q: x"),
        ("Q : x", "Q:", " x"),
        # A response that says its prompt again does not hide what it has said before that.
        (f"Q :x{_ANSWERS}", "Q:x", _ANSWERS),
        ("caf\u00e9? x", "cafe\u0301? ", " x"),
        ("fix? x", "\ufb01x?", " x"),
    ],
)
def test_a_response_is_what_follows_the_prompt(query: str, prompt: str, response: str) -> None:
    assert response_of(query, prompt) == response


def test_a_query_without_its_prompt_is_refused() -> None:
    with pytest.raises(NotForUs, match="does not hold its prompt"):
        response_of("x", "Q:")


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("a<|im_end|>", "a"),
        ("a <|im_end|>\n</s> ", "a "),
        ("a<\uff5cend\u2581of\u2581sentence\uff5c>", "a"),
        ("</s>", ""),
        ("a \n", "a \n"),
        ("a<b>", "a<b>"),
        ("a<|x|>b", "a<|x|>b"),
        # As long as texts may be: what takes the square of that would take minutes.
        ("a" + "<|a|>" * 200_000, "a"),
        ("a" + "</s>\n" * 200_000, "a"),
        ("a" + "<" * 1_000_000, "a" + "<" * 1_000_000),
    ],
    ids=range(10),
)
def test_the_tokens_that_end_a_text_are_no_part_of_it(text: str, rest: str) -> None:
    assert without_end_tokens(text) == rest
