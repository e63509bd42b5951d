"""How long a usual request takes while hostile clients are at work, against when they are not.

A batch of 64 easy sums is graded over and over by a service of its own, first alone, then in the
middle of each attack. Compared are medians; between attacks the service is given back its peace.

    python -m bench.hostile [--requests 60]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import Final
from urllib.parse import urlsplit

import httpx

from bench.hostile_clients import ATTACKS, Target
from bench.processes import running_service

_ITEMS: Final = 64
_LIMIT: Final = 2.0


def main() -> int:
    """Print the figures; 1 if an attack more than doubles the usual time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--requests", type=int, default=60, help="requests in each attack")
    options = parser.parse_args()
    worst = 0.0
    with running_service() as service, httpx.Client(base_url=service.url, timeout=60) as client:
        address = urlsplit(service.url)
        target = Target(str(address.hostname), address.port or 80, "Bearer none")
        _median_ms(client, options.requests)
        for name, attack in ATTACKS.items():
            usual_ms = _median_ms(client, options.requests)
            with attack(target):
                during_ms = _median_ms(client, options.requests)
            worst = max(worst, during_ms / usual_ms)
            print(
                f"{name:30} usually {usual_ms:6.2f} ms, meanwhile {during_ms:6.2f} ms,"
                f" {during_ms / usual_ms:.2f} times"
            )
    print(f"worst {worst:.2f} times the usual time, at most {_LIMIT:g}")
    return int(worst > _LIMIT)


def _median_ms(client: httpx.Client, requests: int) -> float:
    items = [
        {"completion": f"\\boxed{{{n}}}", "reference": {"answer": str(n)}} for n in range(_ITEMS)
    ]
    body = json.dumps({"graders": [{"name": "math"}], "items": items})
    took_ms = []
    for _ in range(requests):
        started = time.perf_counter()
        verdicts = client.post("/v1/grade", content=body).raise_for_status().json()["verdicts"]
        took_ms.append((time.perf_counter() - started) * 1e3)
        if any(verdict["reward"] != 1.0 for verdict in verdicts):
            raise RuntimeError("a verdict is wrong: run the tests")
    return statistics.median(took_ms)


if __name__ == "__main__":
    raise SystemExit(main())
