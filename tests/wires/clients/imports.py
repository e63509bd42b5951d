"""A framework's package, partly: the modules that are wanted, and whatever they import of it."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import TypeAlias

from tests.wires.peers import standing_in

__all__ = ["Modules", "imported", "present"]

Modules: TypeAlias = dict[str, ModuleType]


def imported(names: Iterable[str], stubs: Iterable[ModuleType]) -> Modules:
    """These modules and all that came with them, by dotted name, out of `sys.modules` again.

    What imports when it is called runs while they are `present`.
    """
    given = [*stubs]
    tops = {_top(stub.__name__) for stub in given}
    with warnings.catch_warnings(), standing_in(given):
        warnings.simplefilter("ignore")
        for name in names:
            import_module(name)
        return {name: module for name, module in sys.modules.copy().items() if _top(name) in tops}


@contextmanager
def present(modules: Modules) -> Iterator[None]:
    """Have them in `sys.modules` for a while, in the place of whatever has their top names."""
    tops = {_top(name) for name in modules}
    kept = {name: module for name, module in sys.modules.copy().items() if _top(name) in tops}
    for name in kept:
        del sys.modules[name]
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in [name for name in sys.modules.copy() if _top(name) in tops]:
            del sys.modules[name]
        sys.modules.update(kept)


def _top(name: str) -> str:
    return name.partition(".")[0]
