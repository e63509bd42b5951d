"""Runs in the box of the tests: what came of each test, written to the file that is the verdict."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from graders.programs.boxed.collecting import Fault
from graders.programs.boxed.loading import said_by
from graders.programs.boxed.mirrors import STATE, state_of
from graders.programs.boxed.plaindata import class_name
from graders.programs.boxed.standing_in import Missing
from graders.programs.boxed.walls import Stuck, Trouble, Walls

__all__ = ["Over", "Skipped", "Verdict", "trouble_of"]

_FILE = "/work/verdict.json"
_MOST_TESTS = 10_000


class Over(Exception):
    """The program is gone: no test is left to run."""


class Skipped(Exception):
    """The test says that it is not to be run here."""


class Verdict:
    """The file, to which each test adds a line."""

    def __init__(self) -> None:
        self._file = os.open(_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._tests = 0

    # Any: JSON.
    def write(self, **line: Any) -> None:
        """Add a line; what was added stays, however this process ends."""
        os.write(self._file, json.dumps(line).encode() + b"\n")

    def test(self, index: int, name: str, trouble: Trouble | None, *, is_public: bool) -> None:
        """Add what came of a test."""
        self._tests += 1
        if self._tests > _MOST_TESTS:
            raise Over
        outcome = "passed" if trouble is None else trouble.outcome
        message = "" if trouble is None else trouble.message
        self.write(test=index, name=name, outcome=outcome, message=message, public=is_public)


def trouble_of(walls: Walls, action: Callable[[], object], *, shown: str) -> Trouble | None:
    """Run it; None where nothing is wrong, and Skipped where it was not to be run."""
    walls.begin()
    try:
        action()
        found = None
    except (Fault, Skipped):
        raise
    except SystemExit as error:
        # Of the tests' own: `sys.exit(main())` at their end.
        found = None if not error.code and not _is_of_program(error) else _trouble(error, shown)
    except BaseException as error:  # noqa: BLE001 - whatever a test ends with is its outcome
        found = _trouble(error, shown)
    return walls.trouble or found


def _trouble(error: BaseException, shown: str) -> Trouble:
    said = f"{class_name(type(error))}: {said_by(error)}".rstrip(": ")
    message = f"{shown}\n{said}".strip()
    if isinstance(error, Stuck):
        return Trouble("not_plain", message)
    if _is_of_program(error):
        return Trouble("crashed", message)
    if isinstance(error, (NameError, ImportError, Missing)) and not isinstance(
        error, UnboundLocalError
    ):
        return Trouble("no_entry", message)
    return Trouble("wrong_answer", message)


def _is_of_program(error: BaseException) -> bool:
    return STATE in error.__dict__ or state_of(error) is not None
