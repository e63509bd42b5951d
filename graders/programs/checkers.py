"""Asks a task's own checker whether an output is right, in a box of its own."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from graders.programs.builds import NotCompiled, build
from graders.programs.execution import executed_fairly
from graders.programs.limits import MIB, limits_of
from graders.programs.results import TestsAtFault
from graders.programs.tasks import Checker, StdioCase, TaskLimits
from sandbox import Ending, Job, Limits

__all__ = ["Opinion", "ask_checker"]

_DEFAULTS: Final = Limits(
    cpu_s=10.0, wall_s=40.0, memory_bytes=1024 * MIB, disk_bytes=256 * MIB, output_bytes=MIB
)
_SHOWN: Final = 200
_RIGHT: Final = 0
_WRONG: Final = (1, 2)
_PARTLY: Final = 7
_ERROR: Final = re.compile(rb"(?:^|\n)([A-Za-z_.]{1,60})(?::[^\n]*)?\s*\Z")
_POINTS: Final = re.compile(r"(?:points|partially correct)?\s*\(?([01](?:\.[0-9]{1,17})?)\b")


class Opinion(NamedTuple):
    """A score in [0, 1], and what the checker said about it."""

    credit: float
    comment: str = ""


def ask_checker(checker: Checker, case: StdioCase, stdout: bytes) -> Opinion:
    """What the checker thinks of this output; one that fails or says neither is TestsAtFault."""
    limits = limits_of(_DEFAULTS, checker.limits or TaskLimits())
    if checker.language == "python":
        return _python(checker, case, stdout, limits=limits)
    return _testlib(checker, case, stdout, limits=limits)


def _python(checker: Checker, case: StdioCase, stdout: bytes, *, limits: Limits) -> Opinion:
    question = [case.stdin, stdout.decode(errors="replace"), case.stdout]
    job = Job(
        source=_host(),
        files={**_beside(checker), "checker.py": checker.source.encode()},
        stdin=json.dumps(question).encode(),
        limits=limits,
    )
    ending = executed_fairly(job).ending
    if (ending.kind, ending.status) != ("exited", 0):
        raise TestsAtFault(f"the checker {_how(ending)}")
    try:
        score = json.loads(ending.stdout)["score"]
    except (ValueError, KeyError, TypeError):
        raise TestsAtFault("the checker's answer cannot be read") from None
    return _opinion(score, "")


def _testlib(checker: Checker, case: StdioCase, stdout: bytes, *, limits: Limits) -> Opinion:
    try:
        program = build(checker.language, checker.source, files=_beside(checker))
    except NotCompiled as error:
        raise TestsAtFault(f"the checker does not compile: {str(error)[:_SHOWN]}") from None
    texts = {
        "input.txt": case.stdin.encode(),
        "output.txt": stdout,
        "answer.txt": (case.stdout or "").encode(),
    }
    # Files count as disk where a backend fixes its size beforehand.
    disk = limits.disk_bytes + sum(map(len, texts.values()))
    job = program.job(stdin=b"", limits=replace(limits, disk_bytes=disk))
    job = replace(job, argv=(*job.argv, *texts), files={**job.files, **texts})
    ending = executed_fairly(job).ending
    comment = ending.stderr.decode(errors="replace").strip()[:_SHOWN]
    if ending.kind != "exited":
        raise TestsAtFault(f"the checker {_how(ending)}")
    if ending.status == _RIGHT:
        return Opinion(1.0, comment)
    if ending.status in _WRONG:
        return Opinion(0.0, comment)
    points = _POINTS.match(comment) if ending.status == _PARTLY else None
    if points is None:
        raise TestsAtFault(f"the checker {_how(ending)}")
    return _opinion(float(points[1]), comment)


def _opinion(score: object, comment: str) -> Opinion:
    if not isinstance(score, float) or not 0 <= score <= 1:
        raise TestsAtFault(f"the checker gave {score!r}, which is no score in [0, 1]")
    return Opinion(score, comment)


def _how(ending: Ending) -> str:
    if ending.kind != "exited":
        return f"ended by {ending.kind}"
    # The kind of error and no more: its text may repeat what is hidden.
    error = _ERROR.search(ending.stderr)
    return f"ended with status {ending.status}" + (f" ({error[1].decode()})" if error else "")


def _beside(checker: Checker) -> dict[str, bytes]:
    return {name: text.encode() for name, text in checker.files.items()}


@cache
def _host() -> str:
    return Path(__file__).with_name("boxed").joinpath("checking.py").read_text(encoding="utf-8")
