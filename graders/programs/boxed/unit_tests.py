"""Runs in the box of the tests: the methods of a TestCase, one by one."""

from __future__ import annotations

import sys
from typing import Any

from graders.programs.boxed.mirrors import state_of
from graders.programs.boxed.outcomes import Skipped

__all__ = ["is_test_case", "method_names", "prepare_unittest", "run_method"]

# Any: classes and instances of the tests, of a module that is imported only where they import it.
_Value = Any


def prepare_unittest() -> None:
    """Have `unittest.main` do nothing, and no assertion ask its arguments what they are."""
    import unittest

    compare_sets = unittest.TestCase.assertSetEqual

    def assert_set_equal(case: _Value, first: _Value, second: _Value, msg: _Value = None) -> None:
        if state_of(first) is not None or state_of(second) is not None:
            case.fail(msg or "an object of the program, and no set")
        compare_sets(case, first, second, msg)

    vars(unittest)["main"] = lambda *_, **__: None
    setattr(unittest.TestCase, compare_sets.__name__, assert_set_equal)


def is_test_case(kind: _Value) -> bool:
    """Whether it is a class of unittest's kind."""
    unittest = sys.modules.get("unittest")
    return unittest is not None and isinstance(kind, type) and issubclass(kind, unittest.TestCase)


def method_names(kind: type) -> list[str]:
    """The names of its tests, in the order in which unittest runs them."""
    return sorted(
        name for name in dir(kind) if name.startswith("test") and callable(getattr(kind, name))
    )


def run_method(kind: _Value, name: str) -> None:
    """Run one test with its set-up and tear-down; what it ends with is raised."""
    result = _Result()
    kind(name).run(result)
    if result.problems:
        raise result.problems[0]
    if result.has_surprise:
        raise AssertionError("a success where a failure was expected")
    if result.is_skipped:
        raise Skipped(name)


class _Result:
    """What unittest reports to; it keeps the exceptions themselves."""

    shouldStop = False  # noqa: N815 - unittest's name
    failfast = False

    def __init__(self) -> None:
        self.problems: list[BaseException] = []
        self.is_skipped = False
        self.has_surprise = False

    def addError(self, _: _Value, info: _Value) -> None:  # noqa: N802 - unittest's name
        self.problems.append(info[1])

    addFailure = addError  # noqa: N815 - unittest's name

    def addSubTest(self, _: _Value, __: _Value, info: _Value) -> None:  # noqa: N802 - unittest's name
        if info is not None:
            self.problems.append(info[1])

    def addSkip(self, _: _Value, __: str) -> None:  # noqa: N802 - unittest's name
        self.is_skipped = True

    def addUnexpectedSuccess(self, _: _Value) -> None:  # noqa: N802 - unittest's name
        self.has_surprise = True

    def addExpectedFailure(self, _: _Value, __: _Value) -> None:  # noqa: N802 - unittest's name
        """What was expected."""

    def startTest(self, _: _Value) -> None:  # noqa: N802 - unittest's name
        """Nothing is counted here."""

    stopTest = addSuccess = startTest  # noqa: N815 - unittest's name

    def addDuration(self, _: _Value, __: float) -> None:  # noqa: N802 - unittest's name
        """Nothing is timed here."""
