"""Runs in the box of the tests: what may be asked of the program, and by whom it is decided.

The program's objects decide nothing about data of the tests: neither whether they are equal, nor
which is greater, nor how far they are apart.
What is refused, and the end of the program, fail the test for good: no `except` of a test makes
them undone.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from typing import Any

from graders.programs.boxed.console import hear
from graders.programs.boxed.methods import ARITHMETIC, COMPARISONS, NUMERIC
from graders.programs.boxed.mirrors import LiveClass, state_of
from graders.programs.boxed.plaindata import NotPlain, class_name, words
from graders.programs.boxed.showing import Showing
from graders.programs.boxed.standard import same_error, shared_name

__all__ = ["Stuck", "Trouble", "Walls"]

# Any: objects of the program and of the tests, and the Peer, which uses this.
_Value = Any

_EQUALITY = frozenset({"__eq__", "__ne__"})
# Methods of builtin types that say how a value is related to another, or make one out of it.
_JUDGING = words(
    "difference endswith intersection isdisjoint issubset issuperset startswith"
    " symmetric_difference union"
)
_SKIPPING = frozenset({"SkipTest", "Skipped"})
_TOO_BROAD = (BaseException, Exception, AssertionError)


class Stuck(BaseException):
    """A test that cannot pass any more."""


class Trouble:
    """Why a test cannot pass any more, whatever it does after this."""

    def __init__(self, outcome: str, message: str) -> None:
        self.outcome = outcome
        self.message = message


class Walls:
    """The tests' side of the conversation."""

    tells_causes = False

    def __init__(self, *, classes: frozenset[str], exits: frozenset[str]) -> None:
        self.peer: _Value = None
        self.showing = Showing()
        self.flags: set[str] = set()
        self.trouble: Trouble | None = None
        self.is_over = False
        """The program is gone."""
        self.questions = 0
        self.has_asked = False
        """The program was asked for more than what it defines."""
        self._classes = classes
        self._exits = exits
        self._stand_ins: dict[type, type] = {}

    def begin(self) -> None:
        """A test begins."""
        self.trouble = None
        self.questions = 0

    def stick(self, outcome: str, message: str) -> Stuck:
        """Fail the test for good; the first reason counts."""
        if self.trouble is None:
            self.trouble = Trouble(outcome, message)
        return Stuck(message)

    def lost(self, why: str) -> None:
        self.is_over = True
        self.stick("crashed", f"the program broke off: {why}")

    def arrived(self, error: BaseException) -> BaseException:
        """The program's exception, but for those that are no errors of a call."""
        if isinstance(error, NotPlain):
            return self.stick("not_plain", str(error))
        kind = type(error)
        if kind.__name__ in _SKIPPING and type(kind) is not LiveClass:
            # One of the tests' own, which a callback ended with; it skips nothing a second time.
            return self.stick("wrong_answer", "the program had a test skip itself")
        if isinstance(error, (Exception, Stuck)):
            return error
        if any(base.__name__ in self._exits for base in kind.__mro__):
            return error
        return self.stick("crashed", f"{class_name(kind)} in a call")

    def before(self, op: str, args: Sequence[_Value]) -> None:
        if op == "pick":
            return
        self.questions += 1
        self.has_asked = self.has_asked or op not in ("entry", "module")

    def attribute(self, live: _Value, name: str) -> _Value:
        """An attribute; not the methods by which a value would be judged by itself."""
        if name in _JUDGING and type(live) is not LiveClass:
            if self._is_plain_at_heart(live):
                return getattr(self.peer.ask("base", (live,)), name)
            if not self._is_asked_for(live):
                raise self._refused(live, f"the method {name}")
        return self.peer.ask("get", (live, name))

    def operate(self, live: _Value, name: str, args: tuple[_Value, ...]) -> _Value:
        """A special method; the rules are those of its kind."""
        is_judging = name in COMPARISONS or name in ARITHMETIC or name == "__contains__"
        if is_judging and self._is_plain_at_heart(live) and not all(map(state_of, args)):
            # What it is without its methods is told before anything of the tests is, and used here.
            return getattr(self.peer.ask("base", (live,)), name, _unimplemented)(*args)
        if name in COMPARISONS:
            return self._compare(live, name, args[0])
        if name in ARITHMETIC:
            return self._calculate(live, name, args)
        if name in NUMERIC and _is_tainted(live):
            raise self._refused(live, f"{name} after arithmetic with data of the tests")
        if name == "__contains__":
            return self._contains(live, args[0])
        if name == "__exit__":
            return self._leave(live, args)
        return self._ask(live, name, args)

    def holds(self, live: _Value, item: _Value) -> bool:
        self._flag()
        return bool(self.peer.ask("holds", (live, item)))

    def perform(self, op: str, args: Sequence[_Value], kwargs: Mapping[str, _Value]) -> _Value:
        """What the program asks for; an assertion that fails in a callback has failed."""
        try:
            return self.showing.perform(op, args, kwargs)
        except AssertionError as error:
            if "__touchstone__" in error.__dict__:
                raise
            self.stick("wrong_answer", f"an assertion in a callback: {str(error)[:200]}")
            # Without its text, which may say what was expected.
            raise AssertionError from None

    def said(self) -> _Value:
        return ["", []]

    def heard(self, text: str, warned: list[list[str]]) -> None:
        hear(text, warned)

    def describe(self, kind: type) -> Sequence[str]:
        return self.showing.describe(kind)

    def may_show(self, value: _Value) -> bool:
        return self.showing.may_show(value)

    def shared_name(self, value: _Value) -> str | None:
        return shared_name(value)

    def shared(self, name: str) -> _Value:
        """A builtin class or an exception; of the broadest, one that catches nothing of the tests.

        Or a program would pass for raising its own error by giving that name to AssertionError.
        """
        module, _, plain = name.rpartition(".")
        found = getattr(builtins, plain) if module == "builtins" else same_error(module, plain)
        if not isinstance(found, type):
            raise TypeError("no class")
        if found in _TOO_BROAD:
            if found not in self._stand_ins:
                self._stand_ins[found] = type(plain, (found,), {"__module__": "solution"})
            return self._stand_ins[found]
        return found

    def _ask(self, live: _Value, name: str, args: tuple[_Value, ...]) -> _Value:
        return self.peer.ask("special", (live, name, *args))

    def _compare(self, live: _Value, name: str, other: _Value) -> _Value:
        if state_of(other) is None:
            if name in _EQUALITY and not _is_tainted(live):
                # Nothing of the tests is equal to what lives over there.
                return NotImplemented
            raise self._refused(live, f"{name} with data of the tests")
        self._flag()
        return self._ask(live, name, (other,))

    def _calculate(self, live: _Value, name: str, args: tuple[_Value, ...]) -> _Value:
        is_among_live = all(state_of(arg) is not None for arg in args)
        if not is_among_live and not self._is_asked_for(live):
            raise self._refused(live, f"{name} with data of the tests")
        found = self._ask(live, name, args)
        if found is NotImplemented:
            return found
        if is_among_live and not any(map(_is_tainted, (live, *args))):
            return found
        state = state_of(found)
        if state is None:
            raise self._refused(live, f"a plain result of {name} with data of the tests")
        state.is_tainted = True
        return found

    def _contains(self, live: _Value, item: _Value) -> bool:
        if state_of(item) is not None or (self._is_asked_for(live) and not _is_tainted(live)):
            self._flag()
            return bool(self._ask(live, "__contains__", (item,)))
        # As Python does without __contains__: item by item, each compared here.
        try:
            items = iter(live)
        except TypeError:
            raise self._refused(live, "whether it contains data of the tests") from None
        return any(one is item or one == item for one in items)

    def _leave(self, live: _Value, args: tuple[_Value, ...]) -> _Value:
        kind, error, _ = args
        if kind is None or self._may_swallow(kind, error):
            # Without the traceback, which leads to the tests.
            return self._ask(live, "__exit__", (kind, error, None))
        # A failure of the tests is not the program's to swallow, nor to read.
        self._ask(live, "__exit__", (None, None, None))
        return False

    def _may_swallow(self, kind: type[BaseException], error: BaseException) -> bool:
        if not issubclass(kind, Exception):
            return False
        return not issubclass(kind, AssertionError) or "__touchstone__" in error.__dict__

    def _is_plain_at_heart(self, live: _Value) -> bool:
        return state_of(type(live)).is_based and not _is_tainted(live)

    def _is_asked_for(self, live: _Value) -> bool:
        """Whether the tests name the object's class, so that it is what they are about."""
        bases = type.__getattribute__(type(live), "__mro__")
        return any(class_name(base) in self._classes for base in bases if type(base) is LiveClass)

    def _refused(self, live: _Value, what: str) -> Stuck:
        name = class_name(type(live))
        return self.stick("not_plain", f"refused to ask a {name} of the program for {what}")

    def _flag(self) -> None:
        self.flags.add("compared_by_candidate")


def _unimplemented(*_: _Value) -> _Value:
    return NotImplemented


def _is_tainted(value: _Value) -> bool:
    """Whether it came out of arithmetic with data of the tests."""
    state = state_of(value)
    return state is not None and state.is_tainted
