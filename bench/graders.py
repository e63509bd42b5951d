"""How many items a core grades in a second, by grader: for how many workers to have.

Each grader gets batches of its own through a service: texts of about a thousand tokens that end in
an answer, each another one, or programs that run five cases. What is counted is the CPU time of all
processes of the service: HTTP, queue, worker, sandbox and Redis; a core that does nothing else
grades so many. Beside it the text that went through, in tokens of four characters.

    python -m bench.graders [--rounds 4]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import httpx

from bench.processes import RunningService, running_service

# Any: JSON.
Json = dict[str, Any]

_BATCH: Final = 512
_PROGRAMS: Final = 64
_CHARS_PER_TOKEN: Final = 4
_SENTENCES: Final = (
    "First we write down what is given and what we are asked to find in question {}. ",
    "There are {} apples in each of the boxes, so we multiply before we add anything. ",
    "Let us check that this agrees with what we found for the case of {} above. ",
    "We now have one equation with one unknown, which is solved in {} short steps. ",
)


class Row(NamedTuple):
    """One way of grading: its call, and how an item looks."""

    name: str
    grader: Json
    item: Callable[[int], Json]
    batch: int = _BATCH


def main() -> int:
    """Print a line for each grader."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=4, help="batches of each grader")
    rounds = parser.parse_args().rounds
    print(f"{'grader':<34}{'items/s a core':>16}{'us an item':>12}{'tokens/s a core':>18}")
    with (
        running_service({"CACHE_GRADES": "0"}) as service,
        httpx.Client(base_url=service.url, timeout=600, trust_env=False) as client,
    ):
        for row in _ROWS:
            _measure(row, service, client, rounds=rounds)
    return 0


def _measure(row: Row, service: RunningService, client: httpx.Client, *, rounds: int) -> None:
    _post(client, row, range(row.batch))
    bodies = [range(n * row.batch, (n + 1) * row.batch) for n in range(1, rounds + 1)]
    before = service.cpu_seconds()
    for numbers in bodies:
        _post(client, row, numbers)
    per_item_s = (service.cpu_seconds() - before) / (rounds * row.batch)
    tokens = len(row.item(row.batch)["completion"]) / _CHARS_PER_TOKEN
    speed = 1 / per_item_s
    print(f"{row.name:<34}{speed:>16,.0f}{per_item_s * 1e6:>12,.0f}{speed * tokens:>18,.0f}")


def _post(client: httpx.Client, row: Row, numbers: Sequence[int]) -> None:
    body = {"graders": [row.grader], "items": [row.item(number) for number in numbers]}
    response = client.post("/v1/grade", content=json.dumps(body))
    response.raise_for_status()
    for verdict in response.json()["verdicts"]:
        if verdict["outcome"] != "graded":
            raise RuntimeError(f"{row.name}: {verdict}")


def _prose(number: int) -> str:
    """About a thousand tokens, other ones for each number."""
    return "".join(_SENTENCES[n % 4].format(number + n) for n in range(50))


def _text(tail: str, reference: Mapping[str, object]) -> Callable[[int], Json]:
    def item(number: int) -> Json:
        said = {name: _filled(value, number) for name, value in reference.items()}
        return {"completion": _prose(number) + _filled(tail, number), "reference": said}

    return item


# Any: a text stays a text, anything else what it is.
def _filled(value: Any, number: int) -> Any:
    return value.replace("N", str(number)) if isinstance(value, str) else value


def _program(number: int) -> Json:
    cases = [{"stdin": f"{n} {number}\n", "stdout": f"{n + number}\n"} for n in range(5)]
    source = f"# {number}\na, b = map(int, input().split())\nprint(a + b)"
    return {"completion": f"```python\n{source}\n```", "reference": {"tests": {"hidden": cases}}}


_TAGGED: Final = "</think><answer>N</answer>"
_ROWS: Final = (
    Row("math, a number", {"name": "math"}, _text("\\boxed{N}", {"answer": "N"})),
    Row(
        "math, an expression",
        {"name": "math"},
        _text(r"\boxed{\frac{x^2+N}{2}}", {"answer": r"\frac{N}{2}+\frac{x^2}{2}"}),
    ),
    Row("choice", {"name": "choice"}, _text("The answer is (B).", {"answer": "B"})),
    Row("exact", {"name": "exact"}, _text("N", {"answer": "N"})),
    Row("format", {"name": "format"}, _text(_TAGGED, {})),
    Row("json", {"name": "json"}, _text('\n```json\n{"a": N}\n```', {"schema": True})),
    Row("repetition", {"name": "repetition"}, _text("", {})),
    Row("arithmetic_steps", {"name": "arithmetic_steps"}, _text("2 + 3 = 5", {})),
    Row("token_f1", {"name": "token_f1"}, _text("N", {"answer": "N"})),
    Row("language", {"name": "language", "options": {"target": "en"}}, _text("", {})),
    Row("code, five cases of Python", {"name": "code"}, _program, _PROGRAMS),
)


if __name__ == "__main__":
    raise SystemExit(main())
