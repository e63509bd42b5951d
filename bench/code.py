"""What grading programs over HTTP costs, every layer in force, beside a bare interpreter.

CPU time is that of the API, the queue, the workers and every box, per item, in units of
`python3 -c pass` of the interpreter that the boxes use, too.
The rows take turns, so that what else this machine does hits all of them alike.
No two programs are the same: equal ones would be run once.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, NamedTuple

import httpx

from bench.processes import RunningService, running_service

_BARE: Final = "python3 -c pass"
_TRIVIAL: Final = "trivial program"
_FIVE: Final = "5-case stdio problem"
_BATCH: Final = 64
_CLIENTS: Final = 8
_LIMITS: Final = {_TRIVIAL: 0.8, _FIVE: 2.0}
_LEAST_SPEED_UP: Final = 1.8
_HONEST_CPU_S: Final = 0.3
_FLOOD_BYTES: Final = 10_000_000
_FLOOD_CPU_S: Final = 1.0
_NUMBERS: Final = itertools.count()

Item = Mapping[str, object]


class Cost(NamedTuple):
    """What some requests took, per item."""

    cpu_ms: float
    items_per_s: float


def _item(program: str, cases: Sequence[tuple[str, str]], **limits: float) -> Item:
    hidden = [{"stdin": stdin, "stdout": stdout} for stdin, stdout in cases]
    tests = {"mode": "stdio", "hidden": hidden, "limits": limits}
    text = f"```python\n# {next(_NUMBERS)}\n{program}\n```"
    return {"completion": text, "reference": {"tests": tests}}


def _trivial() -> Item:
    return _item("print(1)", [("", "1\n")])


def _five_cases() -> Item:
    cases = [(f"{a} {a + 1}\n", f"{2 * a + 1}\n") for a in range(5)]
    return _item("a, b = map(int, input().split())\nprint(a + b)", cases)


class Client:
    """Posts items to one service; every one of them must be paid."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=300, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    # Any: the service's JSON.
    def verdicts(self, items: Sequence[Item]) -> list[dict[str, Any]]:
        """The verdicts on one batch."""
        body = json.dumps({"graders": [{"name": "code"}], "items": items})
        response = self._client.post("/v1/grade", content=body)
        response.raise_for_status()
        found: list[dict[str, Any]] = response.json()["verdicts"]
        return found

    def all_paid(self, items: Sequence[Item]) -> None:
        """Post the items; a RuntimeError if one is not worth 1."""
        for verdict in self.verdicts(items):
            if verdict["reward"] != 1.0:
                raise RuntimeError(f"an honest program was not paid: {verdict}")


class Row(NamedTuple):
    """One kind of item, how many requests are on their way at once, and how many items each has."""

    kind: str
    make: Callable[[], Item]
    clients: int
    batch: int
    requests: int

    @property
    def name(self) -> str:
        how = f"{self.batch} a request" if self.batch > 1 else f"{self.clients} client"
        return f"{self.kind}, {how}{'s' if self.clients > 1 else ''}"


_ROWS: Final = tuple(
    Row(kind, make, clients, batch, requests)
    for kind, make in ((_TRIVIAL, _trivial), (_FIVE, _five_cases))
    for clients, batch, requests in ((1, 1, 24), (_CLIENTS, 1, 64), (1, _BATCH, 1))
)


