"""Runs in the box of the tests: what pytest-style tests take, and how often they run."""

from __future__ import annotations

import io
import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from graders.programs.boxed.collecting import Fault
from graders.programs.boxed.pytest_module import MARKS, FixtureOf, ParameterSet, skip_reason

__all__ = ["Variant", "run_with_fixtures", "variants"]

# Any: whatever fixtures make and parameters are.
_Value = Any

_GENERATOR = 0x20


class Variant:
    """One run of a test: the values of its parameters, by name."""

    def __init__(self, label: str, values: Mapping[str, _Value], marks: Sequence[_Value]) -> None:
        self.label = label
        self.values = values
        self.is_skipped = skip_reason(marks) is not None
        self.uses = [name for mark in marks if mark.name == "usefixtures" for name in mark.args]


def variants(
    function: Callable[..., _Value], owner: _Value, namespaces: Sequence[Mapping[str, _Value]]
) -> list[Variant]:
    """A test's runs, one for each combination of its parameters."""
    marks = [mark for one in (owner, function) for mark in getattr(one, MARKS, ())]
    rows = [_rows(*mark.args, **mark.kwargs) for mark in marks if mark.name == "parametrize"]
    known = fixtures_of(namespaces)
    for name in _needed(_wanted(function, is_method=owner is not None), known):
        params = known[name].params
        if params:
            rows.append([({f"{name}.param": value}, n, []) for n, value in enumerate(params)])
    # The decorator nearest to the function varies fastest.
    found = []
    for combination in itertools.product(*reversed(rows)):
        values = {name: value for row, _, __ in combination for name, value in row.items()}
        label = "-".join(str(number) for _, number, __ in combination)
        of_rows = [mark for _, __, more in combination for mark in more]
        found.append(Variant(f"[{label}]" if label else "", values, [*marks, *of_rows]))
    return found


def fixtures_of(namespaces: Sequence[Mapping[str, _Value]]) -> dict[str, FixtureOf]:
    """The fixtures by name; those of later namespaces go before those of earlier ones."""
    return {
        fixture.name: fixture
        for names in namespaces
        for fixture in names.values()
        if isinstance(fixture, FixtureOf)
    }


def _needed(wanted: list[str], known: Mapping[str, FixtureOf]) -> list[str]:
    found: dict[str, None] = {}
    ahead = [*wanted, *(name for name, fixture in known.items() if fixture.is_automatic)]
    while ahead:
        name = ahead.pop()
        if name in known and name not in found:
            found[name] = None
            ahead += _wanted(known[name].function, is_method=False)
    return list(found)


def _rows(
    names: _Value, values: _Value, **_: _Value
) -> list[tuple[dict[str, _Value], int, list[_Value]]]:
    split = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    rows = []
    for number, row in enumerate(values):
        is_set = isinstance(row, ParameterSet)
        parts = row.values if is_set else (row if len(split) > 1 else (row,))
        parts = list(parts)
        if len(parts) != len(split):
            raise ValueError(f"parametrize names {len(split)} values and gives {len(parts)}")
        named = dict(zip(split, parts, strict=True))
        rows.append((named, number, row.marks if is_set else []))
    return rows


class _Request:
    """`request`, as far as fixtures use it."""

    def __init__(self, taken: _Taken, param: _Value) -> None:
        self.param = param
        self.addfinalizer = taken.finalizers.append
        self.getfixturevalue = taken.value


class _Patch:
    """`monkeypatch`."""

    def __init__(self, taken: _Taken) -> None:
        self._undo = taken.finalizers.append

    def setattr(self, target: _Value, name: _Value, *values: _Value, raising: bool = True) -> None:
        if not values:
            path, _, plain = target.rpartition(".")
            __import__(path)
            target, name, values = sys.modules[path], plain, (name,)
        if hasattr(target, name):
            old = getattr(target, name)
            self._undo(lambda: setattr(target, name, old))
        elif raising:
            raise AttributeError(name)
        else:
            self._undo(lambda: delattr(target, name))
        setattr(target, name, values[0])

    def delattr(self, target: _Value, name: str, raising: bool = True) -> None:
        if hasattr(target, name):
            old = getattr(target, name)
            self._undo(lambda: setattr(target, name, old))
            delattr(target, name)
        elif raising:
            raise AttributeError(name)

    def setitem(self, target: _Value, name: _Value, value: _Value) -> None:
        old = dict(target)
        self._undo(lambda: (target.clear(), target.update(old)))
        target[name] = value

    def delitem(self, target: _Value, name: _Value, raising: bool = True) -> None:
        old = dict(target)
        self._undo(lambda: (target.clear(), target.update(old)))
        if raising or name in target:
            del target[name]


