"""Rows for the curation tests, and the command run in this process or as one of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.live import ROOT
from tests.trainer_client.stub_service import Reply, grade_json, verdict_json
from trainer_client.curate.cli import main

Row = Mapping[str, Any]  # Any: rows are JSON of any shape

GRADERS = Reply()
"""The stub service's answer to the first question, what it offers: `math`, reading `answer`."""


class Ran(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


class Curate:
    """The command line, in this process."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capfd = capfd

    def __call__(self, *arguments: object) -> Ran:
        self._capfd.readouterr()
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as end:  # argparse
            status = int(end.code or 0)
        return Ran(status, *self._capfd.readouterr())


def started(*arguments: object) -> subprocess.Popen[str]:
    """The command line, as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "trainer_client.curate", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def write(path: Path, rows: Iterable[Row]) -> Path:
    """A file with a row a line."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of a file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def sums(count: int, samples: int = 4) -> list[Row]:
    """Prompts with four samples each; of prompt p, those right are p % 5."""
    return [
        {
            "prompt": f"What is {p} + {p}?",
            "completion": f"It is \\boxed{{{2 * p + (sample >= p % 5)}}}",
            "answer": str(2 * p),
            "kept": [p, sample],
        }
        for p in range(count)
        for sample in range(samples)
    ]


def verdicts(*rewards: float | None) -> Reply:
    """A scripted answer; None is a completion that the service failed."""
    failed = {"reward": None, "outcome": "failed"}
    grade = grade_json(score=None, outcome="failed", reason="worker_died", extracted=None)
    return Reply(
        body=json.dumps(
            {
                "verdicts": [
                    verdict_json(**failed, grades=[grade])
                    if reward is None
                    else verdict_json(reward=reward, grades=[grade_json(score=reward)])
                    for reward in rewards
                ]
            }
        ).encode()
    )


def notes(rows: Sequence[Row]) -> list[Any]:
    """What was added to the rows."""
    return [row["touchstone"] for row in rows]
