"""What HTTP and queue cost per item, as a ratio to what in-process Math-Verify costs.

Batches of 1,024 items of about 1 kB go through `POST /v1/grade` of a service of its own.
Counted is the CPU time of all its processes (API, Redis, workers and their children), less what
the math grader itself takes for the same items, measured in this process in the same run.

    python -m bench.queue [--data gsm8k_labelled.jsonl.gz] [--rounds 20]
"""

from __future__ import annotations

import sys
from pathlib import Path

if __package__ in (None, ""):
    # Run as a file, this folder comes first on the path, and this file is not the queue that the
    # standard library imports.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import argparse
import gzip
import json
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple

import httpx

from bench.processes import ROOT, RunningService, cpu_seconds, running_service
from graders.registry import GRADERS

_BATCH: Final = 1_024
_ITEM_BYTES: Final = 1_000
_LIMIT_US: Final = 50.0
_DATA: Final = ROOT.parent / "shared" / "data" / "gsm8k_labelled.jsonl.gz"


class Problem(NamedTuple):
    """One graded completion: what was asked, said and true."""

    prompt: str
    completion: str
    gold: str
    correct: bool


class Figures(NamedTuple):
    """Microseconds of CPU time per item, but for the wall time and the two counts."""

    service: float
    grading: float
    math_verify: float
    client: float
    wall: float
    agreed: int
    items: int

    @property
    def overhead(self) -> float:
        """What HTTP and queue take."""
        return self.service - self.grading


def main() -> int:
    """Print the figures; 1 if a verdict is wrong or the overhead is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=_DATA, help="labelled completions, .jsonl.gz")
    parser.add_argument("--rounds", type=int, default=20, help="batches to measure")
    options = parser.parse_args()
    problems = list(_labelled(options.data) if options.data.exists() else _made_up())
    batches = list(_batches(problems, options.rounds))
    with running_service() as service:
        figures = _measure(service, batches)
    print(_report(figures, source=str(options.data) if options.data.exists() else "made up"))
    return int(figures.agreed < figures.items or figures.overhead > _LIMIT_US)


def _labelled(path: Path) -> Iterator[Problem]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield Problem(row["prompt"], row["completion"], row["gold"], row["correct"])


def _made_up() -> Iterator[Problem]:
    """Sums with their working, half of them wrong, for a checkout without the labelled data."""
    chance = random.Random(7)  # noqa: S311 - no secret
    for _ in range(4 * _BATCH):
        left, right, wrong = chance.randrange(999), chance.randrange(999), chance.random() < 0.5
        total = left + right
        said = total + chance.randrange(1, 9) * wrong
        working = f"There are {left} and {right} more, so {left}+{right}=<<{left}+{right}={said}>>"
        yield Problem(f"{left} and {right}?", f"{working}{said}.\nA: {said}", str(total), not wrong)


def _batches(problems: Sequence[Problem], rounds: int) -> Iterator[list[Problem]]:
    for number in range(rounds):
        start = number * _BATCH % max(1, len(problems) - _BATCH)
        yield list(problems[start : start + _BATCH])


def _measure(service: RunningService, batches: Sequence[Sequence[Problem]]) -> Figures:
    bodies = [_body(batch) for batch in batches]
    items = sum(map(len, batches))
    with httpx.Client(base_url=service.url, timeout=300, trust_env=False) as client:
        # Until every worker is warm: what a start costs is not what an item costs.
        while client.get("/readyz").json()["lanes"]["light"]["workers"] < service.workers:
            time.sleep(0.1)
        for body in bodies[:3]:
            client.post("/v1/grade", content=body)
        before, started, client_before = (
            service.cpu_seconds(), time.perf_counter(), time.process_time(),
        )  # fmt: skip
        answers = [client.post("/v1/grade", content=body).content for body in bodies]
        client_s = time.process_time() - client_before
        wall_s = time.perf_counter() - started
        service_s = service.cpu_seconds() - before
    pairs = zip(batches, answers, strict=True)
    return Figures(
        service=service_s / items * 1e6,
        grading=_cost_us(batches, _our_grader()),
        math_verify=_cost_us(batches, _math_verify()),
        client=client_s / items * 1e6,
        wall=wall_s / items * 1e6,
        agreed=sum(_agreed(batch, answer) for batch, answer in pairs),
        items=items,
    )


def _body(batch: Sequence[Problem]) -> bytes:
    items = []
    for place, problem in enumerate(batch):
        item = {
            "id": str(place),
            "prompt": problem.prompt,
            "completion": problem.completion,
            "reference": {"answer": problem.gold},
        }
        missing = _ITEM_BYTES - len(json.dumps(item))
        items.append(item | {"prompt": problem.prompt + " " * max(0, missing)})
    return json.dumps({"graders": [{"name": "math"}], "items": items}).encode()


def _agreed(batch: Sequence[Problem], answer: bytes) -> int:
    verdicts = json.loads(answer)["verdicts"]
    return sum(
        verdict["id"] == str(place) and verdict["reward"] == float(problem.correct)
        for place, (problem, verdict) in enumerate(zip(batch, verdicts, strict=True))
    )


Judge = Callable[[Problem], object]


def _our_grader() -> Judge:
    grader = GRADERS["math"]
    grader.warm_up()
    options = grader.Options()

    def judge(problem: Problem) -> object:
        reference = grader.Reference.model_validate({"answer": problem.gold})
        return grader.grade(problem.completion, reference, options)

    return judge


def _math_verify() -> Judge:
    # Any: the package ships no types.
    from math_verify import parse, verify

    def judge(problem: Problem) -> Any:
        return verify(parse(f"\\boxed{{{problem.gold}}}"), parse(problem.completion))

    return judge


def _cost_us(batches: Sequence[Sequence[Problem]], judge: Judge) -> float:
    """CPU time per item, once warm, with that of child processes."""
    for problem in batches[0][:200]:
        judge(problem)
    before = cpu_seconds(os.getpid())
    for batch in batches:
        for problem in batch:
            judge(problem)
    return (cpu_seconds(os.getpid()) - before) / sum(map(len, batches)) * 1e6


def _report(figures: Figures, *, source: str) -> str:
    rows = [
        ("verdicts in order and agreeing with the labels", f"{figures.agreed} / {figures.items}"),
        ("CPU per item, all processes of the service", f"{figures.service:.1f} us"),
        ("  of that the math grader itself", f"{figures.grading:.1f} us"),
        (f"  of that HTTP and queue (limit {_LIMIT_US:g})", f"{figures.overhead:.1f} us"),
        ("CPU per item, in-process Math-Verify", f"{figures.math_verify:.1f} us"),
        ("HTTP and queue / Math-Verify", f"{figures.overhead / figures.math_verify:.3f}"),
        ("whole service / Math-Verify", f"{figures.service / figures.math_verify:.3f}"),
        ("CPU per item of this client", f"{figures.client:.1f} us"),
        ("wall time per item", f"{figures.wall:.1f} us"),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f"batches of {_BATCH} items of about {_ITEM_BYTES} bytes, {source}"]
    return "\n".join(lines + [f"{name:<{width}}  {value:>14}" for name, value in rows])


if __name__ == "__main__":
    sys.exit(main())
