"""The three stages of the demo, each from files to files, as a user's own would be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from trainer_client.client import Client
from trainer_client.curate.filtering import keep_right
from trainer_client.demo.completions import Policy, Rows, complete, grade
from trainer_client.demo.imitation import imitate
from trainer_client.demo.scale import Scale
from trainer_client.demo.sums import FULL_REWARD, GRADERS, MAX_TOKENS, Split, noisy_traces
from trainer_client.demo.tiny_model import build_model, build_tokenizer
from trainer_client.train.config import RunConfig
from trainer_client.train.console import Console
from trainer_client.train.errors import TrainError
from trainer_client.train.journal import append
from trainer_client.train.run import train

__all__ = ["Course", "NothingKept", "distil", "learn_from_rewards", "learn_traces"]

_TRACES: Final = 10_000


class NothingKept(TrainError):
    """Stage 2 taught too little for stage 3 to begin."""


@dataclass(frozen=True, slots=True)
class Course:
    """What all stages share."""

    output: Path
    url: str
    client: Client
    problems: Split
    scale: Scale
    seed: int
    console: Console


def learn_traces(course: Course) -> Policy:
    """Stage 1: a new model imitates noisy traces."""
    tokenizer = build_tokenizer()
    policy = Policy(build_model(tokenizer, hidden=128, layers=2, seed=course.seed), tokenizer)
    each = _TRACES // len(course.problems.trained)
    prompts = [problem.prompt for problem in course.problems.trained] * each
    traces = noisy_traces(course.problems.trained, each=each, seed=course.seed)
    rows = [
        {"prompt": prompt, "completion": trace}
        for prompt, trace in zip(prompts, traces, strict=True)
    ]
    append(course.output / "traces.jsonl", rows)
    _imitate(course, policy, rows, folder="sft", steps=course.scale.traces_steps)
    return policy


def learn_from_rewards(course: Course) -> Policy:
    """Stage 2: the model of stage 1 learns by GRPO from what the service says of its samples."""
    tasks = course.output / "problems.jsonl"
    append(
        tasks,
        ({"prompt": one.prompt, "answer": one.answer} for one in course.problems.trained),
    )
    config = RunConfig(
        model=str(course.output / "sft"),
        dataset=str(tasks),
        output=course.output / "grpo",
        url=course.url,
        graders=GRADERS,
        seed=course.seed,
        grpo={
            "max_steps": course.scale.reward_steps,
            "per_device_train_batch_size": 64,
            "num_generations": 8,
            "max_completion_length": MAX_TOKENS,
            # A hundred times that of a real model, and a third of what breaks this one.
            "learning_rate": 1e-4,
            "lr_scheduler_type": "constant_with_warmup",
            "warmup_steps": 10,
            # The same figures where there is a GPU.
            "use_cpu": True,
            "bf16": False,
            "gradient_checkpointing": False,
        },
    )
    train(config, console=course.console)
    folder = config.output / "model"
    return Policy(
        LlamaForCausalLM.from_pretrained(folder), PreTrainedTokenizerFast.from_pretrained(folder)
    )


def distil(course: Course, teacher: Policy) -> Policy:
    """Stage 3: a smaller new model imitates those of the teacher's samples that are right."""
    problems, each = course.problems.trained, course.scale.samples_each
    samples = complete(teacher, problems, each=each, seed=course.seed)
    kept = keep_right(samples, grade(course.client, samples), min_reward=FULL_REWARD)
    append(course.output / "samples.jsonl", samples)
    append(course.output / "kept.jsonl", kept.right)
    course.console.line(
        f"{len(samples):,} completions sampled, {len(kept.right):,} of them are right and kept"
    )
    if not kept.right:
        raise NothingKept(
            "no completion earned the full reward, so there is nothing to distil: "
            "train longer in stage 2"
        )
    student = Policy(
        build_model(teacher.tokenizer, hidden=64, layers=2, seed=course.seed), teacher.tokenizer
    )
    _imitate(course, student, kept.right, folder="distilled", steps=course.scale.distil_steps)
    return student


def _imitate(course: Course, policy: Policy, rows: Rows, *, folder: str, steps: int) -> None:
    imitate(
        policy,
        rows,
        folder=course.output / folder,
        steps=steps,
        seed=course.seed,
        console=course.console,
    )
