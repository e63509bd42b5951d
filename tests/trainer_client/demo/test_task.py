"""The demo's task and model: what a right trace earns, what a noisy one is, what a folder holds."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.live import LiveService
from trainer_client import Client
from trainer_client.demo.sums import FULL_REWARD, GRADERS, Problem, noisy_traces, split

_SUM = Problem(37, 58)


def test_the_same_seed_gives_the_same_problems_and_no_held_out_one_is_trained_on() -> None:
    problems = split(80, 20, seed=3)
    assert problems == split(80, 20, seed=3)
    assert problems != split(80, 20, seed=4)
    assert not set(problems.trained) & set(problems.held_out)


@pytest.mark.parametrize(
    ("completion", "reward"),
    [
        ("<think>7+8=15,3+5+1=9</think><answer>95</answer>", FULL_REWARD),
        ("<think>7+8=15,3+5=8</think><answer>85</answer>", 0.25),
        ("<think>7+8=15,3+5+1=9</think>95", 0.0),
        ("<think>7+8=15,3+5+1=9<answer>95</answer>", 0.0),
        # The way out that a policy would find: the question has its own value.
        ("<think>7</think><answer>37+58</answer>", 0.25),
    ],
)
def test_a_trace_earns_what_it_is_worth(live: LiveService, completion: str, reward: float) -> None:
    item = {"completion": completion, "reference": {"answer": _SUM.answer}}
    with Client(live.url) as client:
        [verdict] = client.grade([item], GRADERS)
    assert verdict.reward == reward


def test_more_than_half_of_the_traces_are_at_fault_and_each_right_one_earns_all(
    live: LiveService,
) -> None:
    problems = split(200, 0, seed=0).trained
    traces = noisy_traces(problems, each=2, seed=0)
    items = [
        {"completion": trace, "reference": {"answer": problem.answer}}
        for problem, trace in zip(itertools.cycle(problems), traces, strict=False)
    ]
    with Client(live.url) as client:
        rewards = [verdict.reward for verdict in client.grade(items, GRADERS)]
    assert len(rewards) == 400
    assert 0.2 < rewards.count(FULL_REWARD) / len(rewards) < 0.5
    assert set(rewards) == {0.0, 0.25, FULL_REWARD}


def test_a_saved_model_is_loaded_by_its_folder_alone(tmp_path: Path) -> None:
    # Not at the top: torch and transformers take seconds.
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from trainer_client.demo.tiny_model import build_model, build_tokenizer, save

    tokenizer = build_tokenizer()
    model = build_model(tokenizer, hidden=32, layers=1)
    save(model, tokenizer, folder=tmp_path)
    text = " 37 + 58 =\n<think>a b</think><answer>95</answer> "
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded(text)["input_ids"] == tokenizer(text)["input_ids"]
    assert loaded.decode(loaded(text)["input_ids"], skip_special_tokens=True) == text
    again = AutoModelForCausalLM.from_pretrained(tmp_path).state_dict()
    assert all(torch.equal(again[name], weights) for name, weights in model.state_dict().items())


def test_a_width_that_heads_do_not_fill_is_refused() -> None:
    from trainer_client.demo.tiny_model import build_model, build_tokenizer

    with pytest.raises(ValueError, match=r"hidden=48: give a multiple of 32"):
        build_model(build_tokenizer(), hidden=48)
