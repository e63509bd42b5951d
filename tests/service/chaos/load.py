"""Ten thousand mixed items with known rewards, sent as trainers do while something breaks."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import httpx
import orjson

from trainer_client import Client, Verdict

__all__ = ["ITEMS", "Batch", "Load", "all_right", "batches", "under_way"]

ITEMS: Final = 10_000
_BATCH: Final = 1_000
_AT_ONCE: Final = 4
_PROGRAM_EVERY: Final = 20
# For a broken build: a load takes up to a minute on two cores that are well.
_DEADLINE_S: Final = 200.0
_PAUSE_S: Final = 0.2

Item = dict[str, Any]


class _Said(NamedTuple):
    """A completion and the reference it is graded against."""

    grader: str
    completion: str
    reference: dict[str, Any]
    options: dict[str, Any] = {}  # noqa: RUF012 - never written to


def _boxed(answer: str, gold: str) -> _Said:
    return _Said("math", f"So it is \\boxed{{{answer}}}.", {"answer": gold})


def _fraction(n: int, off: int) -> _Said:
    return _boxed(f"\\frac{{{2 * n + off}}}{{{2 * n + 2}}}", f"{n}/{n + 1}")


def _set(n: int, off: int) -> _Said:
    return _boxed(f"\\{{{n + 2 + off}, {n}, {n + 1}\\}}", f"\\{{{n}, {n + 1}, {n + 2}\\}}")


def _program(n: int, off: int) -> _Said:
    # Most wait a little, so that a load lasts without keeping a small machine busy.
    pause = f"import time\ntime.sleep(0.2)  # {n}\n" if n % 3 else ""
    ending = "raise SystemExit(1)" if off and n % 2 else f"print(int(input()) + {n + off})"
    hidden = [{"stdin": "2\n", "stdout": f"{n + 2}\n"}]
    return _Said("code", f"```python\n{pause}{ending}\n```", {"tests": {"hidden": hidden}})


_TEXTS: Final[Sequence[Callable[[int, int], _Said]]] = (
    lambda n, off: _boxed(str(n + off), str(n)),
    lambda n, off: _boxed(f"{n + off}.50", f"{2 * n + 1}/2"),
    _fraction,
    lambda n, off: _boxed(f"[{n}, {n + 1 + off})", f"{n} \\le x < {n + 1}"),
    lambda n, off: _boxed(f"({n}, {n + off})", f"({n}, {n})"),
    _set,
    lambda n, off: _boxed(f"{n}x + {n + off}", f"{n}(x + 1)"),
    lambda n, off: _boxed(f"{n + off}\\sqrt{{2}}", f"{n} * sqrt(2)"),
    lambda n, off: _boxed(f"\\begin{{pmatrix}}{n} & {1 + off}\\\\0 & 1\\end{{pmatrix}}",
                          f"[[{n}, 1], [0, 1]]"),
    lambda n, off: _Said("choice", f"The answer is {'ABCD'[(n + off) % 4]}.",
                         {"answer": "ABCD"[n % 4]}),
    lambda n, off: _Said("format", f"<think>{n}</think>" + "<answer>1</answer>" * (1 + off), {},
                         {"style": "think_answer"}),
    lambda n, off: _Said("exact", f"word {n + off}", {"answer": f"word {n}"}),
)  # fmt: skip


class Batch(NamedTuple):
    """The items of one request, and what each is worth."""

    items: list[Item]
    rewards: list[float]


def batches(seed: int, count: int = ITEMS) -> list[Batch]:
    """Requests of a thousand items each: texts of all kinds, some programs, half of them wrong."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    found: list[Batch] = []
    for start in range(0, count, _BATCH):
        right = [chance.random() < 0.5 for _ in range(_BATCH)]
        numbers = range(start, start + _BATCH)
        items = [_item(n, right=one) for n, one in zip(numbers, right, strict=True)]
        found.append(Batch(items, [float(one) for one in right]))
    return found


def _item(number: int, *, right: bool) -> Item:
    kind = _TEXTS[number % len(_TEXTS)] if number % _PROGRAM_EVERY else _program
    said = kind(number + 1, int(not right))
    return {
        "id": str(number),
        "graders": [{"name": said.grader, "options": said.options}],
        "completion": said.completion,
        "reference": said.reference,
    }


