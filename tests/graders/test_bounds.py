"""No text makes a grader work for long: a million characters cost at most 0.3 s of CPU time.

The time is that of the grader's own thread; what it hands to a box or a child has limits there.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import pytest

from graders.registry import GRADERS
from tests.graders.adversarial import ADVERSARIAL
from tests.graders.cpu_clocks import least_cpu_s

_CPU_S: Final = 0.3
# Any: JSON.
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class Case(NamedTuple):
    """One grader with options and a reference, as a request would name them."""

    grader: str
    options: Mapping[str, Any] = _NOTHING
    reference: Mapping[str, Any] = _NOTHING

    def __str__(self) -> str:
        return "-".join([self.grader, *map(str, self.options.values())])[:60]


def _checked(check: str, **arguments: object) -> dict[str, Any]:
    return {"instruction_id_list": [check], "kwargs": [arguments]}


CASES: Final = [
    Case("arithmetic_steps"),
    Case("arithmetic_steps", {"scope": "think", "rounding": "strict"}),
    Case("choice", {}, {"answer": "B"}),
    Case("choice", {"multiple": True}, {"answer": "AB", "choices": ["x" * 20_000, "y", "z"]}),
    Case("constant"),
    Case(
        "constraints",
        {"scope": "whole"},
        _checked(
            "change_case:capital_word_frequency", capital_frequency=9, capital_relation="at least"
        ),
    ),
    Case("constraints", {}, _checked("language:response_language", language="de")),
    Case("constraints", {}, _checked("change_case:english_lowercase")),
    Case(
        "constraints",
        {},
        _checked("length_constraints:number_sentences", num_sentences=9, relation="at least"),
    ),
    Case("constraints", {}, _checked("detectable_format:number_bullet_lists", num_bullets=9)),
    Case("constraints", {}, _checked("detectable_format:json_format")),
    Case("constraints", {}, _checked("detectable_content:number_placeholders", num_placeholders=9)),
    Case(
        "constraints", {"mode": "loose"}, _checked("keywords:existence", keywords=["sum", "mean"])
    ),
    Case("random"),
    Case("token_f1", {}, {"answer": ["word " * 100] * 64}),
    Case("exact", {"normalise": "squad", "extract": "strict"}, {"answer": "42"}),
    Case("code", {}, {"tests": {"hidden": [{"stdin": "", "stdout": "1"}]}}),
    Case("run", {"extract": "last_block"}),
    Case("exact", {}, {"answer": "42"}),
    Case("exact", {"extract": "strict", "ignore_case": True}, {"answer": "42"}),
    Case("exact", {"extract": "whole", "collapse_whitespace": True}, {"answer": "42"}),
    Case("format"),
    Case("format", {"min_think_chars": 100_000}),
    Case("format", {"style": "think", "min_think_chars": 10}),
    Case("format", {"newlines": True, "code_language": "python", "partial": True}),
    Case("format", {"style": "boxed"}),
    Case("format", {"style": "soft"}),
    Case("format", {"style": "tag_count"}),
    Case("format", {"style": "reasoning_steps"}),
    Case("format", {"style": "regex", "pattern": r"(?s)(<think>.*</think>\s*)+\d+"}),
    Case("format", {"style": "regex", "pattern": "a.{50}c", "match": "search"}),
    Case(
        "format",
        {
            "style": "json_schema",
            "schema": {"type": "array", "items": {"type": "integer"}, "uniqueItems": True},
        },
    ),
    Case("json", {}, {"schema": {"type": "array", "items": {"type": "object"}}}),
    Case(
        "json",
        {"scoring": "fraction"},
        {"paths": ["[*].x", "a.b[0].c", "[*][*].y"] * 80, "answer": {"a": 1}},
    ),
    Case("regex", {"mode": "lines", "min_lines": 5000}, {"pattern": [r"\[\d+\]$", "zzz"]}),
    Case(
        "regex",
        {
            "mode": "fullmatch",
            "extract": "whole",
            "scoring": "fraction",
            "forbidden": "[ab]*a[ab]{15}c",
        },
        {"pattern": [r"(?s).*\b(\w+)\s.*"] * 8},
    ),
    Case("tool_call", {}, {"tool_calls": [{"name": "a", "arguments": {"x": 1}}]}),
    Case(
        "tool_call",
        {"scoring": "fraction"},
        {"tool_calls": [{"name": "a", "arguments": {"x": [1] * 100}}] * 64},
    ),
    Case("json", {}, {"schema": {"items": {"required": [f"k{n}" for n in range(2_000)]}}}),
    Case("tool_call", {"format": "hermes"}, {"tool_calls": []}),
    Case("tool_call", {"format": "json"}, {"tool_calls": []}),
    Case("tool_call", {"format": "mistral"}, {"tool_calls": []}),
    Case("language", {"target": "en"}),
    Case("language", {"target": "zh", "scope": "all", "allow": ["en", "lb"]}),
    Case("language", {"target": "uk", "candidates": ["ba", "la"]}),
    Case("repetition"),
    Case("repetition", {"unit": "characters", "ngram": 32, "max_ratio": 0.5}),
    Case("repetition", {"unit": "words", "ngram": 6, "max_ratio": 0.5}),
    Case("length", {"style": "overlong", "max_len": 100, "buffer_len": 20}),
    Case("length_only"),
    Case("math", {}, {"answer": "42"}),
    Case("math", {"last_number": True}, {"answer": "42"}),
]


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return {name: make() for name, make in ADVERSARIAL.items()}


def test_every_grader_is_tried() -> None:
    assert {case.grader for case in CASES} == set(GRADERS)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_million_characters_cost_little(case: Case, texts: dict[str, str]) -> None:
    grader = GRADERS[case.grader]
    options = grader.Options.model_validate(case.options)
    reference = grader.Reference.model_validate(case.reference)
    grader.warm_up()
    grader.grade("", reference, options)
    spent = {}
    for name, text in texts.items():
        spent[name] = least_cpu_s(partial(grader.grade, text, reference, options), _CPU_S)
    slow = {name: cpu_s for name, cpu_s in spent.items() if cpu_s > _CPU_S}
    assert not slow
