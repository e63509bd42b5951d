"""Messages as templates leave them, back into what the model wrote."""

from __future__ import annotations

import pytest

from trainer_client.remote_reward.messages import conversation, holds_reasoning

CALL = {"type": "function", "function": {"name": "add", "arguments": {"a": 1}}}
WRITTEN = '\n<tool_call>\n{"name": "add", "arguments": {"a": 1}}\n</tool_call>'

ROWS: list[tuple[object, object]] = [
    ("a text", "a text"),
    (None, None),
    (7, 7),  # for the service to refuse
    ([{"role": "assistant", "content": "4"}], [{"role": "assistant", "content": "4"}]),
    (
        [{"role": "assistant", "content": None, "name": "n", "foreign": object()}],
        [{"role": "assistant", "content": ""}],
    ),
    (
        [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "a"}]}],
        [{"role": "user", "content": "a"}],
    ),
    (
        [{"role": "assistant", "content": "4", "reasoning_content": "2+2"}],
        [{"role": "assistant", "content": "<think>\n2+2\n</think>\n\n4"}],
    ),
    (
        ({"role": "assistant", "content": "4", "thinking": "2+2"},),
        [{"role": "assistant", "content": "<think>\n2+2\n</think>\n\n4"}],
    ),
    (
        [{"role": "assistant", "content": "", "tool_calls": [CALL]}],
        [{"role": "assistant", "content": WRITTEN}],
    ),
    (
        [
            {
                "role": "assistant",
                "content": "",
                "tool_calls": [{"function": {"name": "add", "arguments": '{"a": 1}'}}, "odd"],
            }
        ],
        [{"role": "assistant", "content": WRITTEN + '\n<tool_call>\n"odd"\n</tool_call>'}],
    ),
    ([], []),
    (["odd"], ["odd"]),
]


@pytest.mark.parametrize(("given", "sent"), ROWS, ids=range(len(ROWS)))
def test_messages_are_sent_as_the_model_wrote_them(given: object, sent: object) -> None:
    assert conversation(given) == sent


@pytest.mark.parametrize(
    ("given", "held"),
    [
        ([{"role": "assistant", "content": "4", "thinking": "2+2"}], True),
        ([{"role": "assistant", "content": "4", "thinking": ""}], False),
        ("<think>", False),
        ([], False),
    ],
)
def test_a_prefill_is_left_out_where_the_reasoning_is_parsed(given: object, held: bool) -> None:
    assert holds_reasoning(given) is held