def main() -> int:
    """Print the figures; 1 if one of them misses its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=7, help="turns of each row")
    rounds = parser.parse_args().rounds
    with running_service({"CACHE_GRADES": "0"}) as service:
        client = Client(service.url)
        client.all_paid([_trivial() for _ in range(_BATCH)])  # so that every box is warm
        bare_ms, costs = _measure(service, client, rounds=rounds)
        misses = [*_told(bare_ms, costs), *_false_time_outs(client), *_flood(service, client)]
        client.close()
    for miss in misses:
        print(f"MISSED: {miss}")
    return int(bool(misses))


def _measure(
    service: RunningService, client: Client, *, rounds: int
) -> tuple[float, dict[Row, Cost]]:
    bare: list[float] = []
    found: dict[Row, list[Cost]] = {row: [] for row in _ROWS}
    for _ in range(rounds):
        bare.append(_bare_ms())
        for row in _ROWS:
            found[row].append(_cost(service, client, row=row))
    return statistics.median(bare), {row: _middle(costs) for row, costs in found.items()}


def _bare_ms() -> float:
    runs = 20
    python: str = getattr(sys, "_base_executable", "") or sys.executable
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(runs):
        subprocess.run([python, "-c", "pass"], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    user_s, system_s = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    return 1000 * (user_s + system_s) / runs


def _cost(service: RunningService, client: Client, *, row: Row) -> Cost:
    batches = [[row.make() for _ in range(row.batch)] for _ in range(row.requests)]
    before, started = service.cpu_seconds(), time.perf_counter()
    with ThreadPoolExecutor(row.clients) as pool:
        for done in [pool.submit(client.all_paid, batch) for batch in batches]:
            done.result()
    wall_s = time.perf_counter() - started
    items = row.batch * row.requests
    return Cost(1000 * (service.cpu_seconds() - before) / items, items / wall_s)


def _middle(costs: Sequence[Cost]) -> Cost:
    return Cost(*(statistics.median(figures) for figures in zip(*costs, strict=True)))


def _told(bare_ms: float, costs: Mapping[Row, Cost]) -> Iterator[str]:
    print(f"{'':38}{'CPU ms':>8}{'x bare':>8}{'items/s':>9}")
    print(f"{_BARE:38}{bare_ms:8.2f}{1:8.2f}")
    for row, cost in costs.items():
        print(f"{row.name:38}{cost.cpu_ms:8.2f}{cost.cpu_ms / bare_ms:8.2f}{cost.items_per_s:9.1f}")
        if cost.cpu_ms > _LIMITS[row.kind] * bare_ms:
            yield f"{row.name}: over {_LIMITS[row.kind]} x bare"
    for kind in _LIMITS:
        one, many = (
            next(c for r, c in costs.items() if (r.kind, r.clients, r.batch) == (kind, n, 1))
            for n in (1, _CLIENTS)
        )
        speed_up = many.items_per_s / one.items_per_s
        print(f"{kind}: throughput at {_CLIENTS} clients / at 1: {speed_up:.2f}")
        if speed_up < _LEAST_SPEED_UP:
            yield f"{kind}: throughput below {_LEAST_SPEED_UP} x"


def _false_time_outs(client: Client) -> Iterator[str]:
    program = (
        f"import time\nwhile time.process_time() < {_HONEST_CPU_S}:\n    sum(range(1000))\nprint(1)"
    )
    ask = partial(client.verdicts)
    with ThreadPoolExecutor(16) as pool:
        items = [[_item(program, [("", "1\n")], cpu_s=1)] for _ in range(32)]
        rewards = [verdicts[0]["reward"] for verdicts in pool.map(ask, items)]
    wrong = sum(reward != 1.0 for reward in rewards)
    print(f"honest {_HONEST_CPU_S} CPU-s, limit 1 s, 16 at once: {wrong} false time-outs of 32")
    if wrong:
        yield f"{wrong} honest programs were timed out"


def _flood(service: RunningService, client: Client) -> Iterator[str]:
    for what, expected in (("unexpected", "1\n"), ("expected", "1\n" * (_FLOOD_BYTES // 2))):
        item = _item(f"print('1\\n' * {_FLOOD_BYTES // 2})", [("", expected)])
        before = service.cpu_seconds()
        verdict = client.verdicts([item])[0]
        cpu_s = service.cpu_seconds() - before
        reason = verdict["grades"][0]["reason"]
        print(f"10 MB of {what} output: {reason}, {cpu_s:.2f} s of CPU")
        if cpu_s > _FLOOD_CPU_S or reason not in ("output", "passed"):
            yield f"10 MB of {what} output"


if __name__ == "__main__":
    sys.exit(main())
