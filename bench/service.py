"""What HTTP and queue cost, how fast a service is, and how it grows, beside in-process Math-Verify.

Batches of 1,024 items of about 1 kB each go to a service of its own, by turns as plain requests,
with an `Idempotency-Key` and as jobs; Math-Verify and our grader take their turns in this process.
HTTP and queue are the CPU time of all processes of the service, less that of the grader itself;
their limit is for a machine on which Math-Verify takes 530 us, and grows with what it takes here.

    python -m bench.service [--data gsm8k_labelled.jsonl.gz] [--rounds 20]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx

from bench.problems import BATCH, ITEM_BYTES, Problem, agreed, batches, body, integrals, problems
from bench.processes import ROOT, RunningService, cpu_seconds, running_service
from graders.registry import GRADERS

_LIMIT_US: Final = 50.0
_PEER_US: Final = 530.0
_LEAST_TIMES: Final = 10.0
_LEAST_SCALING: Final = 1.7
_SINGLES: Final = 400
_INTEGRALS: Final = 192
_SCALING_ROUNDS: Final = 3
_DATA: Final = ROOT.parent / "shared" / "data" / "gsm8k_labelled.jsonl.gz"
_WAYS: Final = ("a request", "a request with a key", "a job")

Judge = Callable[[Problem], object]


class Cost(NamedTuple):
    """What batches took in all."""

    cpu_s: float
    wall_s: float


class Costs:
    """What each way of grading took, turn by turn."""

    def __init__(self) -> None:
        self._turns: defaultdict[str, list[Cost]] = defaultdict(list)

    def measured(self, way: str, pid: int, work: Callable[[], None]) -> None:
        """Do the work and note what the process tree took for it."""
        cpu_s, began = cpu_seconds(pid), time.perf_counter()
        work()
        took = Cost(cpu_seconds(pid) - cpu_s, time.perf_counter() - began)
        self._turns[way].append(took)

    def cpu_us(self, way: str) -> float:
        """CPU time per item."""
        turns = self._turns[way]
        return sum(turn.cpu_s for turn in turns) / len(turns) / BATCH * 1e6

    def wall_us(self, way: str) -> float:
        """Usual time per item."""
        return statistics.median(turn.wall_s for turn in self._turns[way]) / BATCH * 1e6


def main() -> int:
    """Print the figures; 1 if a verdict is wrong or a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=_DATA, help="labelled completions, .jsonl.gz")
    parser.add_argument("--rounds", type=int, default=20, help="batches to measure each way")
    options = parser.parse_args()
    found = problems(options.data)
    with running_service({"CACHE_GRADES": "0"}) as service:
        misses = [*_batches(service, list(batches(found, options.rounds))), *_singles(service)]
    misses += _scaling()
    for miss in misses:
        print(f"MISSED: {miss}")
    return int(bool(misses))


def _batches(service: RunningService, rounds: Sequence[Sequence[Problem]]) -> list[str]:
    costs, right = Costs(), 0
    judges = {"math": _our_grader(), "Math-Verify": _math_verify()}
    with _connected(service) as client:
        for batch in (rounds[0], rounds[-1]):
            for work in _work(client, batch, judges).values():
                work()
        for batch in rounds:
            answer = client.post("/v1/grade", content=body(batch)).content
            right += agreed(batch, answer)
            for way, work in _work(client, batch, judges).items():
                pid = service.pid if way in _WAYS else os.getpid()
                costs.measured(way, pid, work)
    return _told(costs, right=right, items=len(rounds) * BATCH)


def _work(
    client: httpx.Client, batch: Sequence[Problem], judges: Mapping[str, Judge]
) -> dict[str, Callable[[], None]]:
    """What is measured of one batch, in the order of the turns."""
    content = body(batch)
    plain, keyed, job = _WAYS
    ways: dict[str, Callable[[], None]] = {
        plain: partial(_post, client, content, {}),
        keyed: partial(_post, client, content, {"Idempotency-Key": uuid.uuid4().hex}),
        job: partial(_as_job, client, content),
    }
    return ways | {name: partial(_judge, judge, batch) for name, judge in judges.items()}


