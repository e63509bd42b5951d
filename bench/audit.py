"""What writing every verdict costs: a service with the audit beside one without, in one run.

Batches of 1,024 items of about 1 kB go to both in turns. Counted is the CPU time of all processes
of each, and the wall time of its batches.

    python -m bench.audit [--rounds 20]
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import httpx

from bench.processes import RunningService, running_service
from service.audit.folder import audit_files, size_of
from service.audit.reading import Query, read

_BATCH: Final = 1_024
_WORKING: Final = 800
_WARM: Final = 3
_LIMIT: Final = 1.6


class Figures(NamedTuple):
    """Microseconds per item, of CPU time and of wall time."""

    cpu: float
    wall: float


def main() -> int:
    """Print the figures; 1 if a verdict is not written or the audit costs over its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=20, help="batches to measure of each")
    bodies = [_body(number) for number in range(_WARM + parser.parse_args().rounds)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "audit"
        audited = {"AUDIT": "all", "AUDIT_DIR": str(folder)}
        with running_service({"AUDIT": "off"}) as off, running_service(audited) as everything:
            figures = _measure([off, everything], bodies)
        rows = sum(1 for _ in read(folder, Query(), print))
        size = sum(size_of(file.path) for file in audit_files(folder))
    items = len(bodies) * _BATCH
    ratio = figures[1].cpu / figures[0].cpu
    print(f"batches of {_BATCH} items of about 1 kB, grader math")
    print(f"rows written                       {rows} / {items}, {size / rows:.0f} bytes a row")
    for name, one in zip(("off", "all"), figures, strict=True):
        print(f"audit {name}: CPU per item, items/s     {one.cpu:.1f} us, {1e6 / one.wall:.0f}")
    print(f"all / off, CPU (limit {_LIMIT:g})          {ratio:.2f}")
    print(f"all / off, items/s                 {figures[0].wall / figures[1].wall:.2f}")
    return int(rows != items or ratio > _LIMIT)


def _body(number: int) -> bytes:
    """Sums with some working, eight completions to a prompt."""
    chance = random.Random(number)  # noqa: S311 - no secret
    items = []
    for place in range(_BATCH):
        left, right = (number + 1) * (place // 8), place
        working = "".join(chance.choices("abcdefgh ", k=_WORKING))
        item = {
            "id": str(place),
            "group": str(place // 8),
            "prompt": f"What is {left} + {right}? State the answer alone.",
            "completion": f"{working} so it is \\boxed{{{left + right}}}",
            "reference": {"answer": str(left + right)},
        }
        items.append(item)
    return json.dumps({"graders": [{"name": "math"}], "items": items}).encode()


def _measure(services: Sequence[RunningService], bodies: Sequence[bytes]) -> list[Figures]:
    wall_s = [0.0 for _ in services]
    before: list[float] = []
    with httpx.Client(timeout=300, trust_env=False) as client:
        for service in services:
            # Until every worker is warm: what a start costs is not what an item costs.
            ready = f"{service.url}/readyz"
            while client.get(ready).json()["lanes"]["light"]["workers"] < service.workers:
                time.sleep(0.1)
        for number, body in enumerate(bodies):
            if number == _WARM:
                before = [service.cpu_seconds() for service in services]
            for place, service in enumerate(services):
                started = time.perf_counter()
                client.post(f"{service.url}/v1/grade", content=body).raise_for_status()
                wall_s[place] += (time.perf_counter() - started) * (number >= _WARM)
    items = (len(bodies) - _WARM) * _BATCH
    cpu_s = [service.cpu_seconds() - b for service, b in zip(services, before, strict=True)]
    return [Figures(c / items * 1e6, w / items * 1e6) for c, w in zip(cpu_s, wall_s, strict=True)]


if __name__ == "__main__":
    sys.exit(main())
