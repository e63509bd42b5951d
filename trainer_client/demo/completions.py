"""What a model writes, and what the service says of it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any, Final, NamedTuple, TypeAlias

import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from trainer_client.client import Client
from trainer_client.demo.sums import GRADERS, MAX_TOKENS, Problem
from trainer_client.train.errors import NotReady
from trainer_client.verdicts import Verdict

__all__ = ["Accuracy", "Policy", "complete", "grade", "measure"]

_BATCH: Final = 256
_SAMPLES: Final = 2

Rows: TypeAlias = list[dict[str, str]]


class Policy(NamedTuple):
    """A model and its tokenizer."""

    model: LlamaForCausalLM
    tokenizer: PreTrainedTokenizerFast


class Accuracy(NamedTuple):
    """The share that is right, greedy and sampled, and the mean reward of the samples."""

    greedy: float
    sampled: float
    reward: float


def complete(
    policy: Policy, problems: Sequence[Problem], *, each: int = 1, seed: int | None = None
) -> Rows:
    """Completions of each problem: samples by the seed, or without one the likeliest."""
    asked = [problem for problem in problems for _ in range(each)]
    with torch.random.fork_rng(devices=[]):
        if seed is not None:
            torch.manual_seed(seed)
        written = [
            text
            for start in range(0, len(asked), _BATCH)
            for text in _batch(policy, asked[start : start + _BATCH], sampled=seed is not None)
        ]
    return [
        {"prompt": problem.prompt, "answer": problem.answer, "completion": text}
        for problem, text in zip(asked, written, strict=True)
    ]


def _batch(policy: Policy, problems: Sequence[Problem], *, sampled: bool) -> list[str]:
    prompts = policy.tokenizer(
        [problem.prompt for problem in problems], return_tensors="pt", padding=True
    )
    # Any: settings of generation are of every type.
    draw: dict[str, Any] = {"temperature": 1.0, "top_k": 0, "top_p": 1.0} if sampled else {}
    with torch.inference_mode():
        tokens = policy.model.generate(  # type: ignore[misc]  # it is typed for a protocol
            **prompts, max_new_tokens=MAX_TOKENS, do_sample=sampled, **draw
        )
    written = tokens[:, prompts["input_ids"].shape[1] :]
    return list(policy.tokenizer.batch_decode(written, skip_special_tokens=True))


def grade(client: Client, rows: Rows) -> list[Verdict]:
    """A graded verdict for each row; one that the service could not give ends the demo."""
    items = [
        {"completion": row["completion"], "reference": {"answer": row["answer"]}} for row in rows
    ]
    verdicts = client.grade(items, GRADERS)
    ungraded = [verdict for verdict in verdicts if verdict.reward is None]
    if ungraded:
        why = next(grade for grade in ungraded[0].grades if grade.score is None)
        raise NotReady(
            f"the service gave no reward for {len(ungraded)} of {len(rows)} completions "
            f"({why.grader}: {why.reason}): see what it logged, then run the demo again"
        )
    return verdicts


def measure(policy: Policy, problems: Sequence[Problem], *, client: Client, seed: int) -> Accuracy:
    """How often the policy is right about the problems, as the service says."""
    greedy = grade(client, complete(policy, problems))
    sampled = grade(client, complete(policy, problems, each=_SAMPLES, seed=seed))
    return Accuracy(_right(greedy), _right(sampled), fmean(v.reward or 0.0 for v in sampled))


def _right(verdicts: Sequence[Verdict]) -> float:
    return fmean(verdict.grades[0].score == 1.0 for verdict in verdicts)
