"""Programs of one group over HTTP: the tests are sent once, and equal programs are run once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from tests.live import LiveService
from trainer_client import Client

GRADERS: Final = [{"name": "code"}]
# No two runs print the same, and every other one is paid.
DICE: Final = "import os\nprint(os.urandom(8).hex())"
BY_CHANCE: Final = {
    "hidden": [{"stdin": "", "stdout": ""}],
    "checker": {
        "source": "def check(stdin, stdout, expected):\n    return int(stdout, 16) % 2 == 0"
    },
}


def _completion(program: str, prose: str) -> str:
    return f"{prose}\n```python\n{program}\n```\n"


# Any: JSON, as a client sends and gets it.
def _grade(live: LiveService, completions: Sequence[str], tests: object) -> list[dict[str, Any]]:
    items = [
        {"id": f"i{n}", "completion": text, "reference": "tests"}
        for n, text in enumerate(completions)
    ]
    body = {"graders": GRADERS, "references": {"tests": {"tests": tests}}, "items": items}
    verdicts = live.grade(body)
    assert [verdict["id"] for verdict in verdicts] == [item["id"] for item in items]
    assert {verdict["outcome"] for verdict in verdicts} == {"graded"}, verdicts
    return verdicts


def _shared_so_far(live: LiveService) -> int:
    text = live.client.get("/metrics").text
    (count,) = re.findall(r"^touchstone_items_shared_total (\S+)$", text, re.MULTILINE)
    return int(float(count))


def test_equal_programs_share_one_throw_of_the_dice(live: LiveService) -> None:
    live.await_ready()
    before = _shared_so_far(live)
    alike = [_completion(DICE, f"Attempt {n}.") for n in range(32)]
    verdicts = _grade(live, alike, BY_CHANCE)
    assert len({verdict["reward"] for verdict in verdicts}) == 1
    assert [verdict["grades"] for verdict in verdicts] == [verdicts[0]["grades"]] * 32
    assert _shared_so_far(live) - before == 31


def test_programs_that_differ_each_throw_their_own(live: LiveService) -> None:
    live.await_ready()
    before = _shared_so_far(live)
    different = [_completion(f"# {n}\n{DICE}", "The same words.") for n in range(32)]
    rewards = [verdict["reward"] for verdict in _grade(live, different, BY_CHANCE)]
    # All alike by chance: once in two thousand million times.
    assert set(rewards) == {0.0, 1.0}
    assert _shared_so_far(live) == before


def test_a_group_of_sixty_four_with_a_megabyte_of_tests(live: LiveService) -> None:
    live.await_ready()
    tests = {
        "hidden": [
            {"stdin": f"{n} {'x' * 2**19}\n", "stdout": f"{n * n}\n"} for n in (3, 12)
        ]
    }  # fmt: skip
    program = "print(int(input().split()[0]) ** {})"
    items = [
        {"id": f"i{n}", "completion": _completion(program.format(n % 4), f"{n}"), "group": "g",
         "reference": {"tests": dict(tests)}}
        for n in range(64)
    ]  # fmt: skip
    with Client(live.url) as client:
        result = client.grade_with_groups(items, [{"name": "code"}])
    assert [verdict.id for verdict in result.verdicts] == [f"i{n}" for n in range(64)]
    assert [verdict.reward for verdict in result.verdicts] == [float(n % 4 == 2) for n in range(64)]
    assert result.groups["g"].pass_rate == 0.25
