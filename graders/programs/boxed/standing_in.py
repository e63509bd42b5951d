"""Runs in the box of the tests: modules that stand for the program, whatever they are called."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from graders.programs.boxed.mirrors import state_of
from graders.programs.boxed.peer import Peer
from graders.programs.boxed.plaindata import words

__all__ = ["Missing", "answer_for_dataclasses", "answer_for_random", "answer_imports"]

# Any: whatever the program defines.
_Value = Any

_PLACEHOLDERS = words(
    "answer candidate implementation main module my_module my_solution program solution solutions"
    " student student_solution submission task your_module your_program your_solution"
)


class Missing(AttributeError):
    """The program does not define what the tests want of it."""


class ProgramModule(ModuleType):
    """The program as a module; each name is looked up over there whenever it is asked for."""

    def __init__(self, name: str, peer: Peer, names: Sequence[str]) -> None:
        super().__init__(name)
        # Of `import *`, what the tests lack: or who defines `isclose` decides what is close.
        self.__dict__.update(__path__=[], __all__=list(names), _touchstone_peer=peer)

    def __getattr__(self, name: str) -> _Value:
        if name[:2] == "__":
            raise AttributeError(name)
        try:
            return self.__dict__["_touchstone_peer"].ask("module", ("get", name))
        except AttributeError:
            raise Missing(f"the program does not define {name}") from None

    def __setattr__(self, name: str, value: _Value) -> None:
        if name[:2] == "__" or isinstance(value, ProgramModule):
            super().__setattr__(name, value)
        else:
            self.__dict__["_touchstone_peer"].ask("module", ("set", name, value))

    def __delattr__(self, name: str) -> None:
        self.__dict__["_touchstone_peer"].ask("module", ("delete", name))


class _Finder:
    """Finds the program where no other module is found."""

    def __init__(self, make: Callable[[str], ModuleType], imported: Collection[str]) -> None:
        self._make = make
        self._imported = imported

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name not in self._imported:
            return None
        return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._make(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing: it has been run over there."""


def answer_imports(peer: Peer, *, lacking: Sequence[str], imported: Collection[str]) -> None:
    """Have imports of the program, and those of `imported` that find nothing, find the program.

    `lacking` are the names that `import *` gives: what the tests lack.
    """

    def make(name: str) -> ModuleType:
        return ProgramModule(name, peer, lacking)

    for name in _PLACEHOLDERS:
        sys.modules[name] = make(name)
    sys.meta_path.append(_Finder(make, imported))


def answer_for_random(peer: Peer) -> None:
    """Have `random.seed` seed the program's numbers as well."""
    import random

    seed = random.seed

    def seed_both(*args: _Value, **named: _Value) -> None:
        seed(*args, **named)
        peer.ask("seed", args, named)

    vars(random)["seed"] = seed_both


def answer_for_dataclasses() -> None:
    """Have the functions of `dataclasses` work on objects of the program."""
    import dataclasses

    for verb in ("asdict", "astuple", "replace", "is_dataclass"):
        vars(dataclasses)[verb] = _asking(verb, getattr(dataclasses, verb))


def _asking(verb: str, function: Callable[..., _Value]) -> Callable[..., _Value]:
    def ask(value: _Value, /, **named: _Value) -> _Value:
        state = state_of(value)
        if state is None:
            return function(value, **named)
        return state.peer.ask("dataclass", (value, verb), named)

    return ask