def _post(client: httpx.Client, content: bytes, headers: Mapping[str, str]) -> None:
    client.post("/v1/grade", content=content, headers=headers).raise_for_status()


def _as_job(client: httpx.Client, content: bytes) -> None:
    asked = client.post("/v1/jobs", content=content).raise_for_status().json()
    told = client.get(f"/v1/jobs/{asked['id']}/events").text
    if told.count("event: verdict") != BATCH:
        raise RuntimeError("a job did not tell every verdict once")


def _judge(judge: Judge, batch: Sequence[Problem]) -> None:
    for problem in batch:
        judge(problem)


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


def _told(costs: Costs, *, right: int, items: int) -> list[str]:
    plain, keyed, job = _WAYS
    grading, peer = costs.cpu_us("math"), costs.cpu_us("Math-Verify")
    overhead = {way: costs.cpu_us(way) - grading for way in _WAYS}
    times = costs.wall_us("Math-Verify") / costs.wall_us(plain)
    print(f"batches of {BATCH} items of about {ITEM_BYTES} bytes; per item, CPU of all processes")
    print(f"verdicts in order and agreeing with the labels: {right} of {items}")
    print(f"the math grader itself {grading:.1f} us, Math-Verify in one process {peer:.1f} us")
    limit_us = _LIMIT_US * peer / _PEER_US
    print(f"HTTP and queue, {plain}: {overhead[plain]:.1f} us (limit here {limit_us:.1f})")
    print(f"HTTP and queue, {keyed}: {overhead[keyed]:.1f} us")
    print(f"HTTP and queue, {job} and its events: {overhead[job]:.1f} us")
    print(f"items a second: {1e6 / costs.wall_us(plain):,.0f}, {times:.1f} times Math-Verify's")
    misses = [] if right == items else [f"{items - right} verdicts are wrong"]
    misses += [] if overhead[plain] <= limit_us else [f"{overhead[plain]:.1f} us per item"]
    return misses + ([] if times >= _LEAST_TIMES else [f"{times:.1f} times Math-Verify"])


def _singles(service: RunningService) -> list[str]:
    """How long requests of one item take, one after the other."""
    took = []
    with _connected(service) as client:
        for problem in problems(_DATA)[:_SINGLES]:
            content, began = body([problem]), time.perf_counter()
            client.post("/v1/grade", content=content).raise_for_status()
            took.append(1e3 * (time.perf_counter() - began))
    ranked = sorted(took)
    half, most = ranked[len(ranked) // 2], ranked[len(ranked) * 99 // 100]
    print(f"a request of one item: half within {half:.1f} ms, 99 % within {most:.1f} ms")
    return []


def _scaling() -> list[str]:
    """Two workers against one, turn by turn, over what takes a worker long."""
    turns: list[dict[int, float]] = []
    with ExitStack() as stack:
        services = {
            workers: stack.enter_context(running_service({"CACHE_GRADES": "0"}, workers=workers))
            for workers in (1, 2)
        }
        clients = {n: stack.enter_context(_connected(one)) for n, one in services.items()}
        for _ in range(1 + _SCALING_ROUNDS):
            turns.append({})
            for workers, client in clients.items():
                began = time.perf_counter()
                client.post("/v1/grade", content=body(integrals(_INTEGRALS))).raise_for_status()
                turns[-1][workers] = _INTEGRALS / (time.perf_counter() - began)
    # Side by side in time, for the machine is not as fast all the time; the first warms up.
    times = statistics.median(turn[2] / turn[1] for turn in turns[1:])
    one, two = (statistics.median(turn[n] for turn in turns[1:]) for n in (1, 2))
    print(f"integrals a second: {one:.0f} by one worker, {two:.0f} by two: {times:.2f} times")
    return [] if times >= _LEAST_SCALING else [f"{times:.2f} times by a second worker"]


@contextmanager
def _connected(service: RunningService) -> Iterator[httpx.Client]:
    """A client of the service, once every worker is there: a start is not what an item costs."""
    with httpx.Client(base_url=service.url, timeout=300, trust_env=False) as client:
        while client.get("/readyz").json()["lanes"]["light"]["workers"] < service.workers:
            time.sleep(0.1)
        yield client


if __name__ == "__main__":
    sys.exit(main())
