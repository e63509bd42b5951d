"""Runs in a box: loads the program that is judged there, and finds in it what the tests call."""

from __future__ import annotations

import builtins
import sys
from types import ModuleType
from typing import Any

__all__ = ["NoEntry", "NotCompiled", "entry_of", "load", "said_by"]

SOLUTION = "solution"
PROGRAM = "/work/solution.py"
_MOST_SAID = 300


class NotCompiled(Exception):
    """The program is no Python."""


class NoEntry(Exception):
    """The program does not define what is called."""


def load(setup: str = "", entry: str = "") -> ModuleType:
    """Run the program as the module `solution`; what it raises is left to the caller.

    The set-up is run before it in the same names, but for what is called: that is the program's.
    """
    with open(PROGRAM, "rb") as file:  # noqa: PTH123 - pathlib takes longer to start
        source = file.read()
    try:
        code = compile(source, PROGRAM, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise NotCompiled(f"{type(error).__name__}: {said_by(error)}") from None
    module = ModuleType(SOLUTION)
    module.__file__ = PROGRAM
    sys.modules[SOLUTION] = module
    if setup:
        builtins.exec(setup, module.__dict__)  # noqa: S102 - the purpose of a box
        module.__dict__.pop(entry.partition(".")[0], None)
    builtins.exec(code, module.__dict__)  # noqa: S102 - the purpose of a box
    return module


# Any: whatever the program defines.
def entry_of(module: ModuleType, entry: str) -> Any:
    """The callable of this name: of the program's top level, of its `Solution`, or dotted `A.b`."""
    found = _found(module, entry)
    if not callable(found):
        raise NoEntry(f"{entry} is not callable")
    return found


def _found(module: ModuleType, entry: str) -> Any:
    first, *rest = entry.split(".")
    names = vars(module)
    if not rest and first not in names and isinstance(names.get("Solution"), type):
        first, rest = "Solution", [entry]
    if first not in names:
        raise NoEntry(f"the program does not define {entry}")
    found = names[first]
    for name in rest:
        if not hasattr(found, name):
            raise NoEntry(f"the program does not define {entry}")
        found = _member(found, name)
    return found


def _member(owner: Any, name: str) -> Any:
    if not isinstance(owner, type) or _needs_no_instance(owner, name):
        return getattr(owner, name)
    return getattr(owner(), name)


def _needs_no_instance(owner: type, name: str) -> bool:
    for base in owner.__mro__:
        if name in vars(base):
            return isinstance(vars(base)[name], (staticmethod, classmethod, type))
    return True


def said_by(error: BaseException) -> str:
    """What the exception says, bounded; nothing where it cannot even say that."""
    try:
        return str(error)[:_MOST_SAID]
    except BaseException:  # noqa: BLE001 - the text is the program's own doing
        return ""
