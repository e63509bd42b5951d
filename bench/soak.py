"""Mixed work for minutes, and now and then a worker that is killed: what a service holds is flat.

python -m bench.soak [--minutes 10]
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

from bench.footprint import Footprint, footprint, worker_pids
from bench.processes import RunningService, running_service
from tests.service.chaos.load import all_right, batches
from trainer_client import Client

_CLIENTS: Final = 3
_EVERY_S: Final = 60.0
_LOOK_S: Final = 5.0
_FLAT: Final = 1.25
_SLACK: Final = Footprint(memory_mb=64, redis_mb=16, descriptors=64, processes=8)
_ITEMS: Final = 1_000


class Sizes(NamedTuple):
    """The largest that was seen in the middle of the run, and in its last part."""

    early: Footprint
    late: Footprint


def main() -> int:
    """Print how it stood; 1 if a reward was wrong or something grew."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long the load lasts")
    seconds = parser.parse_args().minutes * 60
    # Results are kept for less than the run lasts, so that it sees them go.
    settings = {"RESULTS_S": f"{max(5.0, seconds / 10):g}", "LEASE_S": "2", "DELIVERIES": "10"}
    graded: Counter[str] = Counter()
    over = threading.Event()
    with running_service(settings) as service, ThreadPoolExecutor(_CLIENTS) as threads:
        while not Client(service.url).ready():
            time.sleep(0.2)
        asked = [threads.submit(_ask, service, n, graded, over) for n in range(_CLIENTS)]
        seen = _watched(service, seconds, graded)
        over.set()
        for one in asked:
            one.result()
    sizes = Sizes(
        _largest(seen[len(seen) // 4 : len(seen) // 2]), _largest(seen[-len(seen) // 4 :])
    )
    grown = [
        f"{name}: {early:.0f} then {late:.0f}"
        for name, early, late, slack in zip(Footprint._fields, *sizes, _SLACK, strict=True)
        if late > early * _FLAT + slack
    ]
    print(f"{graded['items']} items, all rewards right; {graded['killed']} workers killed")
    print(f"second quarter: at most {sizes.early}")
    print(f"  last quarter: at most {sizes.late}")
    print("grown: " + "; ".join(grown) if grown else "flat")
    return int(bool(grown))


def _ask(service: RunningService, seed: int, graded: Counter[str], over: threading.Event) -> None:
    """Send the load again and again, other items each time, and check every reward."""
    with Client(service.url, timeout_s=300, max_attempts=200) as client:
        for turn in itertools.count():
            for batch in batches(seed + turn * _CLIENTS, _ITEMS):
                if over.is_set():
                    return
                all_right(batch, client.grade(batch.items, deadline_s=200))
                graded["items"] += len(batch.items)


def _watched(service: RunningService, seconds: float, graded: Counter[str]) -> list[Footprint]:
    """How it stood at every look, and a worker killed every minute."""
    chance = random.Random(7)  # noqa: S311 - no secret
    began = last = time.monotonic()
    seen = []
    while (now := time.monotonic()) - began < seconds:
        seen.append(footprint(service.pid))
        print(f"{now - began:6.0f} s, {graded['items']:>9} items: {seen[-1]}", flush=True)
        if now - last > min(_EVERY_S, seconds / 4):
            last = now
            os.kill(chance.choice(worker_pids(service.pid)), signal.SIGKILL)
            graded["killed"] += 1
        time.sleep(_LOOK_S)
    return seen


def _largest(seen: list[Footprint]) -> Footprint:
    return Footprint(*(max(values) for values in zip(*seen, strict=True)))


if __name__ == "__main__":
    sys.exit(main())
