"""verl's own SandboxFusion client against the service: 128 cases at once, 25 of each program.

Reported upstream are read time-outs at that many workers (verl#3478), which verl counts as wrong.
Here every honest program must pass all its cases, every wrong one fail in its own way, and no
request may run out of the client's clock.

    python -m bench.sandbox_clients [--workers 128] [--rounds 6] [--timeout 10]
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
from collections.abc import Sequence
from typing import Final

import httpx

from bench.processes import RunningService, running_service
from bench.sandbox_battery import PROBLEMS, Judged, judged_by_verl
from tests.wires.clients import verl

_NOT_SCORED: Final = -1


def main() -> int:
    """Print the figures; 1 if a verdict is false or a case was not scored."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--workers", type=int, default=128, help="requests at once")
    parser.add_argument("--rounds", type=int, default=6, help="times the whole battery")
    parser.add_argument("--timeout", type=int, default=10, help="seconds verl gives a case")
    options = parser.parse_args()
    # It tells of every case that fails, and most are to.
    logging.disable()
    problems = [one._replace(variant=n) for n in range(options.rounds) for one in PROBLEMS]
    with running_service({"CACHE_GRADES": "0"}) as service:
        _await_workers(service)
        before, started = service.cpu_seconds(), time.perf_counter()
        judged = judged_by_verl(
            verl.check_correctness,
            f"{service.url}/run_code",
            problems,
            workers=options.workers,
            timeout_s=options.timeout,
        )
        wall_s = time.perf_counter() - started
        cpu_s = service.cpu_seconds() - before
    return _report(judged, wall_s=wall_s, cpu_s=cpu_s, workers=options.workers)


def _await_workers(service: RunningService) -> None:
    with httpx.Client(base_url=service.url, trust_env=False) as client:
        while client.get("/readyz").status_code != 200:
            time.sleep(0.1)


def _report(judged: Sequence[Judged], *, wall_s: float, cpu_s: float, workers: int) -> int:
    cases = sum(len(one.expected) for one in judged)
    pairs = [pair for one in judged for pair in zip(one.said, one.expected, strict=True)]
    missing = sum(said == _NOT_SCORED and type(said) is int for said, _ in pairs)
    false = sum(said != expected for said, expected in pairs)
    seconds = [one.seconds for one in judged]
    print(
        f"{len(judged)} programs of {cases // len(judged)} cases, {workers} at once:"
        f" {wall_s:.1f} s, {cases / wall_s:.0f} cases a second,"
        f" {1000 * cpu_s / cases:.1f} ms of CPU a case"
    )
    print(
        f"a program: {statistics.median(seconds):.1f} s in the middle, {max(seconds):.1f} s at most"
    )
    print(f"not scored: {missing} of {cases}; false verdicts: {false} of {cases}")
    for one in judged:
        if one.said != one.expected:
            print(f"MISSED: {one.name}: {one.said}, not {one.expected}")
    return int(bool(missing or false))


if __name__ == "__main__":
    raise SystemExit(main())
