"""Three times what a service can do, for a minute: what it takes it grades in time, or refuses.

The load is open: requests of a few programs each come at a fixed rate, whatever became of those
before. Every program waits, so that capacity is slots and not what else this machine does.

    python -m bench.overload [--seconds 60] [--times 3]
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import httpx

from bench.footprint import Footprint, footprint
from bench.processes import running_service

__all__ = ["USUAL", "Figures", "Load", "Outcome", "overload"]

_ITEMS: Final = 4
_THREADS: Final = 256
_CALIBRATION: Final = 160
_GROWTH: Final = 1.2
_NUMBERS: Final = itertools.count()


class Load(NamedTuple):
    """How long each program waits, and how long its request may take."""

    wait_s: float
    deadline_s: float


USUAL: Final = Load(wait_s=0.1, deadline_s=5.0)


class Outcome(NamedTuple):
    """What became of one request: its status, Retry-After, and how many items have no grade."""

    status: int
    retry_after: str | None
    ungraded: int


class Figures(NamedTuple):
    """What a service could do, what was asked of it, what it did, and how large it was."""

    capacity_per_s: float
    offered_per_s: float
    outcomes: Sequence[Outcome]
    sizes: Sequence[Footprint]

    def count(self, status: int) -> int:
        """How many requests were answered so."""
        return sum(outcome.status == status for outcome in self.outcomes)

    @property
    def missed(self) -> int:
        """Items that were taken and not graded within their deadline."""
        return sum(outcome.ungraded for outcome in self.outcomes)


def main() -> int:
    """Print the figures; 1 if something taken missed its deadline or memory grew."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the load lasts")
    parser.add_argument("--times", type=float, default=3.0, help="load as a multiple of capacity")
    options = parser.parse_args()
    with running_service({"CACHE_GRADES": "0"}) as service:
        figures = overload(service.url, service.pid, seconds=options.seconds, times=options.times)
    items = figures.count(200) * _ITEMS
    print(f"capacity {figures.capacity_per_s:.0f} items/s, offered {figures.offered_per_s:.0f}")
    print(f"graded {items / options.seconds:.0f} items/s; requests: {figures.count(200)} taken,")
    print(f"  {figures.count(429)} refused with 429, of {len(figures.outcomes)}")
    print(f"items taken that missed their deadline: {figures.missed} of {items}")
    for name, size in zip(("start", "third", "two thirds", "end"), figures.sizes, strict=True):
        print(f"{name:>10}: {size}")
    first, last = figures.sizes[1], figures.sizes[-1]
    return int(figures.missed > 0 or last.memory_mb > first.memory_mb * _GROWTH)


def overload(url: str, pid: int, *, seconds: float, times: float, load: Load = USUAL) -> Figures:
    """Offer so many times what the service can do, for so long."""
    limits = httpx.Limits(max_connections=_THREADS, max_keepalive_connections=_THREADS)
    with (
        httpx.Client(base_url=url, timeout=60, trust_env=False, limits=limits) as client,
        ThreadPoolExecutor(_THREADS) as threads,
    ):
        capacity = _capacity(client, load.wait_s)
        pause_s = _ITEMS / (capacity * times)
        sizes, asked = [footprint(pid)], []
        began = time.monotonic()
        for number in range(int(seconds / pause_s)):
            time.sleep(max(0.0, began + number * pause_s - time.monotonic()))
            asked.append(threads.submit(_ask, client, _ITEMS, load))
            if time.monotonic() - began > len(sizes) * seconds / 3:
                sizes.append(footprint(pid))
        offered = len(asked) * _ITEMS / (time.monotonic() - began)
        outcomes = [one.result() for one in asked]
        sizes += [footprint(pid)] * (4 - len(sizes))
    return Figures(capacity, offered, outcomes, sizes)


def _capacity(client: httpx.Client, wait_s: float) -> float:
    """Programs that the service grades in a second, once warm."""
    patient = Load(wait_s, deadline_s=60)
    _ask(client, 32, patient)
    began = time.monotonic()
    if _ask(client, _CALIBRATION, patient).ungraded:
        raise RuntimeError("the service does not grade programs here: try `make doctor`")
    return _CALIBRATION / (time.monotonic() - began)


def _ask(client: httpx.Client, items: int, load: Load) -> Outcome:
    body = {
        "graders": [{"name": "code"}],
        "items": [_program(load.wait_s) for _ in range(items)],
        "deadline_s": load.deadline_s,
    }
    answer = client.post("/v1/grade", json=body)
    retry_after = answer.headers.get("Retry-After")
    # Any: the service's JSON.
    verdicts: list[Any] = answer.json()["verdicts"] if answer.status_code == 200 else []
    ungraded = sum(verdict["reward"] != 1.0 for verdict in verdicts)
    return Outcome(answer.status_code, retry_after, ungraded)


def _program(wait_s: float) -> Mapping[str, object]:
    program = f"import time\ntime.sleep({wait_s})\nprint({next(_NUMBERS)})"
    stdout = program.rpartition("(")[2].rstrip(")")
    return {
        "completion": f"```python\n{program}\n```",
        "reference": {"tests": {"hidden": [{"stdin": "", "stdout": f"{stdout}\n"}]}},
    }


if __name__ == "__main__":
    sys.exit(main())