class _Captured(tuple[str, str]):
    """What `readouterr` gives: unpacked, or by name."""

    out = property(itemgetter(0))
    err = property(itemgetter(1))


class _Capture:
    """`capsys`: what is printed, by the program too."""

    def __init__(self, taken: _Taken) -> None:
        kept = sys.stdout, sys.stderr
        self._streams = io.StringIO(), io.StringIO()
        sys.stdout, sys.stderr = self._streams

        def restore() -> None:
            sys.stdout, sys.stderr = kept

        taken.finalizers.append(restore)

    def readouterr(self) -> _Captured:
        """What was printed since the last time."""
        texts = []
        for stream in self._streams:
            texts.append(stream.getvalue())
            stream.seek(0)
            stream.truncate()
        return _Captured(texts)


_BUILTIN: dict[str, Callable[[_Taken], _Value]] = {
    "capsys": _Capture,
    "monkeypatch": _Patch,
    "tmp_path": lambda _: Path(tempfile.mkdtemp()),
    "tmpdir": lambda _: tempfile.mkdtemp(),
}


class _Taken:
    """The fixtures of one run of a test."""

    def __init__(
        self,
        namespaces: Sequence[Mapping[str, _Value]],
        owner: _Value,
        values: Mapping[str, _Value],
    ) -> None:
        self.finalizers: list[Callable[[], object]] = []
        self._known = fixtures_of(namespaces)
        self._owner = owner
        self._values = dict(values)

    def automatic(self) -> list[str]:
        return [name for name, fixture in self._known.items() if fixture.is_automatic]

    def value(self, name: str) -> _Value:
        """The value of a fixture, made when first asked for."""
        if name not in self._values:
            self._values[name] = self._made(name)
        return self._values[name]

    def _made(self, name: str) -> _Value:
        fixture = self._known.get(name)
        if fixture is None:
            if name not in _BUILTIN:
                raise Fault(f"no fixture {name[:80]}")
            return _BUILTIN[name](self)
        is_method = self._owner is not None and fixture in vars(type(self._owner)).values()
        request = _Request(self, self._values.get(f"{name}.param"))
        args = [
            request if wanted == "request" else self.value(wanted)
            for wanted in _wanted(fixture.function, is_method=is_method)
        ]
        made = fixture.function(*([self._owner] if is_method else []), *args)
        return self._entered(made) if fixture.function.__code__.co_flags & _GENERATOR else made

    def _entered(self, generator: Iterator[_Value]) -> _Value:
        self.finalizers.append(lambda: next(generator, None))
        return next(generator)


def _wanted(function: Callable[..., _Value], *, is_method: bool) -> list[str]:
    code = function.__code__
    names = code.co_varnames[is_method : code.co_argcount - len(function.__defaults__ or ())]
    return [*names, *code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]]


def run_with_fixtures(
    function: Callable[..., _Value],
    owner: _Value,
    variant: Variant,
    *,
    namespaces: Sequence[Mapping[str, _Value]],
) -> None:
    """Run a test once, with all that it takes, and undo that afterwards."""
    taken = _Taken(namespaces, owner, variant.values)
    try:
        for name in (*taken.automatic(), *variant.uses):
            taken.value(name)
        named = {n: taken.value(n) for n in _wanted(function, is_method=owner is not None)}
        if owner is None:
            function(**named)
        else:
            function(owner, **named)
    finally:
        for undo in reversed(taken.finalizers):
            undo()
