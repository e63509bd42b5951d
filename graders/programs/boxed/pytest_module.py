"""Runs in the box of the tests: what tests use of pytest, in place of pytest.

The real one may be absent, takes long to start, and runs files, not sources.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from types import ModuleType, TracebackType
from typing import Any

from graders.programs.boxed.nearness import Approx
from graders.programs.boxed.outcomes import Skipped

__all__ = ["MARKS", "FixtureOf", "ParameterSet", "put_in_place", "skip_reason"]

# Any: whatever tests hand to pytest.
_Value = Any

MARKS = "_touchstone_marks"


class Failed(AssertionError):
    """`pytest.fail`, or an exception that did not come."""


class _ExceptionInfo:
    """What `raises` says of the exception that came."""

    value: _Value = None

    @property
    def type(self) -> _Value:
        return type(self.value)

    @property
    def typename(self) -> str:
        return type(self.value).__name__

    def match(self, pattern: str) -> bool:
        """Whether the text of the exception matches; a failure where it does not."""
        if re.search(pattern, str(self.value)) is None:
            raise Failed(f"{pattern!r} does not match the exception's text")
        return True

    def __str__(self) -> str:
        return repr(self.value)


class _Raises:
    """`with raises(...)`."""

    def __init__(self, expected: _Value, match: _Value) -> None:
        self._expected = expected
        self._match = match
        self._info = _ExceptionInfo()

    def __enter__(self) -> _ExceptionInfo:
        return self._info

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if kind is None:
            raise Failed(f"did not raise {self._expected!r}")
        if not issubclass(kind, self._expected):
            return False
        self._info.value = error
        if self._match is not None:
            self._info.match(self._match)
        return True


def _raises(expected: _Value, *args: _Value, match: _Value = None, **kwargs: _Value) -> _Value:
    block = _Raises(expected, match)
    if not args:
        return block
    with block as info:
        args[0](*args[1:], **kwargs)
    return info


class _Mark:
    """`mark.NAME`: a decorator, with or without arguments."""

    def __init__(self, name: str, args: tuple[_Value, ...], kwargs: dict[str, _Value]) -> None:
        self.name = name
        self.args = args
        self.kwargs = kwargs

    def __call__(self, *args: _Value, **kwargs: _Value) -> _Value:
        is_decorating = len(args) == 1 and not kwargs and callable(args[0])
        if not is_decorating:
            return _Mark(self.name, args, kwargs)
        target = args[0]
        marks = [*vars(target).get(MARKS, ()), self]
        setattr(target, MARKS, marks)
        return target


class _Marks:
    """`mark`: any name is one."""

    def __getattr__(self, name: str) -> _Mark:
        return _Mark(name, (), {})


class ParameterSet:
    """`param`: the values of one row."""

    def __init__(self, *values: _Value, id: str | None = None, marks: _Value = ()) -> None:
        self.values = values
        self.id = id
        self.marks = list(marks) if isinstance(marks, (list, tuple)) else [marks]


class FixtureOf:
    """What `fixture` notes of a function."""

    def __init__(self, function: Callable[..., _Value], options: dict[str, _Value]) -> None:
        self.function = function
        self.name = options.get("name") or function.__name__
        self.params: Sequence[_Value] = options.get("params") or ()
        self.is_automatic = bool(options.get("autouse"))

    def __call__(self, *_: _Value) -> _Value:
        raise TypeError(f"the fixture {self.name} is not to be called")


def _fixture(function: _Value = None, **options: _Value) -> _Value:
    if callable(function):
        return FixtureOf(function, options)
    return lambda decorated: FixtureOf(decorated, options)


def skip_reason(marks: Sequence[_Mark]) -> str | None:
    """Why a test with these marks is not run; None where it is."""
    for mark in marks:
        if mark.name in ("skip", "xfail") and not mark.args[:1]:
            return mark.name
        if mark.name in ("skip", "xfail") and isinstance(mark.args[0], str):
            return mark.name
        if mark.name in ("skipif", "xfail") and any(mark.args):
            return mark.name
    return None


def _skip(reason: str = "", **_: _Value) -> None:
    raise Skipped(reason)


def _fail(reason: str = "", **_: _Value) -> None:
    raise Failed(reason)


def _import_or_skip(name: str, *_: _Value, **__: _Value) -> ModuleType:
    try:
        __import__(name)
    except ImportError:
        raise Skipped(name) from None
    return sys.modules[name]


@contextmanager
def _warns(expected: _Value = Warning, **_: _Value) -> _Value:
    import warnings

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught
    if not any(issubclass(warning.category, expected) for warning in caught):
        raise Failed(f"did not warn {expected!r}")


def put_in_place() -> None:
    """Have `import pytest` find this."""
    module = ModuleType("pytest")
    module.__dict__.update(
        approx=Approx,
        fail=_fail,
        fixture=_fixture,
        importorskip=_import_or_skip,
        main=lambda *_, **__: 0,
        mark=_Marks(),
        param=ParameterSet,
        raises=_raises,
        skip=_skip,
        warns=_warns,
        xfail=_skip,
        yield_fixture=_fixture,
    )
    _skip.Exception = Skipped  # type: ignore[attr-defined]
    _fail.Exception = Failed  # type: ignore[attr-defined]
    sys.modules["pytest"] = module
