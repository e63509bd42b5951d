"""Runs in a box: holds the program, and does with its objects what the tests ask for.

It says first what the program defines, or why it cannot; then it answers until the tests are over.
"""

from __future__ import annotations

import builtins
import copy
import dataclasses
import operator
import os
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

from graders.programs.boxed.bases import base_of, base_value
from graders.programs.boxed.console import Prints, Warned
from graders.programs.boxed.loading import NoEntry, NotCompiled, entry_of, load, said_by
from graders.programs.boxed.methods import BASED, FORWARDED
from graders.programs.boxed.peer import Ended, Peer
from graders.programs.boxed.plaindata import class_name
from graders.programs.boxed.signatures import signature_of
from graders.programs.boxed.standard import shared_class, shared_value
from graders.programs.boxed.streams import take_streams

__all__ = ["main"]

# Any: objects of the program and of the tests.
_Value = Any

_RECURSION = 5_000
"""Each call that goes back and forth takes a few frames of ours."""
_METHODS = sorted({*FORWARDED, "__call__"})


def main() -> None:
    """Load the program, say what is in it, and serve."""
    streams = take_streams()
    sys.setrecursionlimit(_RECURSION)
    manners = _Obliging()
    peer = Peer(streams, manners, first_number=1)
    leave = os._exit
    try:
        manners.peer = peer
        peer.say(manners.loaded())
        peer.serve()
    except Ended as end:
        os.write(2, f"{end}\n".encode())
        leave(0)


class _Obliging:
    """Does whatever the tests ask for: they are trusted, and all of it happens in this box."""

    tells_causes = True

    def __init__(self) -> None:
        self.peer: Peer | None = None
        self._prints = Prints(sys.stdout.buffer)
        self._warned = Warned()
        self._module = ModuleType("solution")

    def loaded(self) -> _Value:
        """What came of loading the program."""
        sys.stdout = self._prints
        self._warned.listen()
        builtins.input = self._input
        try:
            self._module = load()
        except NotCompiled as error:
            return {"compile_error": str(error)}
        except BaseException as error:  # noqa: BLE001 - what the program raised is said of it
            return f"{class_name(type(error))}: {said_by(error)}"
        return {"names": [name for name in vars(self._module) if type(name) is str]}

    def perform(self, op: str, args: Sequence[_Value], kwargs: Mapping[str, _Value]) -> _Value:
        """Do one of the things that can be done with objects."""
        if op == "call":
            return args[0](*args[1:], **kwargs)
        if op == "pick":
            names = vars(self._module)
            return {name: names[name] for name in args if name in names}
        if op == "module":
            return self._of_module(*args)
        if op == "entry":
            return self._entry(args[0])
        return _OPERATIONS[op](*args, **kwargs)

    def _of_module(self, verb: str, *args: _Value) -> _Value:
        return _OPERATIONS[verb](self._module, *args)

    def _entry(self, name: str) -> _Value:
        try:
            return [entry_of(self._module, name)]
        except NoEntry as error:
            return str(error)

    def _input(self, prompt: object = "") -> _Value:
        return self._ask("input", str(prompt))

    def said(self) -> _Value:
        return [self._prints.take(), self._warned.take()]

    def heard(self, text: str, warned: list[list[str]]) -> None:
        """The tests print for themselves."""

    def describe(self, kind: type) -> Sequence[str]:
        """Every special method that the class has and `object` has not."""
        found = [n for n in _METHODS if getattr(kind, n, None) is not getattr(object, n, None)]
        return [BASED, *found] if base_of(kind) is not None else found

    def may_show(self, _: _Value) -> bool:
        return True

    def arrived(self, error: BaseException) -> BaseException:
        return error

    def before(self, op: str, args: Sequence[_Value]) -> None:
        """Anything may be asked; the tests' side decides."""

    def lost(self, why: str) -> None:
        """The end, which is at hand."""

    def operate(self, live: _Value, name: str, args: tuple[_Value, ...]) -> _Value:
        return self._ask("special", live, name, *args)

    def holds(self, live: _Value, item: _Value) -> bool:
        return bool(self._ask("special", live, "__contains__", item))

    def attribute(self, live: _Value, name: str) -> _Value:
        """An attribute of an object of the tests; of functions also what tells their arguments."""
        if name in ("__signature__", "__code__"):
            return signature_of(self._ask("signature", live), as_code=name == "__code__")
        return self._ask("get", live, name)

    def shared_name(self, value: _Value) -> str | None:
        return shared_class(value)

    def shared(self, name: str) -> _Value:
        return shared_value(name)

    def _ask(self, op: str, *args: _Value) -> _Value:
        assert self.peer is not None  # noqa: S101 - given before anything is served
        return self.peer.ask(op, args)


def _special(value: _Value, name: str, *args: _Value) -> _Value:
    # By length, where that is what makes it true.
    return bool(value) if name == "__bool__" else getattr(type(value), name)(value, *args)


_OPERATIONS: dict[str, Callable[..., _Value]] = {
    "base": base_value,
    "copy": copy.copy,
    "dataclass": lambda value, verb, **named: getattr(dataclasses, verb)(value, **named),
    "deepcopy": copy.deepcopy,
    "delete": delattr,
    "dir": lambda value: [name for name in dir(value) if type(name) is str],
    "format": format,
    "get": getattr,
    "getitem": operator.getitem,
    "holds": operator.contains,
    "iter": iter,
    "len": len,
    "repr": repr,
    "seed": random.seed,
    "set": setattr,
    "special": _special,
    "str": str,
}
