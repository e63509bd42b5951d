"""Problems of 25 cases, with programs that solve them and programs that do not."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore
from typing import Any, Final, NamedTuple, Protocol

__all__ = ["PROBLEMS", "Judged", "Problem", "judged_by_verl"]

_CASES: Final = 25


class Problem(NamedTuple):
    """Cases, a program that passes all, and wrong ones with what verl makes of each case."""

    name: str
    in_outs: Mapping[str, list[str]]
    solution: str
    wrong: Mapping[str, list[bool | int]]
    variant: int = 0
    """Programs of another one have another text: equal ones would be run once."""


class Judged(NamedTuple):
    """What verl's client said of a program's cases, what it had to say, and how long it took."""

    name: str
    said: list[bool | int]
    expected: list[bool | int]
    seconds: float


class CheckCorrectness(Protocol):
    """verl's `check_correctness`: a request for each case, in threads of its own."""

    # Any: it takes what a data set has.
    def __call__(
        self,
        url: str,
        generation: str,
        *,
        in_outs: Mapping[str, Any],
        timeout_s: int,
        semaphore: Semaphore,
    ) -> list[bool | int]: ...


class _Program(NamedTuple):
    """A program, its cases, and what verl is to make of each."""

    name: str
    source: str
    in_outs: Mapping[str, list[str]]
    expected: list[bool | int]


def judged_by_verl(
    check: CheckCorrectness,
    url: str,
    problems: Sequence[Problem],
    *,
    workers: int,
    timeout_s: int,
) -> list[Judged]:
    """Every program through verl's client, with so many requests on their way at once."""
    semaphore = Semaphore(workers)

    def judge(program: _Program) -> Judged:
        started = time.perf_counter()
        said = check(
            url,
            program.source,
            in_outs=program.in_outs,
            timeout_s=timeout_s,
            semaphore=semaphore,
        )
        return Judged(program.name, said, program.expected, time.perf_counter() - started)

    first, *others = _programs(problems)
    # Alone: it is by this one that the client is loaded.
    judged = [judge(first)]
    with ThreadPoolExecutor(max(2, workers // 4)) as pool:
        return [*judged, *pool.map(judge, others)]


def _programs(problems: Sequence[Problem]) -> Iterator[_Program]:
    for problem in problems:
        head = f"# {problem.variant}\n"
        passes: list[bool | int] = [True] * len(problem.in_outs["inputs"])
        yield _Program(problem.name, head + problem.solution, problem.in_outs, passes)
        for name, expected in problem.wrong.items():
            source = head + _WRONG[problem.name][name]
            yield _Program(f"{problem.name}, {name}", source, problem.in_outs, expected)


def _in_outs(solve: Callable[[str], str], make: Callable[[random.Random], str]) -> dict[str, Any]:
    chance = random.Random(7)  # noqa: S311 - no secret
    inputs = [make(chance) for _ in range(_CASES)]
    if make is _bound:
        inputs[_LATE] = "30077\n"
    return {"inputs": inputs, "outputs": [solve(text) for text in inputs]}


def _sum(text: str) -> str:
    return f"{sum(map(int, text.split()))}\n"


def _sorted(text: str) -> str:
    return " ".join(sorted(text.split(), key=int)) + "\n"


def _primes(text: str) -> str:
    most = int(text)
    sieve = bytearray([1]) * (most + 1)
    for n in range(2, int(most**0.5) + 1):
        if sieve[n]:
            sieve[n * n :: n] = bytes(len(range(n * n, most + 1, n)))
    return f"{sum(sieve[2:])}\n"


def _numbers(chance: random.Random) -> str:
    return " ".join(str(chance.randrange(2, 10**9)) for _ in range(chance.randrange(2, 50))) + "\n"


def _bound(chance: random.Random) -> str:
    return f"{chance.randrange(300, 400)}00\n"


_SOLUTIONS: Final = {
    "sum": "print(sum(map(int, input().split())))",
    "sort": "print(*sorted(map(int, input().split())))",
    "primes": """\
n = int(input())
sieve = [True] * (n + 1)
for p in range(2, n + 1):
    if sieve[p]:
        for q in range(2 * p, n + 1, p):
            sieve[q] = False
print(sum(sieve[2:]))
""",
}
_SLOW_PRIMES: Final = (
    _SOLUTIONS["primes"]
    + """\
if n % 100 == 77:
    {late}
"""
)
_WRONG: Final = {
    "sum": {
        "one off": "print(sum(map(int, input().split())) + 1)",
        "crash": "print(sum(map(int, input().split()))); raise SystemExit(1)",
        "no Python": "print(sum(map(int, input().split()))",
    },
    "sort": {
        "as words": "print(*sorted(input().split(), reverse=True))",
        "flood": "while True: print('1' * 10_000)",
    },
    "primes": {
        "of one": "print(input())",
        "loops once": _SLOW_PRIMES.format(late="while True: pass"),
        "sleeps once": _SLOW_PRIMES.format(late="import time; time.sleep(3600)"),
    },
}
_LATE: Final = 7
"""The case in which some of the wrong programs take for ever."""
_ALL: Final[Mapping[str, bool | int]] = {
    "one off": False,
    "crash": -2,
    "no Python": -2,
    "as words": False,
    "flood": -2,
    "of one": False,
}


def _problem(name: str, in_outs: dict[str, Any]) -> Problem:
    return Problem(
        name, in_outs, _SOLUTIONS[name], {kind: _expected(kind) for kind in _WRONG[name]}
    )


def _expected(kind: str) -> list[bool | int]:
    if kind in _ALL:
        return [_ALL[kind]] * _CASES
    return [-3 if number == _LATE else True for number in range(_CASES)]


PROBLEMS: Final = (
    _problem("sum", _in_outs(_sum, _numbers)),
    _problem("sort", _in_outs(_sorted, _numbers)),
    _problem("primes", _in_outs(_primes, _bound)),
)