class Load:
    """The requests under way, and what came back."""

    def __init__(self, sent: Sequence[Batch], answers: Sequence[Future[list[Any]]]) -> None:
        self._sent = sent
        self._answers = answers

    @property
    def over(self) -> bool:
        """Whether every request has its answer."""
        return all(answer.done() for answer in self._answers)

    def goes_on(self, seconds: float) -> bool:
        """Whether the load still lasts after so long."""
        until = time.monotonic() + seconds
        while not self.over and time.monotonic() < until:
            time.sleep(0.02)
        return not self.over

    def check(self) -> None:
        """Every item was answered once, in its place, and is worth what it should be."""
        for batch, answer in zip(self._sent, self._answers, strict=True):
            all_right(batch, answer.result())


def all_right(batch: Batch, verdicts: Sequence[Verdict | Mapping[str, Any]]) -> None:
    """Whether these are the verdicts on the batch, each in its place."""
    told = [_told(verdict) for verdict in verdicts]
    wanted = zip((item["id"] for item in batch.items), batch.rewards, strict=True)
    wrong = [
        (mine, verdict)
        for mine, theirs, verdict in zip(wanted, told, verdicts, strict=True)
        if mine != theirs
    ]
    assert not wrong, f"{len(wrong)} of {len(told)} are not as they should be: {wrong[:3]}"


def _told(verdict: Verdict | Mapping[str, Any]) -> tuple[Any, Any]:
    if isinstance(verdict, Verdict):
        return verdict.id, verdict.reward
    return verdict["id"], verdict["reward"]


@contextmanager
def under_way(url: str, seed: int) -> Iterator[Load]:
    """The load, on its way to the service; every fifth request goes as a job."""
    sent = batches(seed)
    with (
        Client(url, timeout_s=_DEADLINE_S + 10, max_attempts=200) as client,
        httpx.Client(base_url=url, timeout=20, trust_env=False) as plain,
        ThreadPoolExecutor(_AT_ONCE) as threads,
    ):

        def ask(place: int) -> list[Any]:
            items = sent[place].items
            if place % 5 == 2:
                return _as_job(plain, items)
            return client.grade(items, deadline_s=_DEADLINE_S)

        load = Load(sent, [threads.submit(ask, place) for place in range(len(sent))])
        yield load


def _as_job(client: httpx.Client, items: list[Item]) -> list[Any]:
    """The verdicts on a job, of which each was told as one event."""
    body = orjson.dumps({"graders": [], "items": items, "deadline_s": _DEADLINE_S})
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    limit = time.monotonic() + _DEADLINE_S
    asked = _insist(client, "POST", "/v1/jobs", limit, content=body, headers=headers)
    path = f"/v1/jobs/{asked['id']}"
    while (state := _insist(client, "GET", path, limit))["status"] == "running":
        time.sleep(_PAUSE_S)
    while "event: done" not in (told := _events(client, f"{path}/events")):
        assert time.monotonic() < limit
        time.sleep(_PAUSE_S)
    places = [int(line.split('"index":')[1].split(",")[0]) for line in told if '"index"' in line]
    assert sorted(places) == list(range(len(items)))
    verdicts: list[Any] = state["verdicts"]
    return verdicts


def _events(client: httpx.Client, path: str) -> list[str]:
    try:
        return client.get(path).text.splitlines()
    except httpx.TransportError:
        return []


# Any: the service's JSON, and what httpx is told.
def _insist(client: httpx.Client, method: str, path: str, limit: float, **more: Any) -> Any:
    """The answer to a request, sent again while nobody is there or Redis is away."""
    while time.monotonic() < limit:
        try:
            answer = client.request(method, path, **more)
        except httpx.TransportError:
            time.sleep(_PAUSE_S)
            continue
        if answer.status_code not in (429, 503):
            assert answer.status_code in (200, 202), answer.text
            return answer.json()
        time.sleep(_PAUSE_S)
    raise AssertionError(f"no answer to {method} {path} in {_DEADLINE_S:g} s")
