"""What a trainer may ask of a reward function, and what it is paid for it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from tests.trainer_client.remote_reward.calls import boxed
from trainer_client import GraderCall

__all__ = ["ANSWER", "ASKED", "MATH"]

MATH: list[GraderCall] = [{"name": "math"}]
ANSWER = {"solution": ["4", "4", "5", None]}
DEEP = json.loads("[" * 99 + "]" * 99)


class Picture:
    """As a dataset decodes it: a new object at each reading."""

    def __init__(self, pixels: int) -> None:
        self.pixels = pixels

    def tobytes(self) -> bytes:
        return bytes([self.pixels])


# Any: a prompt with a picture, as TRL builds it.
def _seen(pixels: int) -> list[dict[str, Any]]:
    blocks = [{"type": "image", "image": Picture(pixels)}, {"type": "text", "text": "2+2?"}]
    return [{"role": "user", "content": blocks}]


# Any: as above.
ASKED: list[tuple[str, list[GraderCall], dict[str, Any], dict[str, Any], list[float | None]]] = [
    (
        "a column of another name, and a row without its answer",
        MATH,
        {"columns": {"answer": "solution"}},
        {"completions": boxed(4, 3, 5, 4), **ANSWER},
        [1.0, 0.0, 1.0, None],
    ),
    (
        "a column of the reference's own name, beside others that nobody reads",
        MATH,
        {},
        {"completions": boxed(4), "answer": [4], "source": [object()], "environments": [None]},
        [1.0],
    ),
    (
        "conversations: the last assistant message counts",
        MATH,
        {},
        {
            "prompts": [[{"role": "user", "content": "2+2?"}]] * 2,
            "completions": [
                [{"role": "assistant", "content": text}] for text in boxed(4, 5)
            ],
            "answer": ["4", "4"],
        },
        [1.0, 0.0],
    ),
    (
        "what the template wrote belongs to the completion",
        [{"name": "format", "options": {"style": "think"}}],
        {"prefill": "<think>"},
        {"completions": ["two and two</think>4", "no end"]},
        [1.0, 0.0],
    ),
    (
        "token ids are counted, not read",
        [{"name": "length", "options": {"style": "overlong", "max_len": 10, "buffer_len": 4}}],
        {},
        {"completions": ["a", "a"], "completion_ids": [list(range(6)), list(range(8))]},
        [0.0, -0.5],
    ),
    (
        "prompts are groups",
        [{"name": "math"}, {"name": "length", "options": {"style": "kimi"}}],
        {},
        {
            "prompts": ["a", "a", "b", "b"],
            "completions": boxed(4, 4, 4, 4),
            "completion_ids": [[1], [1] * 3, [1] * 9, [1] * 5],
            "answer": ["4"] * 4,
        },
        [1.5, 0.5, 0.5, 1.5],
    ),
    (
        "a text of JSON where the grader wants a structure, and a structure itself",
        [{"name": "choice"}],
        {"columns": {"choices": "options"}},
        {
            "completions": ["Answer: B", "Answer: B"],
            "answer": ["B", "A"],
            "options": ['["red", "blue"]', ["red", "blue"]],
        },
        [1.0, 0.0],
    ),
    (
        "a JSON text is not read where a text is wanted",
        [{"name": "exact"}],
        {},
        {"completions": ["[1]"], "answer": ["[1]"]},
        [1.0],
    ),
    (
        "each row's own graders, as a list or as JSON, or the request's",
        [{"name": "constant", "options": {"value": 0.25}}],
        {"graders_column": "reward_model"},
        {
            "completions": boxed(4, 4, 4),
            "answer": ["4"] * 3,
            "reward_model": [MATH, json.dumps([{"name": "math", "weight": 2}]), None],
        },
        [1.0, 2.0, 0.25],
    ),
    (
        "a reference that JSON cannot hold costs its row alone",
        MATH,
        {},
        {"completions": boxed(4, 4, 4), "answer": [float("nan"), "4", object()]},
        [None, 1.0, None],
    ),
    (
        "so does one that the service does not read",
        MATH,
        {},
        {"completions": boxed(4, 4, 4, 4), "answer": ["4", 10**30, "4", DEEP]},
        [1.0, None, 1.0, None],
    ),
    (
        "Arrow's padding of objects is no part of them",
        [{"name": "tool_call"}],
        {},
        {
            "completions": ['<tool_call>\n{"name": "f", "arguments": {"x": 1}}\n</tool_call>'] * 2,
            "tool_calls": [
                [{"name": "f", "arguments": {"x": 1, "y": None}}],
                '[{"name": "f", "arguments": {"x": 1, "y": null}}]',
            ],
        },
        [1.0, 0.0],
    ),
    (
        "nor of graders",
        MATH,
        {"graders_column": "calls"},
        {
            "completions": boxed(4),
            "answer": ["4"],
            "calls": [[{"name": "math", "weight": None, "options": None}]],
        },
        [1.0],
    ),
    (
        "NaN in a text of JSON costs its row alone",
        MATH,
        {"graders_column": "calls"},
        {"completions": boxed(4, 4), "answer": ["4"] * 2, "calls": ["[NaN]", None]},
        [None, 1.0],
    ),
    (
        "one prompt with two answers is two groups, one picture decoded twice is one",
        [{"name": "math"}, {"name": "length", "options": {"style": "kimi"}}],
        {},
        {
            "prompts": [_seen(1), _seen(1), _seen(2), _seen(2), _seen(2), _seen(2)],
            "completions": boxed(4, 4, 4, 4, 5, 5),
            "completion_ids": [[1], [1] * 3, [1] * 9, [1] * 5, [1], [1] * 2],
            "answer": ["4", "4", "4", "4", "5", "5"],
        },
        [1.5, 0.5, 0.5, 1.5, 1.5, 0.5],
    ),
    ("a column called self", MATH, {}, {"completions": boxed(4), "answer": [4], "self": [1]}, [1]),
    (
        "arrays and numbers of numpy",
        [{"name": "math"}, {"name": "length_only", "weight": 0.5, "options": {"full_len": 4}}],
        {},
        {
            "completions": boxed(4, 5),
            "completion_ids": np.array([[1, 2], [3, 4]]),
            "answer": [np.int64(4), np.int64(4)],
            "source": np.array(["a", "b"]),
        },
        [1.25, 0.25],
    ),
    ("nothing to grade", MATH, {}, {"completions": [], "answer": []}, []),
]  # fmt: skip
