"""Checkers: programs of a task that say whether an output is right, where many are."""

from __future__ import annotations

from typing import Any

import pytest

from tests.graders.programs import grade

CHECK = """
def check(stdin, stdout, expected):
    tokens = stdout.split()
    if len(tokens) != 2 or not all(t.isdecimal() and t.isascii() for t in tokens):
        return False
    a, b = map(int, tokens)
    return 1 < a <= b < int(stdin) and a * b == int(stdin)
"""
FACTORS: dict[str, Any] = {
    "hidden": [{"stdin": "15\n"}, {"stdin": "91\n"}],
    "checker": {"source": CHECK},
}
FACTOR = """
n = int(input())
a = next(d for d in range(2, n) if n % d == 0)
print(a, n // a)
"""


def test_a_checker_takes_any_right_output() -> None:
    assert grade(FACTOR, FACTORS).score == 1.0
    for wrong in ("print(1, input())", "print('3 5 7')", "print('__import__(\"os\")')", "pass"):
        found = grade(wrong, FACTORS)
        assert (found.score, found.reason) == (0.0, "wrong_answer")


SCORED: list[tuple[str, float | None, str]] = [
    ("return 1", 1.0, "passed"),
    ("return True", 1.0, "passed"),
    ("return 0.25", 0.25, "wrong_answer"),
    ("return 0", 0.0, "wrong_answer"),
    ("print('no verdict'); return True", 1.0, "passed"),
    ("return 1.5", None, "bad_tests"),
    ("return -0.1", None, "bad_tests"),
    ("return float('nan')", None, "bad_tests"),
    ("return None", None, "bad_tests"),
    ("return 'yes'", None, "bad_tests"),
    ("raise ValueError(stdin)", None, "bad_tests"),
    ("import os; os._exit(0)", None, "bad_tests"),
    ("while True: pass", None, "bad_tests"),
]


@pytest.mark.parametrize(("body", "score", "reason"), SCORED)
def test_what_a_checker_may_answer(body: str, score: float | None, reason: str) -> None:
    checker = {
        "source": f"def check(stdin, stdout, expected):\n    {body}",
        "limits": {"cpu_s": 0.5, "wall_s": 5},
    }
    tests = {"hidden": [{"stdin": "a secret"}], "checker": checker, "scoring": "fraction"}
    found = grade("print(1)", tests)
    assert (found.score, found.reason) == (score, reason)
    assert "a secret" not in found.model_dump_json()


TESTLIB = """
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
    long n, a, b, extra;
    if (argc != 4) return 3;
    FILE *in = fopen(argv[1], "r"), *out = fopen(argv[2], "r");
    if (!in || !out || fscanf(in, "%ld", &n) != 1) return 3;
    if (n == 99) { fprintf(stderr, "points 0.5\\n"); return 7; }
    if (fscanf(out, "%ld %ld", &a, &b) != 2 || fscanf(out, "%ld", &extra) == 1) return 2;
    return a > 1 && b > 1 && a * b == n ? 0 : 1;
}
"""


@pytest.mark.parametrize("language", ["c", "cpp"])
def test_a_checker_may_be_as_testlibs(language: str) -> None:
    checker = {"language": language, "source": TESTLIB}
    tests = FACTORS | {"checker": checker, "scoring": "fraction"}
    assert grade(FACTOR, tests).score == 1.0
    assert grade("print(1, input())", tests).score == 0.0
    assert grade("print('x')", tests).score == 0.0
    half = tests | {"hidden": [{"stdin": "99\n"}]}
    assert grade(FACTOR, half).score == 0.5
    broken = tests | {"hidden": [{"stdin": "x"}]}
    assert grade("print(1)", broken).outcome == "ungradable"
    uncompiled = tests | {"checker": {"language": language, "source": "int main( {"}}
    assert grade("print(1)", uncompiled).outcome == "ungradable"
